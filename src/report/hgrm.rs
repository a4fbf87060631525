//! The percentile distribution in HdrHistogram's text form (`.hgrm`), which its plotter reads.

use std::fmt::Write as _;

use crate::measure::LatencyHistogram;

/// Reporting steps per halving of the distance to 100 %, HdrHistogram's own default.
const TICKS: u32 = 5;

/// Lines for the plotter; times in milliseconds.
pub fn hgrm(times: &LatencyHistogram) -> String {
    let histogram = times.histogram();
    let mut out = String::from("       Value     Percentile TotalCount 1/(1-Percentile)\n\n");
    // Writing to a String does not fail.
    for point in histogram.iter_quantiles(TICKS) {
        let quantile = point.quantile_iterated_to();
        let value = times.quantile(quantile).unwrap_or_default().as_secs_f64() * 1e3;
        let total = histogram.count_between(0, point.value_iterated_to());
        let _ = if quantile < 1.0 {
            let odds = 1.0 / (1.0 - quantile);
            writeln!(out, "{value:12.3} {quantile:.12} {total:10} {odds:14.2}")
        } else {
            writeln!(out, "{value:12.3} {quantile:.12} {total:10}")
        };
    }
    let (mean, deviation) = (histogram.mean() / 1e3, histogram.stdev() / 1e3);
    let max = times.quantile(1.0).unwrap_or_default().as_secs_f64() * 1e3;
    let _ = writeln!(
        out,
        "#[Mean    = {mean:12.3}, StdDeviation   = {deviation:12.3}]"
    );
    let _ = writeln!(
        out,
        "#[Max     = {max:12.3}, Total count    = {:12}]",
        histogram.len()
    );
    let _ = writeln!(
        out,
        "#[Buckets = {:12}, SubBuckets     = {:12}]",
        histogram.buckets(),
        1_u32 << 11
    );
    out
}

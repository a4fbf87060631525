//! A replayed curve: a CSV file with the columns `time` and `rate`.

use std::path::Path;

use checked_yaml::Place;

use super::feeder::csv_reader;
use super::files::{Characters, read_table};
use super::report::{RATE_MAX, Report};
use super::units::{self, DURATION_MAX};
use crate::scenario::Curve;

/// Most rows of a curve.
const POINTS_MAX: usize = 1_000_000;

/// Reads a curve; reports at `place`.
pub(super) fn read(report: &Report<'_>, file: &str, place: &Place, folder: &Path) -> Curve {
    let outcome = read_table(&folder.join(file), Characters::Utf8).and_then(|text| points(&text));
    let points = outcome.unwrap_or_else(|reason| {
        report.add(
            report
                .at(place, format!("the curve `{file}` cannot be replayed: {reason}"))
                .label("this file")
                .help("a header line `time,rate`, then at least two lines such as `0,10` and `30s,600/min`; times rise from 0"),
        );
        vec![(0.0, 1.0), (1.0, 1.0)]
    });
    Curve::Replay(points)
}

fn points(text: &str) -> Result<Vec<(f64, f64)>, String> {
    let mut reader = csv_reader(text, csv::Trim::All, b',');
    let header = reader.headers().map_err(|error| error.to_string())?;
    if header.iter().collect::<Vec<_>>() != ["time", "rate"] {
        return Err(format!(
            "its first line is `{}`",
            header.iter().collect::<Vec<_>>().join(",")
        ));
    }
    let mut points: Vec<(f64, f64)> = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| error.to_string())?;
        let line = record.position().map_or(0, csv::Position::line);
        let point = point(
            record.get(0).unwrap_or_default(),
            record.get(1).unwrap_or_default(),
            line,
        )?;
        match points.last() {
            None if point.0 != 0.0 => return Err(format!("line {line}: the first time is not 0")),
            Some((before, _)) if point.0 <= *before => {
                return Err(format!("line {line}: the time does not rise"));
            }
            _ => points.push(point),
        }
        if points.len() > POINTS_MAX {
            return Err(format!("more than {POINTS_MAX} lines"));
        }
    }
    if points.len() < 2 {
        return Err("it has fewer than two points".to_owned());
    }
    if points.iter().all(|(_, rate)| *rate == 0.0) {
        return Err("all its rates are zero".to_owned());
    }
    Ok(points)
}

fn point(time: &str, rate: &str, line: u64) -> Result<(f64, f64), String> {
    let seconds = time
        .parse()
        .ok()
        .or_else(|| units::duration(time).map(|time| time.as_secs_f64()));
    let seconds = seconds.filter(|seconds| (0.0..=DURATION_MAX.as_secs_f64()).contains(seconds));
    let rate_read = rate
        .parse()
        .ok()
        .or_else(|| units::rate(rate))
        .filter(|rate| (0.0..=RATE_MAX).contains(rate));
    match (seconds, rate_read) {
        (Some(seconds), Some(rate)) => Ok((seconds, rate)),
        (None, _) => Err(format!("line {line}: `{time}` is not a time")),
        (_, None) => Err(format!("line {line}: `{rate}` is not a rate")),
    }
}

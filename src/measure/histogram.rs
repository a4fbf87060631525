//! A latency histogram: microseconds in an HDR histogram of three digits, merged bucket for bucket.

use std::time::Duration;

use hdrhistogram::Histogram;

/// Highest time that a histogram holds; a longer one is recorded as this (and the request has timed out long before).
pub const TIME_MAX: Duration = Duration::from_secs(3600);

/// Significant decimal digits of every histogram.
pub const SIGNIFICANT_DIGITS: u8 = 3;

/// A latency histogram in microseconds.
#[derive(Debug, Clone)]
pub struct LatencyHistogram(Histogram<u64>);

impl Default for LatencyHistogram {
    fn default() -> Self {
        // Three digits are always valid.
        let mut histogram = Histogram::new(SIGNIFICANT_DIGITS)
            .unwrap_or_else(|_| unreachable!("3 digits are within 0..=5"));
        histogram.auto(true);
        Self(histogram)
    }
}

impl LatencyHistogram {
    /// Wraps a decoded histogram. It grows like any other: a decoded one is only as wide as its own readings, and readings
    /// of another one added to it would be lost.
    pub fn from_histogram(mut histogram: Histogram<u64>) -> Self {
        histogram.auto(true);
        Self(histogram)
    }

    /// Adds one reading, rounded to the nearest microsecond.
    pub fn record(&mut self, time: Duration) {
        let nanos = time.min(TIME_MAX).as_nanos();
        let micros = u64::try_from((nanos + 500) / 1000).unwrap_or(u64::MAX);
        // Cannot fail: the histogram grows as needed (`saturating_record` would cut the value off instead).
        let _ = self.0.record(micros);
    }

    /// Adds all readings of another histogram: exact, bucket for bucket.
    pub fn add(&mut self, other: &Self) {
        // Cannot fail: this histogram grows as needed.
        let _ = self.0.add(&other.0);
    }

    /// The value at a quantile (0…1; 1 is the maximum), or `None` without readings.
    ///
    /// The answer is the bucket's middle, so that the error is at most half a bucket (0.05 %) to either side.
    pub fn quantile(&self, q: f64) -> Option<Duration> {
        if self.0.is_empty() {
            return None;
        }
        let micros = if q >= 1.0 {
            self.0.max()
        } else {
            self.0.median_equivalent(self.0.value_at_quantile(q))
        };
        Some(Duration::from_micros(micros))
    }

    /// Number of readings.
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// Forgets all readings and keeps the memory.
    pub fn clear(&mut self) {
        self.0.reset();
    }

    /// The histogram itself, for encoding.
    pub fn histogram(&self) -> &Histogram<u64> {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::{LatencyHistogram, TIME_MAX};
    use std::time::Duration;

    #[test]
    fn times_of_any_length_keep_three_digits() {
        let mut times = LatencyHistogram::default();
        for micros in [1_u64, 999, 2_047, 2_048, 123_456, 9_876_543, 3_599_000_000] {
            times.clear();
            times.record(Duration::from_micros(micros));
            let found = times.quantile(0.5).unwrap().as_micros() as f64;
            assert!(
                (found / micros as f64 - 1.0).abs() <= 0.001,
                "{micros} came back as {found}"
            );
        }
        times.record(TIME_MAX * 2);
        assert!(times.quantile(1.0).unwrap() <= TIME_MAX.mul_f64(1.001));
    }
}

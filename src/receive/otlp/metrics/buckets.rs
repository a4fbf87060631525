//! Buckets of histograms become values with numbers. PURE.

use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::{ExponentialHistogramDataPoint, HistogramDataPoint};

/// Buckets that a histogram may have.
const BUCKETS_MAX: usize = 2_000;
/// The values of a bucket are spread over so many places within it.
const PLACES_MAX: u64 = 8;
/// What exponential histograms may be scaled by.
const SCALES: std::ops::RangeInclusive<i32> = -10..=20;
/// Where the buckets of negative values begin in a numbering that has them all; and that of zero.
const NEGATIVE: i32 = i32::MIN / 2;
const ZERO: i32 = i32::MAX;

/// Numbers of buckets from `offset` on, without the empty ones.
pub(super) fn numbered(counts: &[u64], offset: i32) -> Vec<(i32, f64)> {
    let counts = (offset..).zip(counts);
    let there = counts.filter(|(_, count)| **count > 0);
    there
        .map(|(bucket, count)| (bucket, *count as f64))
        .collect()
}

/// The buckets of a histogram with explicit bounds.
pub(super) struct Explicit<'p> {
    bounds: &'p [f64],
    min: Option<f64>,
    max: Option<f64>,
}

impl<'p> Explicit<'p> {
    /// `None` if the bounds do not rise, or there is not one bucket more than bounds.
    pub(super) fn of(point: &'p HistogramDataPoint) -> Option<Self> {
        let bounds = &point.explicit_bounds;
        let is_good = bounds.len() < BUCKETS_MAX
            && point.bucket_counts.len() == bounds.len() + 1
            && bounds.iter().all(|bound| bound.is_finite())
            && bounds.is_sorted_by(|a, b| a < b);
        let finite = |extreme: Option<f64>| extreme.filter(|extreme| extreme.is_finite());
        is_good.then(|| Self {
            bounds,
            min: finite(point.min),
            max: finite(point.max),
        })
    }

    pub(super) fn forget_extremes(&mut self) {
        (self.min, self.max) = (None, None);
    }

    /// The values of each bucket, spread over it.
    pub(super) fn values(&self, counts: &[(i32, f64)]) -> Vec<(f64, u64)> {
        let mut values = Vec::new();
        for (bucket, count) in counts {
            let Some((low, high)) = self.ends(*bucket as usize) else {
                continue;
            };
            spread(low, high, *count as u64, &mut values);
        }
        values
    }

    /// The open buckets at both ends reach to the extremes, if they are known; else the first one to zero, the last one nowhere.
    fn ends(&self, bucket: usize) -> Option<(f64, f64)> {
        let first = self.bounds.first().copied();
        let low = match bucket.checked_sub(1) {
            Some(below) => *self.bounds.get(below)?,
            None => {
                let zero = first.map_or(0.0, |first| first.min(0.0));
                self.min.unwrap_or(zero)
            }
        };
        let high = self.bounds.get(bucket).copied();
        let high = high.or(self.max).unwrap_or(low);
        let clamped = |end: f64| {
            let end = self.min.map_or(end, |min| end.max(min));
            self.max.map_or(end, |max| end.min(max))
        };
        let (low, high) = (clamped(low), clamped(high));
        Some((low.min(high), high))
    }
}

/// Spreads so many values evenly over an interval.
fn spread(low: f64, high: f64, count: u64, values: &mut Vec<(f64, u64)>) {
    let places = if low < high {
        count.min(PLACES_MAX)
    } else {
        count.min(1)
    };
    for place in 0..places {
        let share = count * (place + 1) / places - count * place / places;
        let value = low + (high - low) * (place as f64 + 0.5) / places as f64;
        values.push((value, share));
    }
}

/// All buckets of an exponential histogram in one numbering; `None` if it is none.
pub(super) fn exponential(point: &ExponentialHistogramDataPoint) -> Option<Vec<(i32, f64)>> {
    let of = |buckets: &Option<Buckets>, base: i32| -> Option<Vec<(i32, f64)>> {
        let Some(buckets) = buckets else {
            return Some(Vec::new());
        };
        let is_good =
            buckets.bucket_counts.len() <= BUCKETS_MAX && buckets.offset.abs() < i32::MAX / 8;
        is_good.then(|| numbered(&buckets.bucket_counts, base + buckets.offset))
    };
    if !SCALES.contains(&point.scale) {
        return None;
    }
    let mut all = of(&point.negative, NEGATIVE)?;
    all.extend(of(&point.positive, 0)?);
    if point.zero_count > 0 {
        all.push((ZERO, point.zero_count as f64));
    }
    Some(all)
}

/// The middle of each bucket with its number.
pub(super) fn exponential_values(scale: i32, counts: &[(i32, f64)]) -> Vec<(f64, u64)> {
    let middle = |index: i32| ((f64::from(index) + 0.5) * f64::from(-scale).exp2()).exp2();
    let values = counts.iter().map(|(bucket, count)| {
        let value = match *bucket {
            ZERO => 0.0,
            negative if negative < NEGATIVE / 2 => -middle(negative - NEGATIVE),
            positive => middle(positive),
        };
        (value, *count as u64)
    });
    let there = |(value, count): &(f64, u64)| value.is_finite() && *count > 0;
    values.filter(there).collect()
}

//! A distribution of values in bounded memory that can be merged without loss: DDSketch (Masson, Rim, Lee: 'DDSketch: a fast
//! and fully-mergeable quantile sketch with relative-error guarantees', VLDB 2019) with the accuracy of Datadog's Agent.
//!
//! Few distinct values are kept as they are, so that small sets have exact percentiles; from [`EXACT_MAX`] on they move into
//! bins whose bounds grow by a constant factor. Count, sum, least and largest value are always exact.

mod bytes;

pub use bytes::{SKETCH_VERSION, SketchError};

use crate::query::tree::Comparator;

/// Bound on the relative error of a percentile.
pub const RELATIVE_ERROR: f64 = 1.0 / 128.0;
/// So many distinct values are kept exactly.
pub const EXACT_MAX: usize = 64;
/// Values nearer to zero count as zero once there are bins.
pub const SMALLEST: f64 = 1e-9;
/// Bins on either side of zero. They reach to about 6·10¹⁸; larger values share the last bin.
pub const BINS_MAX: usize = 4_096;

/// Values, of which each stands for so many equal ones.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sketch {
    count: u64,
    sum: f64,
    /// Meaningless while the count is 0.
    min: f64,
    max: f64,
    body: Body,
}

#[derive(Debug, Clone, PartialEq)]
enum Body {
    /// Distinct values by rising size, with their numbers.
    Exact(Vec<(f64, u64)>),
    Binned(Bins),
}

impl Default for Body {
    fn default() -> Self {
        Self::Exact(Vec::new())
    }
}

/// Numbers of values by bin; the key of a bin is the rounded up logarithm of its values.
#[derive(Debug, Clone, PartialEq, Default)]
struct Bins {
    negative: Vec<(i16, u64)>,
    zero: u64,
    positive: Vec<(i16, u64)>,
}

impl Sketch {
    /// A sketch of these values.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut sketch = Self::default();
        values.into_iter().for_each(|value| sketch.insert(value));
        sketch
    }

    /// Adds a value. One that is not finite is not a value: it changes nothing.
    pub fn insert(&mut self, value: f64) {
        self.insert_many(value, 1);
    }

    /// Adds the same value so many times: a sample rate's inverse, or the number in a bucket of a histogram.
    pub fn insert_many(&mut self, value: f64, times: u64) {
        if !value.is_finite() || times == 0 {
            return;
        }
        self.widen(value, value);
        self.count = self.count.saturating_add(times);
        self.add_to_sum(value * times as f64);
        self.place(value, times);
    }

    /// Adds all values of another one.
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        self.widen(other.min, other.max);
        self.count = self.count.saturating_add(other.count);
        self.add_to_sum(other.sum);
        match &other.body {
            Body::Exact(values) => values
                .iter()
                .for_each(|(value, times)| self.place(*value, *times)),
            Body::Binned(bins) => self.binned().merge(bins),
        }
    }

    /// How many values it has.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Their sum; 0 without values.
    pub fn sum(&self) -> f64 {
        self.sum
    }

    /// The least value.
    pub fn min(&self) -> Option<f64> {
        (self.count > 0).then_some(self.min)
    }

    /// The largest value.
    pub fn max(&self) -> Option<f64> {
        (self.count > 0).then_some(self.max)
    }

    /// Sum by count.
    pub fn avg(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }

    /// The value whose rank, counted from 0, is (n − 1)·q rounded down, for `q` from 0 to 1.
    pub fn quantile(&self, q: f64) -> Option<f64> {
        let last = self.count.checked_sub(1)?;
        // A product that should be whole may come out a little below.
        let rank = (last as f64 * q.clamp(0.0, 1.0) + 1e-9).floor() as u64;
        if rank == 0 {
            return Some(self.min);
        }
        if rank >= last {
            return Some(self.max);
        }
        let mut below = 0;
        let found = self.values().into_iter().find(|(_, times)| {
            below += times;
            below > rank
        });
        Some(found.map_or(self.max, |(value, _)| value))
    }

    /// How many values compare so with `limit`. A value in a bin is taken for the middle of its bin.
    pub fn count_where(&self, comparator: Comparator, limit: f64) -> u64 {
        let held = self.values().into_iter();
        held.filter(|(value, _)| comparator.holds(*value, limit))
            .map(|(_, times)| times)
            .sum()
    }

    /// Distinct values by rising size with their numbers, as far as they can be told apart.
    pub fn values(&self) -> Vec<(f64, u64)> {
        match &self.body {
            Body::Exact(values) => values.clone(),
            Body::Binned(bins) => {
                let within = |(value, times): (f64, u64)| (value.clamp(self.min, self.max), times);
                bins.values().map(within).collect()
            }
        }
    }

    /// Whether percentiles are those of the very values.
    pub fn is_exact(&self) -> bool {
        matches!(self.body, Body::Exact(_))
    }

    fn widen(&mut self, min: f64, max: f64) {
        if self.count == 0 {
            (self.min, self.max) = (min, max);
        }
        self.min = self.min.min(min);
        self.max = self.max.max(max);
    }

    /// Stays finite, so that it can be told and read back.
    fn add_to_sum(&mut self, more: f64) {
        self.sum = (self.sum + more).clamp(f64::MIN, f64::MAX);
    }

    fn place(&mut self, value: f64, times: u64) {
        if let Body::Exact(values) = &mut self.body {
            match values.binary_search_by(|(known, _)| known.total_cmp(&value)) {
                Ok(at) => {
                    values[at].1 = values[at].1.saturating_add(times);
                    return;
                }
                Err(at) if values.len() < EXACT_MAX => {
                    values.insert(at, (value, times));
                    return;
                }
                Err(_) => {}
            }
        }
        self.binned().add(value, times);
    }

    /// The bins, made from the exact values if there are none yet.
    fn binned(&mut self) -> &mut Bins {
        if let Body::Exact(values) = &self.body {
            let mut bins = Bins::default();
            values
                .iter()
                .for_each(|(value, times)| bins.add(*value, *times));
            self.body = Body::Binned(bins);
        }
        match &mut self.body {
            Body::Binned(bins) => bins,
            Body::Exact(_) => unreachable!("made into bins above"),
        }
    }
}

impl Bins {
    fn add(&mut self, value: f64, times: u64) {
        if value.abs() < SMALLEST {
            self.zero = self.zero.saturating_add(times);
        } else if value > 0.0 {
            add_to(&mut self.positive, key(value), times);
        } else {
            add_to(&mut self.negative, key(-value), times);
        }
    }

    fn merge(&mut self, other: &Self) {
        self.zero = self.zero.saturating_add(other.zero);
        for (key, times) in &other.negative {
            add_to(&mut self.negative, *key, *times);
        }
        for (key, times) in &other.positive {
            add_to(&mut self.positive, *key, *times);
        }
    }

    fn values(&self) -> impl Iterator<Item = (f64, u64)> {
        let negative = self.negative.iter().rev();
        let negative = negative.map(|(key, times)| (-middle(*key), *times));
        let zero = (self.zero > 0).then_some((0.0, self.zero));
        let positive = self.positive.iter();
        negative
            .chain(zero)
            .chain(positive.map(|(key, times)| (middle(*key), *times)))
    }
}

fn add_to(bins: &mut Vec<(i16, u64)>, key: i16, times: u64) {
    match bins.binary_search_by_key(&key, |(key, _)| *key) {
        Ok(at) => bins[at].1 = bins[at].1.saturating_add(times),
        Err(at) => bins.insert(at, (key, times)),
    }
}

/// A bin's upper bound by its lower one.
const GROWTH: f64 = (1.0 + RELATIVE_ERROR) / (1.0 - RELATIVE_ERROR);

fn key(size: f64) -> i16 {
    let first = (SMALLEST.ln() / GROWTH.ln()).ceil();
    let exact = (size.ln() / GROWTH.ln()).ceil();
    exact.clamp(first, first + (BINS_MAX - 1) as f64) as i16
}

/// The value of a bin from which none of its values is further than [`RELATIVE_ERROR`].
fn middle(key: i16) -> f64 {
    2.0 * GROWTH.powi(i32::from(key)) / (GROWTH + 1.0)
}

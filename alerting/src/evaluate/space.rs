//! Several numbers made into one: points of a bucket, sources of a group, values of a window.

use crate::query::tree::SpaceAggregator;

use super::sketch::Sketch;

/// How.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Combine {
    Avg,
    Sum,
    Min,
    Max,
    Count,
}

impl Combine {
    pub(super) fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "avg" => Self::Avg,
            "sum" => Self::Sum,
            "min" => Self::Min,
            "max" => Self::Max,
            "count" => Self::Count,
            _ => return None,
        })
    }

    /// Of the values that there are: NaN if there is none.
    pub(super) fn of(self, values: impl Iterator<Item = f64>) -> f64 {
        let mut sum = Running::default();
        values
            .filter(|value| !value.is_nan())
            .for_each(|value| sum.add(value));
        sum.value(self)
    }
}

/// Numbers added up one by one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Running {
    count: u64,
    sum: f64,
    min: f64,
    max: f64,
}

impl Default for Running {
    fn default() -> Self {
        Self {
            count: 0,
            sum: 0.0,
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
        }
    }
}

impl Running {
    pub(super) fn add(&mut self, value: f64) {
        self.count += 1;
        self.sum += value;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
    }

    pub(super) fn value(&self, combine: Combine) -> f64 {
        match combine {
            _ if self.count == 0 => f64::NAN,
            Combine::Avg => self.sum / self.count as f64,
            Combine::Sum => self.sum,
            Combine::Min => self.min,
            Combine::Max => self.max,
            Combine::Count => self.count as f64,
        }
    }
}

/// Of the values of a distribution: NaN if there is none.
pub(super) fn of_sketch(sketch: &Sketch, aggregator: SpaceAggregator) -> f64 {
    if sketch.count() == 0 {
        return f64::NAN;
    }
    let found = match aggregator {
        SpaceAggregator::Avg => sketch.avg(),
        SpaceAggregator::Sum => Some(sketch.sum()),
        SpaceAggregator::Min => sketch.min(),
        SpaceAggregator::Max => sketch.max(),
        SpaceAggregator::Count => Some(sketch.count() as f64),
        SpaceAggregator::Percentile(percent) => sketch.quantile(percent / 100.0),
        SpaceAggregator::CountWhere(compared) => {
            Some(sketch.count_where(compared.comparator, compared.threshold) as f64)
        }
    };
    found.unwrap_or(f64::NAN)
}

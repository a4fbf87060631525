//! The handles through which code reports. Each is one pointer to its series.

use std::sync::Arc;

use super::series::Series;

/// Counts events.
#[derive(Debug, Clone)]
pub struct Counter(pub(super) Arc<Series>);

impl Counter {
    /// Counts one.
    pub fn inc(&self) {
        self.inc_by(1);
    }

    /// Counts several at once.
    pub fn inc_by(&self, increment: u64) {
        self.0.count(increment);
    }

    /// What was counted so far.
    pub fn get(&self) -> u64 {
        self.0.current() as u64
    }
}

/// Shows a value that rises and falls.
#[derive(Debug, Clone)]
pub struct Gauge(pub(super) Arc<Series>);

impl Gauge {
    /// Shows `value` from now on.
    pub fn set(&self, value: f64) {
        self.0.set(value);
    }

    /// One more.
    pub fn inc(&self) {
        self.0.change(1.0);
    }

    /// One less.
    pub fn dec(&self) {
        self.0.change(-1.0);
    }

    /// The value shown now.
    pub fn get(&self) -> f64 {
        self.0.current()
    }
}

/// Observes values whose distribution the reporter sums up in buckets.
#[derive(Debug, Clone)]
pub struct Histogram(pub(super) Arc<Series>);

impl Histogram {
    /// Takes one value, in the metric's unit.
    pub fn observe(&self, value: f64) {
        self.0.observe(value);
    }
}

/// Observes values whose percentiles the server computes from the raw values.
#[derive(Debug, Clone)]
pub struct Distribution(pub(super) Arc<Series>);

impl Distribution {
    /// Takes one value, in the metric's unit.
    pub fn observe(&self, value: f64) {
        self.0.observe(value);
    }

    /// Takes one value as often as `count` says, for those who have summed up their readings already.
    pub fn observe_times(&self, value: f64, count: u64) {
        self.0.observe_times(value, count);
    }
}

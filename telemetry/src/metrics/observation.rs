//! What a registry tells its sinks, and the bounds of what it keeps. Must not know registries.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::catalogue::Metric;
use crate::identity::Identity;

/// Most sets of tag values that one metric may have in one service; further ones are counted together.
pub const TAG_SETS_MAX: usize = 400;
/// Longest value of a tag; the rest is cut off.
pub const TAG_VALUE_BYTES_MAX: usize = 120;
/// The value of every tag of the series that stands for all sets beyond [`TAG_SETS_MAX`].
pub const OVERFLOW: &str = "overflow";
/// Sees each raw observation, for exporters such as DogStatsD. It must return at once and never block.
pub trait MetricSink: fmt::Debug + Send + Sync {
    /// Takes one observation.
    fn record(&self, observation: &Observation<'_>);
}

/// One raw observation.
#[derive(Debug, Clone, Copy)]
pub struct Observation<'a> {
    /// The service that reports.
    pub identity: &'a Identity,
    /// What was observed.
    pub metric: Metric,
    /// Names and values of the metric's own tags.
    pub tags: &'a [(&'static str, String)],
    /// The increment of a counter, the new value of a gauge, the observed value of a distribution.
    pub value: f64,
    /// How often a distribution observed it; 1 with counters and gauges.
    pub count: u64,
}

/// Locks even after a panic elsewhere: the maps stay whole between two statements.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

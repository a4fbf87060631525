//! Think times. Must not know how they are drawn.

use std::time::Duration;

/// A think time.
#[derive(Debug, Clone, PartialEq)]
pub enum Think {
    /// Always the same.
    Constant(Duration),
    /// Anything between, evenly.
    Uniform(Duration, Duration),
    /// Exponential with this mean, cut at ten times the mean.
    Exponential(Duration),
    /// Normal with this mean and standard deviation; never below zero, and cut at the mean plus four deviations.
    Normal {
        /// Mean.
        mean: Duration,
        /// Standard deviation.
        deviation: Duration,
    },
    /// Log-normal with this median and sigma of the logarithm, cut at `median · e^(4 sigma)`.
    LogNormal {
        /// Median.
        median: Duration,
        /// Standard deviation of the natural logarithm.
        sigma: f64,
    },
}

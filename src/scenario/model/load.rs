//! The load model: how many shoppers arrive when, and the bounds on what a run may use. Must not know clocks.

use std::time::Duration;

/// The load model.
#[derive(Debug, Clone)]
pub enum Load {
    /// Journeys arrive on a schedule that does not wait for answers.
    Open {
        /// In order; each begins where the previous one ends.
        phases: Vec<Phase>,
        /// How arrivals lie within the curve.
        spacing: Spacing,
    },
    /// So many shoppers, each beginning a new journey when the last one has ended.
    Closed {
        /// In order, never empty; each begins where the previous one ends.
        crowd: Vec<CrowdPhase>,
        /// When to stop.
        until: Until,
    },
}

impl Load {
    /// The name of the one phase of a closed load that names none.
    pub(crate) const ONLY_PHASE: &str = "run";

    /// Names and lengths of the phases, in order. A phase without an end of its own lasts for [`Duration::MAX`].
    pub fn phases(&self) -> Box<dyn Iterator<Item = (&str, Duration)> + '_> {
        match self {
            Self::Open { phases, .. } => Box::new(
                phases
                    .iter()
                    .map(|phase| (phase.name.as_str(), phase.duration)),
            ),
            Self::Closed { crowd, .. } => Box::new(
                crowd
                    .iter()
                    .map(|phase| (phase.name.as_str(), phase.duration)),
            ),
        }
    }
}

/// A named stretch of a closed load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CrowdPhase {
    /// Thresholds refer to it.
    pub name: String,
    /// How long it lasts; [`Duration::MAX`] when the load's end is its end.
    pub duration: Duration,
    /// Shoppers over the phase.
    pub size: CrowdSize,
}

/// Shoppers of a closed load as a function of the time since its phase began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CrowdSize {
    /// The same number throughout.
    Constant(u32),
    /// From one number to another, one shopper at a time and at equal distances.
    Ramp {
        /// Shoppers at the start.
        from: u32,
        /// Shoppers at the end.
        to: u32,
    },
    /// A staircase of `count` stairs of equal length; the first has `from` shoppers, the last `to`.
    Steps {
        /// Shoppers on the first stair.
        from: u32,
        /// Shoppers on the last stair.
        to: u32,
        /// Number of stairs, at least 2.
        count: u32,
    },
}

/// The end of a closed load: whichever comes first; at least one is set.
#[derive(Debug, Clone, Copy)]
pub struct Until {
    /// After this long.
    pub elapsed: Option<Duration>,
    /// After this many journeys in all.
    pub journeys: Option<u64>,
}

/// A named stretch of an open load.
#[derive(Debug, Clone)]
pub struct Phase {
    /// `baseline`, `spike`, …: thresholds refer to it.
    pub name: String,
    /// How long it lasts.
    pub duration: Duration,
    /// Arrivals a second over the phase.
    pub curve: Curve,
}

/// Arrival rate as a function of the time since the phase began. Rates are journeys a second.
#[derive(Debug, Clone, PartialEq)]
pub enum Curve {
    /// The same rate throughout.
    Constant(f64),
    /// From one rate to another along a straight line.
    Ramp {
        /// Rate at the start.
        from: f64,
        /// Rate at the end.
        to: f64,
    },
    /// A staircase of `count` equal steps; the first runs at `from`, the last at `to`.
    Steps {
        /// Rate of the first step.
        from: f64,
        /// Rate of the last step.
        to: f64,
        /// Number of steps, at least 2.
        count: u32,
    },
    /// `base` throughout, but `peak` during `[at, at + width)`.
    Spike {
        /// Rate outside the spike.
        base: f64,
        /// Rate inside it.
        peak: f64,
        /// Begin of the spike since the phase began.
        at: Duration,
        /// Length of the spike.
        width: Duration,
    },
    /// A day: `low + (high − low) · (1 − cos(2π (t − peak_at)/period + π))/2`, highest at `peak_at`.
    Diurnal {
        /// Lowest rate.
        low: f64,
        /// Highest rate.
        high: f64,
        /// Length of one day.
        period: Duration,
        /// Time of the first maximum.
        peak_at: Duration,
    },
    /// Straight lines through (seconds since the phase began, rate); times rise strictly from 0.
    Replay(Vec<(f64, f64)>),
}

/// How arrivals lie within the curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spacing {
    /// The n-th arrival where the integral of the rate reaches n.
    Even,
    /// A Poisson process along the curve, conditioned on its planned total.
    Poisson,
}

/// Bounds on what a run may use.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Most shoppers at the same time; arrivals beyond it are dropped, counted, and make the run invalid.
    pub shoppers_max: u32,
    /// Most open connections.
    pub connections_max: u32,
    /// How long work in flight may go on after the last arrival.
    pub drain: Duration,
    /// Start lag p99 above this makes the run invalid (or above a tenth of the median response, whichever is larger).
    pub start_lag_max: Duration,
}

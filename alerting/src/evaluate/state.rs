//! From a number to a state, for one group (rules T1 to T6). Evaluations have no memory; the state does.

use crate::query::tree::{Comparator, TimeUnit};

/// A monitor's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// All is well.
    Ok,
    /// Nothing is known.
    NoData,
    /// Beyond the warning threshold.
    Warn,
    /// Beyond the critical threshold.
    Alert,
}

impl State {
    /// As people read it.
    pub fn text(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::NoData => "NO DATA",
            Self::Warn => "WARN",
            Self::Alert => "ALERT",
        }
    }
}

/// When a group changes its state.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// How values are compared with the thresholds.
    pub comparator: Comparator,
    /// From here on ALERT.
    pub critical: f64,
    /// From here on WARN.
    pub warning: Option<f64>,
    /// ALERT is left only here.
    pub critical_recovery: Option<f64>,
    /// WARN is left only here.
    pub warning_recovery: Option<f64>,
}

impl Limits {
    /// The state after an evaluation that came to `value`.
    pub fn next(&self, state: State, value: f64) -> State {
        let is_beyond = |limit: f64| self.comparator.holds(value, limit);
        let warns = self.warning.is_some_and(is_beyond);
        if is_beyond(self.critical) {
            return State::Alert;
        }
        let stays = |recovery: Option<f64>| recovery.is_some_and(|at| !self.recovers(value, at));
        match state {
            State::Alert if stays(self.critical_recovery) => State::Alert,
            _ if warns => State::Warn,
            // Out of ALERT, but not yet as well as leaving WARN demands [A6].
            State::Alert | State::Warn if stays(self.warning_recovery) => State::Warn,
            _ => State::Ok,
        }
    }

    /// Rule T2: equality belongs to the side that the comparator leaves.
    fn recovers(&self, value: f64, recovery: f64) -> bool {
        match self.comparator {
            Comparator::Above => value <= recovery,
            Comparator::AboveOrEqual => value < recovery,
            Comparator::Below => value >= recovery,
            Comparator::BelowOrEqual => value > recovery,
            Comparator::Equal | Comparator::NotEqual => true,
        }
    }
}

/// Empty buckets that a full window may have.
const EMPTY_MAX: usize = 3;

/// Width of the buckets by which a window counts as full, in seconds (rule T4).
pub fn full_window_bucket_s(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second | TimeUnit::Minute => 60,
        TimeUnit::Hour => 600,
        TimeUnit::Day | TimeUnit::Week => 3_600,
        TimeUnit::Month => 14_400,
    }
}

/// Whether a window is full, from whether each of its buckets has data, the earliest first (rule T4).
pub fn is_full(buckets: &[bool]) -> bool {
    let empty = buckets.iter().filter(|has_data| !**has_data).count();
    buckets.first() == Some(&true) && empty <= EMPTY_MAX
}

/// What a monitor does when its query has no result (rule T6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnMissing {
    /// Evaluates 0 if it sums or counts, else keeps its state.
    Default,
    /// NO DATA, without a notification.
    ShowNoData,
    /// NO DATA, with a notification.
    ShowAndNotify,
    /// OK.
    Resolve,
}

impl OnMissing {
    /// Reads what a definition says.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "default" => Self::Default,
            "show_no_data" => Self::ShowNoData,
            "show_and_notify_no_data" => Self::ShowAndNotify,
            "resolve" => Self::Resolve,
            _ => return None,
        })
    }

    /// The state of a group without a result, and whether a change to it is notified. `counts`: it sums or counts.
    /// A monitor that never had data has no state, and nothing happens.
    pub fn next(
        self,
        state: Option<State>,
        limits: &Limits,
        counts: bool,
    ) -> Option<(State, bool)> {
        let state = state?;
        let next = match self {
            Self::Default if counts => limits.next(state, 0.0),
            Self::Default => state,
            Self::ShowNoData | Self::ShowAndNotify => State::NoData,
            Self::Resolve => State::Ok,
        };
        Some((next, next != state && self != Self::ShowNoData))
    }
}

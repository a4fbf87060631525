//! What a run is told while it goes on: to stop, and to change its rate.
//!
//! One value in a `tokio::sync::watch` channel, so that every worker sees the newest wish and none has a queue of them.
//! Must not know: who wishes, and how a worker obeys.

use std::time::{Duration, Instant};

use crate::schedule::Schedule;

/// Changes of the rate by hand that one run takes; each is one more stretch of the schedule.
pub const RATE_CHANGES_MAX: usize = 500;

/// Highest and lowest rate by hand, as multiples of the scenario's.
pub const RATE_FACTORS: std::ops::RangeInclusive<f64> = 0.01..=100.0;

/// How far ahead of the wish a change takes effect, so that every worker has heard of it when it does.
const NOTICE: Duration = Duration::from_millis(50);

/// How far a run has been asked to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Stop {
    /// Go on.
    #[default]
    No,
    /// No new journeys, no new steps; answers on their way are waited for.
    Drain,
    /// At once.
    Now,
}

/// Everything that a run has been told so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Control {
    /// Whether to stop.
    pub stop: Stop,
    /// Who asked first.
    stopped_by: Option<&'static str>,
    rates: Vec<RateChange>,
}

/// One change of the rate by hand.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RateChange {
    /// From when on.
    pub at: Instant,
    /// The scenario's rate times this.
    pub factor: f64,
}

impl Control {
    /// Someone asks the run to stop: the first time it drains, from the second on it stops at once. Returns what holds now.
    pub fn ask_to_stop(&mut self, who: &'static str) -> Stop {
        self.stopped_by.get_or_insert(who);
        self.stop = match self.stop {
            Stop::No => Stop::Drain,
            Stop::Drain | Stop::Now => Stop::Now,
        };
        self.stop
    }

    /// Who cut the run short, if anyone did.
    pub fn stopped_by(&self) -> Option<&'static str> {
        self.stopped_by
    }

    /// Multiplies the rate from a moment after `now` on. Returns the factor on the scenario's rate that holds then, or `None`
    /// when the rate has been changed too often or would leave [`RATE_FACTORS`].
    pub fn multiply_rate(&mut self, now: Instant, by: f64) -> Option<f64> {
        let factor = self.factor() * by;
        let possible = self.rates.len() < RATE_CHANGES_MAX && RATE_FACTORS.contains(&factor);
        possible.then(|| {
            let at = now + NOTICE;
            self.rates.push(RateChange { at, factor });
            factor
        })
    }

    /// The scenario's rate times this is wanted now.
    pub fn factor(&self) -> f64 {
        self.rates.last().map_or(1.0, |change| change.factor)
    }

    /// All changes of the rate in order.
    pub fn rates(&self) -> &[RateChange] {
        &self.rates
    }

    /// The scenario's schedule with all changes. Everyone who computes it gets the same one.
    pub fn schedule(&self, scenario: &Schedule, start: Instant) -> Schedule {
        let mut before = 1.0;
        let mut schedule = scenario.clone();
        for change in &self.rates {
            let at = change.at.saturating_duration_since(start);
            schedule = schedule.rescaled(at, change.factor / before);
            before = change.factor;
        }
        schedule
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Curve, Phase, Spacing};

    fn minute_at_ten() -> Schedule {
        let phase = Phase {
            name: "run".to_owned(),
            duration: Duration::from_secs(60),
            curve: Curve::Constant(10.0),
        };
        Schedule::new(&[phase], Spacing::Even, 1)
    }

    #[test]
    fn the_first_wish_to_stop_drains_and_is_remembered() {
        let mut control = Control::default();
        assert_eq!(control.stopped_by(), None);
        assert_eq!(control.ask_to_stop("SIGINT"), Stop::Drain);
        assert_eq!(control.ask_to_stop("SIGTERM"), Stop::Now);
        assert_eq!(control.stopped_by(), Some("SIGINT"));
    }

    #[test]
    fn changes_multiply_and_the_factor_is_told_against_the_scenario() {
        let start = Instant::now();
        let mut control = Control::default();
        assert_eq!(control.multiply_rate(start, 2.0), Some(2.0));
        assert_eq!(
            control.multiply_rate(start + Duration::from_secs(30), 0.25),
            Some(0.5)
        );
        let schedule = control.schedule(&minute_at_ten(), start);
        assert_eq!(schedule.rate_at(Duration::from_secs(10)), 20.0);
        assert_eq!(schedule.rate_at(Duration::from_secs(40)), 5.0);
        // Half an arrival more or less: changes take effect a moment after the wish.
        assert!((749..=752).contains(&schedule.total()));
    }

    #[test]
    fn the_rate_stays_within_bounds_and_changes_are_counted() {
        let mut control = Control::default();
        assert_eq!(control.multiply_rate(Instant::now(), 1000.0), None);
        let taken = (0..2 * RATE_CHANGES_MAX)
            .filter(|_| control.multiply_rate(Instant::now(), 1.0).is_some());
        assert_eq!(taken.count(), RATE_CHANGES_MAX);
    }
}

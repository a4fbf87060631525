//! Snapshots: what a run looks like at this moment, as plain data for progress lines and live views.
//!
//! Snapshots hold summaries, never whole histograms: ten minutes of a run with a dozen steps are a few megabytes, and a
//! view has nothing left to compute but where to draw.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::histogram::LatencyHistogram;
use super::phases::{PhaseId, Phases};
use super::samples::Sample;
use super::stats::{Arrivals, StepStats};
use crate::scenario::Scenario;
use crate::verdict::Reason;

/// Ticks kept for charts.
pub const HISTORY: usize = 600;

/// Bands of a heat map to each power of ten.
pub const BANDS_PER_DECADE: u8 = 16;

/// The lowest band begins here; shorter times fall into it.
pub const BANDS_FROM: Duration = Duration::from_micros(10);

/// Bands in all: 10 µs to 1000 s; longer times fall into the last.
pub const BANDS: u8 = 8 * BANDS_PER_DECADE;

/// One tick of the run, all workers together: small, because hundreds of them are kept.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Tick {
    /// End of the tick since the run began.
    pub at: Duration,
    /// Length of the tick.
    pub length: Duration,
    /// Journeys a second that were planned.
    pub rate_planned: f64,
    /// Journeys a second that began.
    pub rate_achieved: f64,
    /// CPU cores that the generator used.
    pub cpu: f64,
    /// All steps together.
    pub all: StepSummary,
    /// By figure.
    pub figures: Vec<StepSummary>,
    /// The generator's lateness.
    pub start_lag: HistogramSummary,
    /// Shoppers in the shop.
    pub shoppers: u32,
    /// Open connections.
    pub connections: u32,
}

/// A [`StepStats`], summarised.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct StepSummary {
    /// Steps that came to an end.
    pub finished: u64,
    /// Of these, failures and time-outs.
    pub errors: u64,
    /// Response time: done − intended.
    pub response: HistogramSummary,
}

/// A histogram, summarised.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct HistogramSummary {
    /// Readings.
    pub count: u64,
    /// The 50th, 95th, 99th and 99.9th percentile and the maximum; zeros without readings.
    pub quantiles: [Duration; 5],
    /// Bands with readings, in order, each with its count.
    pub bands: Vec<(u8, u32)>,
}

/// The quantiles of a [`HistogramSummary`].
pub const SUMMARY_QUANTILES: [f64; 5] = [0.5, 0.95, 0.99, 0.999, 1.0];

/// What is known of a run before it begins; names in the scenario's order.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Subject {
    /// The scenario's name.
    pub scenario: String,
    /// Base URL of the system under test.
    pub target: String,
    /// Names of steps.
    pub figures: Vec<String>,
    /// Names of business counters.
    pub counters: Vec<String>,
    /// Journeys, each with the steps of its funnel as indices into `figures`.
    pub journeys: Vec<(String, Vec<u16>)>,
    /// Phases in order, each with its begin.
    pub phases: Vec<(String, Duration)>,
    /// Start lag up to this is fine.
    pub start_lag_max: Duration,
}

/// The state of a run at a tick.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Time since the run began.
    pub elapsed: Duration,
    /// Planned length of the run, if it has one.
    pub planned: Option<Duration>,
    /// Name of the current phase.
    pub phase: String,
    /// Arrivals so far.
    pub arrivals: Arrivals,
    /// Steps so far, all together, warm-up left out.
    pub all: StepSummary,
    /// Steps so far by figure, warm-up left out.
    pub figures: Vec<StepSummary>,
    /// The generator's lateness so far.
    pub start_lag: HistogramSummary,
    /// Business counters so far, in the scenario's order.
    pub counters: Vec<u64>,
    /// Shoppers who came to each step of each journey's funnel, in the scenario's order.
    pub funnels: Vec<Vec<u64>>,
    /// How the visits of each journey ended, in the scenario's order.
    pub journeys: Vec<JourneyTally>,
    /// Errors so far, the most frequent first.
    pub errors: Vec<ErrorKind>,
    /// Reasons why the run is not valid so far.
    pub invalid: Vec<Reason>,
    /// What could not be written into the run folder and why, if so.
    #[serde(default)]
    pub journal_failure: Option<String>,
    /// Faults at work now.
    pub faults: Vec<ActiveFault>,
    /// What happened at which time, for marks on charts.
    pub marks: Vec<Mark>,
    /// The scenario's rate times this is wanted now.
    pub rate_factor: f64,
    /// Whether the run is over.
    pub finished: bool,
    /// The last ticks, at most [`HISTORY`].
    #[serde(skip)]
    pub history: VecDeque<Arc<Tick>>,
}

/// How the visits of one journey ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JourneyTally {
    /// Completed, or left by choice.
    pub completed: u64,
    /// Ended by a failed step.
    pub failed: u64,
    /// Ended by a time-out.
    pub timed_out: u64,
}

/// One kind of error of one step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ErrorKind {
    /// Which step.
    pub figure: u16,
    /// The error's name.
    pub name: String,
    /// How often so far.
    pub count: u64,
    /// An example, kept whole.
    pub example: Option<Arc<Sample>>,
}

/// A fault at work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActiveFault {
    /// Its name in the catalogue.
    pub name: String,
    /// Since when, counted from the run's begin.
    pub since: Duration,
}

/// Something that happened at a time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mark {
    /// When, since the run began.
    pub at: Duration,
    /// In a few words, such as `rate ×1.21`.
    pub text: String,
}

impl Subject {
    /// What is known of a scenario before it runs.
    pub fn of(scenario: &Scenario, target: &str) -> Self {
        let phases = Phases::of(scenario);
        let begin = |index: usize| {
            let phase = PhaseId(u16::try_from(index).unwrap_or(u16::MAX));
            phases.span(phase, Duration::MAX).0
        };
        let names = phases.names().iter().cloned().enumerate();
        let figures = scenario.figures.iter();
        let journeys = scenario.journeys.iter();
        Self {
            scenario: scenario.name.clone(),
            target: target.to_owned(),
            figures: figures.map(|figure| figure.name.clone()).collect(),
            counters: scenario.counters.clone(),
            journeys: journeys
                .map(|journey| {
                    let funnel = journey.funnel.iter().map(|figure| figure.0).collect();
                    (journey.name.clone(), funnel)
                })
                .collect(),
            phases: names.map(|(index, name)| (name, begin(index))).collect(),
            start_lag_max: scenario.limits.start_lag_max,
        }
    }
}

impl StepSummary {
    /// Summarises a cell.
    pub fn of(cell: &StepStats) -> Self {
        Self {
            finished: cell.finished(),
            errors: cell.errors(),
            response: HistogramSummary::of(&cell.response),
        }
    }
}

impl HistogramSummary {
    /// Summarises a histogram.
    pub fn of(times: &LatencyHistogram) -> Self {
        let mut bands: Vec<(u8, u32)> = Vec::new();
        for value in times.histogram().iter_recorded() {
            let band = band_of(Duration::from_micros(value.value_iterated_to()));
            let count = u32::try_from(value.count_at_value()).unwrap_or(u32::MAX);
            match bands.last_mut() {
                Some((last, sum)) if *last == band => *sum = sum.saturating_add(count),
                _ => bands.push((band, count)),
            }
        }
        Self {
            count: times.count(),
            quantiles: SUMMARY_QUANTILES.map(|q| times.quantile(q).unwrap_or_default()),
            bands,
        }
    }

    /// A quantile by its index in [`SUMMARY_QUANTILES`], or `None` without readings.
    pub fn quantile(&self, index: usize) -> Option<Duration> {
        (self.count > 0)
            .then(|| self.quantiles.get(index).copied())
            .flatten()
    }
}

/// The band that a time falls into.
pub fn band_of(time: Duration) -> u8 {
    let decades = (time.as_secs_f64() / BANDS_FROM.as_secs_f64()).log10();
    let band = (decades * f64::from(BANDS_PER_DECADE)).floor();
    band.clamp(0.0, f64::from(BANDS - 1)) as u8
}

/// Where the snapshots of a run come from.
#[derive(Debug, Clone, Default)]
pub struct LatestSnapshot(Arc<Mutex<Arc<Snapshot>>>);

impl LatestSnapshot {
    /// The newest snapshot.
    pub fn read(&self) -> Arc<Snapshot> {
        match self.0.lock() {
            Ok(current) => current.clone(),
            Err(poisoned) => poisoned.into_inner().clone(),
        }
    }

    /// Replaces it.
    pub fn publish(&self, snapshot: Arc<Snapshot>) {
        match self.0.lock() {
            Ok(mut current) => *current = snapshot,
            Err(poisoned) => *poisoned.into_inner() = snapshot,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_band_is_a_sixteenth_of_a_decade_and_the_ends_take_what_lies_beyond() {
        let band = |micros| band_of(Duration::from_micros(micros));
        assert_eq!([band(0), band(10), band(99), band(100)], [0, 0, 15, 16]);
        assert_eq!([band(1_000), band(1_000_000_000)], [32, BANDS - 1]);
    }

    #[test]
    fn a_shape_keeps_every_reading_in_order() {
        let mut times = LatencyHistogram::default();
        for micros in [900, 100, 905, 40_000, 40_100] {
            times.record(Duration::from_micros(micros));
        }
        let shape = HistogramSummary::of(&times);
        assert_eq!(shape.count, 5);
        assert_eq!(shape.bands.iter().map(|(_, n)| n).sum::<u32>(), 5);
        assert!(shape.bands.is_sorted());
        assert_eq!(shape.quantile(0), times.quantile(0.5));
        assert_eq!(
            HistogramSummary::of(&LatencyHistogram::default()).quantile(0),
            None
        );
    }
}

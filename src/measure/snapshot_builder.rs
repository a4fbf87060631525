//! The snapshot builder: keeps running sums and summaries, so that the snapshot of a tick costs little.
//!
//! Must not know: who looks at them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::collector_setup::CollectorSetup;
use super::health::OwnHealth;
use super::histogram::LatencyHistogram;
use super::phases::Phases;
use super::samples::Sample;
use super::snapshot::{
    ErrorKind, HISTORY, HistogramSummary, JourneyTally, Mark, Snapshot, StepSummary, Tick,
};
use super::stats::StepStats;
use super::totals::Totals;
use super::window::Window;
use crate::schedule::Schedule;
use crate::verdict::{Evidence, reasons_so_far};

/// Kinds of errors shown.
const ERROR_KINDS_MAX: usize = 100;

/// Running sums of the phases that count, and the last ticks.
pub(super) struct SnapshotBuilder {
    all: StepStats,
    figures: Vec<StepStats>,
    start_lag: LatencyHistogram,
    examples: BTreeMap<(u16, String), Arc<Sample>>,
    history: VecDeque<Arc<Tick>>,
    marks: Vec<Mark>,
    phase: String,
    /// The schedule with all changes of the rate, and how many these are.
    schedule: Option<Arc<Schedule>>,
    rate_changes: usize,
    rate_factor: f64,
    trusted: bool,
}

impl SnapshotBuilder {
    pub(super) fn new(setup: &CollectorSetup) -> Self {
        Self {
            all: StepStats::default(),
            figures: vec![StepStats::default(); setup.scenario.figures.len()],
            start_lag: LatencyHistogram::default(),
            examples: BTreeMap::new(),
            history: VecDeque::new(),
            marks: Vec::new(),
            phase: String::new(),
            schedule: setup.schedule.clone(),
            rate_changes: 0,
            rate_factor: 1.0,
            trusted: true,
        }
    }

    /// Adds a worker's window to the sums.
    pub(super) fn add(&mut self, window: &Window, phases: &Phases) {
        for ((phase, figure), cell) in &window.cells {
            if phases.counts(*phase) {
                self.all.add(cell);
                if let Some(sum) = self.figures.get_mut(usize::from(figure.0)) {
                    sum.add(cell);
                }
            }
        }
        for (phase, lag) in &window.start_lag {
            if phases.counts(*phase) {
                self.start_lag.add(lag);
            }
        }
        for sample in &window.examples {
            let key = (sample.figure, sample.ending.clone());
            self.examples
                .entry(key)
                .or_insert_with(|| Arc::new(sample.clone()));
        }
    }

    /// Takes over changes of the rate.
    pub(super) fn follow_control(&mut self, setup: &CollectorSetup) {
        let control = setup.control.borrow();
        let Some(new) = control
            .rates()
            .get(self.rate_changes..)
            .filter(|new| !new.is_empty())
        else {
            return;
        };
        for change in new {
            let at = change.at.saturating_duration_since(setup.start);
            let text = format!("rate ×{:.2}", change.factor);
            tracing::info!(
                "{text} of the scenario's from {:.1} s on, by hand",
                at.as_secs_f64()
            );
            self.marks.push(Mark { at, text });
        }
        self.rate_changes = control.rates().len();
        self.rate_factor = control.factor();
        let scenario = setup.schedule.as_deref();
        self.schedule = scenario.map(|schedule| Arc::new(control.schedule(schedule, setup.start)));
    }

    /// The schedule that holds now.
    pub(super) fn schedule(&self) -> Option<&Schedule> {
        self.schedule.as_deref()
    }

    /// Adds a tick to the history.
    pub(super) fn push_tick(&mut self, tick: Tick) {
        self.history.push_back(Arc::new(tick));
        if self.history.len() > HISTORY {
            self.history.pop_front();
        }
    }

    /// The state of the run.
    pub(super) fn snapshot(
        &mut self,
        setup: &CollectorSetup,
        totals: &Totals,
        health: &OwnHealth,
        finished: bool,
    ) -> Snapshot {
        let elapsed = self.history.back().map_or(Duration::ZERO, |tick| tick.at);
        let invalid = reasons_so_far(&Evidence {
            scenario: &setup.scenario,
            phases: &setup.phases,
            totals,
            health,
            cores: u32::try_from(setup.workers).unwrap_or(u32::MAX),
            elapsed,
            interrupted: false,
            windows: &[],
            recording: None,
        });
        // Some reasons pass: a lag that is no longer among the largest, for one.
        match (invalid.first(), self.trusted) {
            (Some(reason), true) => {
                tracing::warn!("the run would be INVALID if it ended now: {}", reason.what);
            }
            (None, false) => tracing::info!("nothing speaks against the run any more"),
            _ => {}
        }
        self.trusted = invalid.is_empty();
        Snapshot {
            elapsed,
            planned: setup.schedule.as_ref().map(|schedule| schedule.duration()),
            phase: self.phase_at(elapsed, setup),
            arrivals: totals.arrivals_all(),
            all: StepSummary::of(&self.all),
            figures: self.figures.iter().map(StepSummary::of).collect(),
            start_lag: HistogramSummary::of(&self.start_lag),
            counters: counters(setup, totals),
            funnels: funnels(setup, totals),
            journeys: journeys(setup, totals),
            errors: self.errors(totals),
            invalid,
            journal_failure: health.journal_failure.clone(),
            faults: Vec::new(),
            marks: self.marks.clone(),
            rate_factor: self.rate_factor,
            finished,
            history: self.history.clone(),
        }
    }

    fn phase_at(&mut self, elapsed: Duration, setup: &CollectorSetup) -> String {
        let phase = setup
            .phases
            .at(elapsed.saturating_sub(Duration::from_millis(1)));
        let name = setup.phases.names().get(usize::from(phase.0));
        let name = name.cloned().unwrap_or_default();
        if name != self.phase {
            tracing::info!("phase {name}");
            self.phase.clone_from(&name);
        }
        name
    }

    fn errors(&self, totals: &Totals) -> Vec<ErrorKind> {
        let mut counts: BTreeMap<(u16, &str), u64> = BTreeMap::new();
        for ((_, figure, name), count) in &totals.errors {
            *counts.entry((figure.0, name)).or_default() += count;
        }
        let mut kinds: Vec<_> = counts.into_iter().collect();
        kinds.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        kinds.truncate(ERROR_KINDS_MAX);
        kinds
            .into_iter()
            .map(|((figure, name), count)| ErrorKind {
                figure,
                name: name.to_owned(),
                count,
                example: self.examples.get(&(figure, name.to_owned())).cloned(),
            })
            .collect()
    }
}

fn counters(setup: &CollectorSetup, totals: &Totals) -> Vec<u64> {
    let mut sums = vec![0; setup.scenario.counters.len()];
    for ((phase, counter), count) in &totals.counters {
        if setup.phases.counts(*phase)
            && let Some(sum) = sums.get_mut(usize::from(counter.0))
        {
            *sum += count;
        }
    }
    sums
}

fn funnels(setup: &CollectorSetup, totals: &Totals) -> Vec<Vec<u64>> {
    let journeys = setup.scenario.journeys.iter();
    let mut funnels: Vec<Vec<u64>> = journeys
        .map(|journey| vec![0; journey.funnel.len()])
        .collect();
    for ((journey, place), count) in &totals.reached {
        let place = funnels
            .get_mut(usize::from(*journey))
            .and_then(|funnel| funnel.get_mut(usize::from(*place)));
        if let Some(sum) = place {
            *sum += count;
        }
    }
    funnels
}

fn journeys(setup: &CollectorSetup, totals: &Totals) -> Vec<JourneyTally> {
    let mut tallies = vec![JourneyTally::default(); setup.scenario.journeys.len()];
    for ((_, journey), cell) in &totals.journeys {
        if let Some(tally) = tallies.get_mut(usize::from(*journey)) {
            tally.completed += cell.completed;
            tally.failed += cell.failed;
            tally.timed_out += cell.timed_out;
        }
    }
    tallies
}

//! Everything measured in a run, added up.

use std::collections::BTreeMap;

use super::histogram::LatencyHistogram;
use super::phases::PhaseId;
use super::samples::Sample;
use super::stats::{Arrivals, JourneyStats, StepStats};
use super::window::Window;
use crate::scenario::{CounterId, StepNameId};

/// Slowest samples kept per step over the whole run.
const SLOWEST_PER_STEP: usize = 20;

/// Examples of errors kept over the whole run.
const EXAMPLES_MAX: usize = 300;

/// Everything measured, added up. Histograms are added bucket for bucket, so that segments of a run can be, too.
#[derive(Debug, Clone, Default)]
pub struct Totals {
    /// By phase and figure.
    pub cells: BTreeMap<(PhaseId, StepNameId), StepStats>,
    /// By phase and journey.
    pub journeys: BTreeMap<(PhaseId, u16), JourneyStats>,
    /// By phase.
    pub start_lag: BTreeMap<PhaseId, LatencyHistogram>,
    /// By phase and counter.
    pub counters: BTreeMap<(PhaseId, CounterId), u64>,
    /// By phase, figure and name.
    pub outcomes: BTreeMap<(PhaseId, StepNameId, String), u64>,
    /// By phase, figure and name.
    pub errors: BTreeMap<(PhaseId, StepNameId, String), u64>,
    /// Shoppers who came to a step, by index of the journey and place in its funnel. Warm-up counts here.
    pub reached: BTreeMap<(u16, u8), u64>,
    /// By second of intended time.
    pub arrivals: Vec<Arrivals>,
    /// Dropped arrivals by reason.
    pub dropped: BTreeMap<String, u64>,
    /// Kept whole.
    pub samples: Vec<Sample>,
    /// Most shoppers at one tick.
    pub shoppers_max: u32,
    /// Most open connections at one tick.
    pub connections_max: u32,
    /// Answers by protocol.
    pub protocols: BTreeMap<String, u64>,
}

impl Totals {
    /// Adds one window.
    pub fn add(&mut self, window: &Window) {
        for (key, cell) in &window.cells {
            self.cells.entry(*key).or_default().add(cell);
        }
        for (key, cell) in &window.journeys {
            self.journeys.entry(*key).or_default().add(cell);
        }
        for (phase, lag) in &window.start_lag {
            self.start_lag.entry(*phase).or_default().add(lag);
        }
        add_counts(&mut self.counters, &window.counters);
        add_counts(&mut self.outcomes, &window.outcomes);
        add_counts(&mut self.errors, &window.errors);
        add_counts(&mut self.reached, &window.reached);
        for (reason, count) in &window.dropped {
            *self.dropped.entry((*reason).to_owned()).or_default() += count;
        }
        for (protocol, count) in &window.protocols {
            *self.protocols.entry((*protocol).to_owned()).or_default() += count;
        }
        self.add_arrivals(window);
        self.add_samples(window);
    }

    fn add_arrivals(&mut self, window: &Window) {
        for (second, arrivals) in &window.arrivals {
            let index = *second as usize;
            if self.arrivals.len() <= index {
                self.arrivals.resize(index + 1, Arrivals::default());
            }
            self.arrivals[index].add(arrivals);
        }
    }

    fn add_samples(&mut self, window: &Window) {
        let room =
            EXAMPLES_MAX.saturating_sub(self.samples.iter().filter(|s| s.kept == "failed").count());
        self.samples
            .extend(window.examples.iter().take(room).cloned());
        self.samples.extend(window.reservoir.iter().cloned());
        for sample in window.slowest.iter() {
            self.offer_slowest(sample);
        }
    }

    fn offer_slowest(&mut self, sample: &Sample) {
        let same = |kept: &Sample| kept.kept == "slowest" && kept.figure == sample.figure;
        if self.samples.iter().filter(|kept| same(kept)).count() >= SLOWEST_PER_STEP {
            let fastest = self
                .samples
                .iter()
                .enumerate()
                .filter(|(_, kept)| same(kept))
                .min_by_key(|(_, kept)| kept.response_us());
            match fastest {
                Some((_, kept)) if kept.response_us() >= sample.response_us() => return,
                Some((index, _)) => drop(self.samples.swap_remove(index)),
                None => return,
            }
        }
        self.samples.push(sample.clone());
    }

    /// One figure over the phases that `take` accepts.
    pub fn figure(&self, figure: StepNameId, take: impl Fn(PhaseId) -> bool) -> StepStats {
        self.cells_where(|phase, of| of == figure && take(phase))
    }

    /// The sum of all cells that `take` accepts.
    pub fn cells_where(&self, take: impl Fn(PhaseId, StepNameId) -> bool) -> StepStats {
        let mut sum = StepStats::default();
        for ((phase, figure), cell) in &self.cells {
            if take(*phase, *figure) {
                sum.add(cell);
            }
        }
        sum
    }

    /// Start lag over the phases that `take` accepts.
    pub fn start_lag_where(&self, take: impl Fn(PhaseId) -> bool) -> LatencyHistogram {
        let mut sum = LatencyHistogram::default();
        for (phase, lag) in &self.start_lag {
            if take(*phase) {
                sum.add(lag);
            }
        }
        sum
    }

    /// All arrivals.
    pub fn arrivals_all(&self) -> Arrivals {
        self.arrivals
            .iter()
            .fold(Arrivals::default(), |mut sum, one| {
                sum.add(one);
                sum
            })
    }
}

fn add_counts<K: Ord + Clone>(to: &mut BTreeMap<K, u64>, from: &BTreeMap<K, u64>) {
    for (key, count) in from {
        *to.entry(key.clone()).or_default() += count;
    }
}

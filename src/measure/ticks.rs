//! Windows of all workers added up tick by tick; a tick comes out once no worker can add to it any more.
//!
//! PURE. Must not know: channels, journals, snapshots.

use std::collections::BTreeMap;
use std::time::Duration;

use super::histogram::LatencyHistogram;
use super::snapshot::{HistogramSummary, StepSummary, Tick};
use super::stats::StepStats;
use super::window::Window;
use super::worker_report::WorkerReport;

/// One tick, all workers together, with whole histograms.
#[derive(Debug, Clone, Default)]
pub struct TickSum {
    /// End of the tick since the run began.
    pub at: Duration,
    /// Length of the tick.
    pub length: Duration,
    /// Journeys a second that were planned.
    pub rate_planned: f64,
    /// Journeys a second that began.
    pub rate_achieved: f64,
    /// By figure.
    pub figures: Vec<StepStats>,
    /// The generator's lateness.
    pub start_lag: LatencyHistogram,
    /// CPU cores used by the generator.
    pub cpu: f64,
    /// Shoppers in the shop.
    pub shoppers: u32,
    /// Open connections.
    pub connections: u32,
}

impl TickSum {
    fn of(figures: usize) -> Self {
        Self {
            figures: vec![StepStats::default(); figures],
            ..Self::default()
        }
    }

    fn add(&mut self, window: &Window) {
        for ((_, figure), cell) in &window.cells {
            if let Some(sum) = self.figures.get_mut(usize::from(figure.0)) {
                sum.add(cell);
            }
        }
        for lag in window.start_lag.values() {
            self.start_lag.add(lag);
        }
        let started: u64 = window
            .arrivals
            .values()
            .map(|arrivals| arrivals.started)
            .sum();
        // A count until the tick's length is known.
        self.rate_achieved += started as f64;
        self.shoppers += window.shoppers;
        self.connections += window.connections;
    }

    /// What is kept of it for charts.
    pub fn brief(&self) -> Tick {
        let mut all = StepStats::default();
        self.figures.iter().for_each(|cell| all.add(cell));
        Tick {
            at: self.at,
            length: self.length,
            rate_planned: self.rate_planned,
            rate_achieved: self.rate_achieved,
            cpu: self.cpu,
            all: StepSummary::of(&all),
            figures: self.figures.iter().map(StepSummary::of).collect(),
            start_lag: HistogramSummary::of(&self.start_lag),
            shoppers: self.shoppers,
            connections: self.connections,
        }
    }
}

/// Ticks that some worker may still add to.
pub(super) struct OpenTicks {
    /// The first tick that each worker may still add to; `None` once it has sent its last window.
    next: Vec<Option<u32>>,
    open: BTreeMap<u32, TickSum>,
    figures: usize,
    /// End of the last tick that came out.
    out_at: Duration,
}

impl OpenTicks {
    /// Of so many workers and figures.
    pub(super) fn new(workers: usize, figures: usize) -> Self {
        Self {
            next: vec![Some(0); workers],
            open: BTreeMap::new(),
            figures,
            out_at: Duration::ZERO,
        }
    }

    /// Adds a worker's window to its tick. The numbers of one worker rise; those that it skips are done for it, too.
    pub(super) fn add(&mut self, report: &WorkerReport) {
        let figures = self.figures;
        let sum = self
            .open
            .entry(report.tick)
            .or_insert_with(|| TickSum::of(figures));
        sum.at = sum.at.max(report.at);
        sum.add(&report.window);
        if let Some(next) = self.next.get_mut(report.worker) {
            *next = (!report.last).then(|| report.tick.saturating_add(1));
        }
    }

    /// Whether every worker has sent its last window.
    pub(super) fn all_done(&self) -> bool {
        self.next.iter().all(Option::is_none)
    }

    /// The earliest tick, if it is complete.
    pub(super) fn take_complete(&mut self) -> Option<TickSum> {
        let awaited = self.next.iter().flatten().min();
        let first = self.open.first_entry()?;
        let complete = awaited.is_none_or(|awaited| first.key() < awaited);
        let sum = complete.then(|| first.remove())?;
        Some(self.in_order(sum))
    }

    /// The earliest tick, complete or not: for workers that are gone without a word.
    pub(super) fn take_any(&mut self) -> Option<TickSum> {
        let (_, sum) = self.open.pop_first()?;
        Some(self.in_order(sum))
    }

    /// A worker that ends before its tick is over may end later than one that has begun the next tick and ended there; the
    /// time does not go backwards for that.
    fn in_order(&mut self, mut sum: TickSum) -> TickSum {
        self.out_at = self.out_at.max(sum.at);
        sum.at = self.out_at;
        sum
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A worker's windows: for each tick whether one comes, and then the last one.
    fn reports(worker: usize, ticks: &[bool]) -> Vec<WorkerReport> {
        let report = |tick: usize, last| {
            let mut window = Window::default();
            window.arrivals.entry(tick as u32).or_default().started = 1 << worker;
            WorkerReport {
                worker,
                tick: tick as u32,
                at: Duration::from_secs(tick as u64 + 1),
                window,
                last,
            }
        };
        let came = ticks.iter().enumerate().filter(|(_, came)| **came);
        let mut reports: Vec<_> = came.map(|(tick, _)| report(tick, false)).collect();
        reports.push(report(ticks.len(), true));
        reports
    }

    #[test]
    fn no_tick_ends_before_the_one_that_came_out_before_it() {
        let report = |worker, tick, at_ms, last| WorkerReport {
            worker,
            tick,
            at: Duration::from_millis(at_ms),
            window: Window::default(),
            last,
        };
        let mut ticks = OpenTicks::new(2, 0);
        ticks.add(&report(0, 0, 1000, false));
        ticks.add(&report(0, 1, 1001, true));
        ticks.add(&report(1, 0, 1002, true));
        let ends = std::iter::from_fn(|| ticks.take_complete()).map(|sum| sum.at.as_millis());
        assert_eq!(ends.collect::<Vec<_>>(), [1002, 1002]);
    }

    proptest! {
        /// In whatever order workers report, whichever ticks they skip, and whenever they finish: every tick comes out once, in
        /// order, with everything that was reported of it, and as soon as the last one has told of it or of a later one.
        #[test]
        fn a_tick_comes_out_once_and_whole(
            workers in prop::collection::vec(prop::collection::vec(any::<bool>(), 0..6), 1..6),
            turns in prop::collection::vec(any::<prop::sample::Index>(), 40),
        ) {
            let mut waiting: Vec<_> = workers
                .iter()
                .enumerate()
                .map(|(worker, ticks)| reports(worker, ticks).into_iter().peekable())
                .collect();
            let mut expected: BTreeMap<u32, u64> = BTreeMap::new();
            let mut ticks = OpenTicks::new(workers.len(), 0);
            let mut came = Vec::new();
            for turn in turns {
                let mut left: Vec<_> = waiting.iter_mut().filter_map(|one| one.peek().is_some().then_some(one)).collect();
                if left.is_empty() {
                    break;
                }
                let at = turn.index(left.len());
                let report = left[at].next().unwrap();
                *expected.entry(report.tick).or_default() += 1 << report.worker;
                ticks.add(&report);
                came.extend(std::iter::from_fn(|| ticks.take_complete()));
                // Nobody can add to what is out, and nothing waits that nobody can add to.
                let awaited = waiting.iter_mut().filter_map(|one| one.peek()).map(|next| next.tick).min();
                let out = came.last().map_or(0, |sum: &TickSum| sum.at.as_secs() as u32);
                prop_assert!(awaited.is_none_or(|awaited| out <= awaited));
            }
            prop_assert!(ticks.all_done() && ticks.take_any().is_none());
            let came: Vec<_> = came.iter().map(|sum| (sum.at.as_secs() as u32 - 1, sum.rate_achieved as u64)).collect();
            prop_assert_eq!(came, expected.into_iter().collect::<Vec<_>>());
        }
    }
}

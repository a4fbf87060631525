//! The collector: one thread that takes the workers' windows, adds them up, writes the journal and publishes snapshots.
//!
//! It owns all disk work of a run, so that no worker ever waits for a disk. Must not know: sockets, shoppers.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};
use std::time::Duration;

use super::collector_setup::CollectorSetup;
use super::health::OwnHealth;
use super::snapshot_builder::SnapshotBuilder;
use super::ticks::{OpenTicks, TickSum};
use super::totals::Totals;
use super::window::Window;
use super::worker_report::WorkerReport;

/// Runs until every worker has handed over its last window (or is gone), and returns the sums.
pub fn collect(
    mut setup: CollectorSetup,
    inbox: &Receiver<WorkerReport>,
    spares: &[SyncSender<Window>],
) -> (Totals, OwnHealth) {
    let mut state = State::new(&setup);
    while !state.ticks.all_done() {
        // Workers that are gone without a word have nothing more to tell.
        let Ok(report) = inbox.recv() else { break };
        let spare = spares.get(report.worker);
        let mut window = state.accept(report, &mut setup);
        if let Some(spare) = spare {
            window.clear();
            // A full channel means that the worker has spares enough.
            let _ = spare.try_send(window);
        }
    }
    state.close(&mut setup);
    (state.totals, state.health)
}

struct State {
    totals: Totals,
    health: OwnHealth,
    ticks: OpenTicks,
    snapshot_builder: SnapshotBuilder,
    last_tick_at: Duration,
    published: u32,
    cpu_before: Duration,
}

impl State {
    fn new(setup: &CollectorSetup) -> Self {
        Self {
            totals: Totals::default(),
            health: OwnHealth::default(),
            ticks: OpenTicks::new(setup.workers, setup.scenario.figures.len()),
            snapshot_builder: SnapshotBuilder::new(setup),
            last_tick_at: Duration::ZERO,
            published: 0,
            cpu_before: crate::own::cpu_time(),
        }
    }

    /// Adds up a worker's window and gives it back.
    fn accept(&mut self, report: WorkerReport, setup: &mut CollectorSetup) -> Window {
        self.totals.add(&report.window);
        self.snapshot_builder.add(&report.window, &setup.phases);
        setup.journal.promises(&report.window.promises);
        self.ticks.add(&report);
        while let Some(sum) = self.ticks.take_complete() {
            self.publish(sum, setup);
        }
        report.window
    }

    fn close(&mut self, setup: &mut CollectorSetup) {
        while let Some(sum) = self.ticks.take_any() {
            self.publish(sum, setup);
        }
        setup.journal.samples(&self.totals.samples);
        self.show(setup, true);
    }

    fn publish(&mut self, mut tick: TickSum, setup: &mut CollectorSetup) {
        let before = std::mem::replace(&mut self.last_tick_at, tick.at);
        tick.length = tick.at.saturating_sub(before).max(Duration::from_millis(1));
        tick.rate_achieved /= tick.length.as_secs_f64();
        let now = crate::own::cpu_time();
        let used = now.saturating_sub(self.cpu_before);
        self.cpu_before = now;
        self.health.cpu.push((used, tick.length));
        self.health.memory_bytes_max = self.health.memory_bytes_max.max(crate::own::memory_bytes());
        let seconds = tick.length.as_secs_f64();
        self.snapshot_builder.follow_control(setup);
        if let Some(schedule) = self.snapshot_builder.schedule() {
            tick.rate_planned =
                schedule.planned_between(before, tick.at) as f64 * setup.share / seconds;
        }
        self.totals.shoppers_max = self.totals.shoppers_max.max(tick.shoppers);
        self.totals.connections_max = self.totals.connections_max.max(tick.connections);
        tick.cpu = used.as_secs_f64() / seconds;
        setup.journal.tick(&tick);
        if self.published % 10 == 9 {
            setup.journal.samples(&self.totals.samples);
        }
        self.published += 1;
        self.snapshot_builder.push_tick(tick.brief());
        self.show(setup, false);
    }

    fn show(&mut self, setup: &mut CollectorSetup, finished: bool) {
        self.health.journal_failure = setup.journal.failure();
        let snapshot = self
            .snapshot_builder
            .snapshot(setup, &self.totals, &self.health, finished);
        let snapshot = Arc::new(snapshot);
        setup.journal.snapshot(&snapshot);
        setup.latest.publish(snapshot);
    }
}

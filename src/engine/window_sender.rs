//! Sends a worker's windows to the collector, each under the number of its tick.
//!
//! Must not know: what is in a window, and when ticks come.

use std::cell::{Cell, RefCell};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError};
use std::time::Duration;

use crate::measure::Window;
use crate::measure::worker_report::WorkerReport;

/// The end of one worker. It never waits for the collector, but at the end.
pub(super) struct WindowSender {
    worker: usize,
    outbox: SyncSender<WorkerReport>,
    spares: Receiver<Window>,
    /// Ticks that are over, whether or not a window was sent for each.
    ticks: Cell<u32>,
    /// A window that found the channel full, with everything in it.
    kept: RefCell<Option<WorkerReport>>,
}

impl WindowSender {
    pub(super) fn new(
        worker: usize,
        outbox: SyncSender<WorkerReport>,
        spares: Receiver<Window>,
    ) -> Self {
        Self {
            worker,
            outbox,
            spares,
            ticks: Cell::new(0),
            kept: RefCell::new(None),
        }
    }

    /// So many ticks are over at `at`, since the run began: sends the window that `take` gives for an empty one.
    ///
    /// While an earlier window still finds no room, nothing is taken: a collector that is behind gets a longer window later
    /// instead of two. It bears the number of the last tick in it, so that what comes after it lies in its own tick again.
    pub(super) fn tick(&self, ticks: u32, at: Duration, take: impl FnOnce(Window) -> Window) {
        self.ticks.set(ticks);
        if let Some(kept) = self.kept.take() {
            self.send(kept);
        }
        if self.kept.borrow().is_none() {
            let window = take(self.spares.try_recv().unwrap_or_default());
            self.send(self.report(ticks.saturating_sub(1), at, window, false));
        }
    }

    /// The last window waits for room, together with one that found none: nothing is lost. It belongs to the tick that was
    /// not over.
    pub(super) fn last(&self, window: Window, at: Duration) {
        let last = self.report(self.ticks.get(), at, window, true);
        for report in self.kept.take().into_iter().chain([last]) {
            // A collector that is gone has nobody to tell.
            let _ = self.outbox.send(report);
        }
    }

    fn send(&self, report: WorkerReport) {
        if let Err(TrySendError::Full(kept)) = self.outbox.try_send(report) {
            self.kept.replace(Some(kept));
        }
    }

    fn report(&self, tick: u32, at: Duration, window: Window, last: bool) -> WorkerReport {
        WorkerReport {
            worker: self.worker,
            tick,
            at,
            window,
            last,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use proptest::prelude::*;

    use super::*;

    /// A window with one arrival in each of these seconds.
    fn window_of(seconds: std::ops::Range<u32>) -> Window {
        let mut window = Window::default();
        for second in seconds {
            window.arrivals.entry(second).or_default().started += 1;
        }
        window
    }

    proptest! {
        /// Whatever the collector's pace, every second arrives once, in order, and a window bears the number of the last second in it.
        /// It holds several seconds only when there was no room.
        #[test]
        fn windows_lie_in_their_own_ticks_however_slow_the_collector(
            room in 1_usize..4,
            reads in prop::collection::vec(0_usize..4, 1..40),
        ) {
            let (outbox, inbox) = sync_channel(room);
            let (_spares, no_spares) = sync_channel(1);
            let sender = WindowSender::new(0, outbox, no_spares);
            let (mut arrived, mut from, mut second) = (Vec::new(), 0, 0);
            for reads in reads {
                second += 1;
                let waiting = sender.kept.borrow().is_some();
                sender.tick(second, Duration::from_secs(second.into()), |_| {
                    window_of(std::mem::replace(&mut from, second)..second)
                });
                prop_assert!(from == second || waiting, "nothing was taken without a reason");
                arrived.extend(inbox.try_iter().take(reads));
            }
            arrived.extend(inbox.try_iter());
            let reader = std::thread::spawn(move || inbox.iter().collect::<Vec<_>>());
            sender.last(window_of(from..second + 1), Duration::from_secs(second.into()));
            drop(sender);
            arrived.extend(reader.join().unwrap());
            let mut next = 0;
            for report in &arrived {
                let seconds: Vec<u32> = report.window.arrivals.keys().copied().collect();
                prop_assert_eq!(seconds, (next..=report.tick).collect::<Vec<_>>());
                next = report.tick + 1;
            }
            prop_assert_eq!(next, second + 1);
            prop_assert!(arrived.last().is_some_and(|report| report.last));
        }
    }
}

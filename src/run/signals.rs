//! Ctrl-C and SIGTERM: the first signal drains, the second stops at once.

use std::future::Future;
use std::io::Write;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use super::progress::Progress;
use crate::engine::{Control, Finished, Stop};
use crate::measure::snapshot::Board;

/// How often the progress line is looked after.
const PROGRESS_EVERY: Duration = Duration::from_millis(200);

/// Listens for signals from the moment it is made; one that comes while nobody asks is kept.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    first: Option<&'static str>,
    level: Stop,
}

impl Signals {
    /// Begins to listen. Needs a runtime around it.
    pub(super) fn listen() -> anyhow::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt()).context("cannot listen for Ctrl-C")?,
            terminate: signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?,
            first: None,
            level: Stop::No,
        })
    }

    /// The signal that cut the run short, if one did.
    pub(super) fn first(&self) -> Option<&'static str> {
        self.first
    }

    /// How far the run has been asked to stop.
    pub(super) fn level(&self) -> Stop {
        self.level
    }

    /// What comes out of `work`, unless a signal came before it was done.
    pub(super) async fn unless_interrupted<T>(
        &mut self,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        // Lets the runtime look at signals that came while the thread was busy.
        tokio::task::yield_now().await;
        tokio::select! {
            biased;
            () = self.next() => None,
            done = work => Some(done),
        }
    }

    /// Shows progress and passes signals on until the engine is done.
    pub(super) async fn attend(
        &mut self,
        engine: &JoinHandle<anyhow::Result<Finished>>,
        tell: &watch::Sender<Control>,
        board: &Board,
        progress: &mut Progress,
    ) {
        while !engine.is_finished() {
            tokio::select! {
                () = self.next() => {
                    progress.clear();
                    tell.send_modify(|control| control.stop = self.level);
                }
                () = tokio::time::sleep(PROGRESS_EVERY) => progress.show(&board.read()),
            }
        }
    }

    /// Waits for a signal, and says what it does.
    async fn next(&mut self) {
        let name = tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        };
        let what;
        (self.level, what) = match self.level {
            Stop::No => (
                Stop::Drain,
                "waiting for answers on their way; again to stop now",
            ),
            Stop::Drain | Stop::Now => (Stop::Now, "stopping now"),
        };
        self.first.get_or_insert(name);
        let _ = writeln!(std::io::stderr(), "\n{name}: {what}");
    }
}

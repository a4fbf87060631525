//! Ctrl-C, SIGTERM and SIGHUP: the first signal drains, the second stops at once.

use std::future::Future;
use std::io::Write;

use anyhow::Context;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::control::Stop;

/// Listens for signals from the moment it is made; one that comes while nobody asks is kept.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
    first: Option<&'static str>,
    level: Stop,
}

impl Signals {
    /// Begins to listen. Needs a runtime around it.
    pub(super) fn listen() -> anyhow::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt()).context("cannot listen for Ctrl-C")?,
            terminate: signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?,
            hang_up: signal(SignalKind::hangup()).context("cannot listen for SIGHUP")?,
            first: None,
            level: Stop::No,
        })
    }

    /// Who cut the run short, if anyone did.
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
            name = self.wait() => {
                let text = self.raise(name);
                let _ = writeln!(std::io::stderr(), "\n{text}");
                None
            }
            done = work => Some(done),
        }
    }

    /// Waits for a signal that asks the run to stop, and gives its name.
    pub(super) async fn wait(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.hang_up.recv() => "SIGHUP",
        }
    }

    /// Takes note that someone asks the run to stop, and says what that does.
    pub(super) fn raise(&mut self, who: &'static str) -> String {
        let what;
        (self.level, what) = match self.level {
            Stop::No => (
                Stop::Drain,
                "waiting for answers on their way; again to stop now",
            ),
            Stop::Drain | Stop::Now => (Stop::Now, "stopping now"),
        };
        self.first.get_or_insert(who);
        format!("{who}: {what}")
    }
}

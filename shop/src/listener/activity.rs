//! What one connection is doing, and since when: read by its own task for its deadlines and by the registry for evictions.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::task::Waker;
use std::time::Duration;

use futures_util::task::AtomicWaker;
use tokio::time::Instant;

use super::limits::ConnectionLimits;

/// What a connection does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Phase {
    /// Open, and nothing was sent yet.
    Fresh = 0,
    /// Between two requests.
    Idle = 1,
    /// A part of a request's head is here.
    Head = 2,
    /// A request is worked on, until its answer is written.
    Working = 3,
}

/// The state of one connection. Times are milliseconds since `epoch`; 0 stands for never.
pub(super) struct Activity {
    epoch: Instant,
    phase: AtomicU8,
    since_ms: AtomicU64,
    /// When the client stopped to take the answer.
    unread_since_ms: AtomicU64,
    /// Since when the client owes more of its body.
    owes_body_since_ms: AtomicU64,
    evicted: AtomicBool,
    task: AtomicWaker,
}

impl Activity {
    /// A connection that was just accepted; all that are compared have the same `epoch`.
    pub(super) fn new(epoch: Instant) -> Arc<Self> {
        let activity = Activity {
            epoch,
            phase: AtomicU8::new(Phase::Fresh as u8),
            since_ms: AtomicU64::new(0),
            unread_since_ms: AtomicU64::new(0),
            owes_body_since_ms: AtomicU64::new(0),
            evicted: AtomicBool::new(false),
            task: AtomicWaker::new(),
        };
        activity.enter(Phase::Fresh);
        Arc::new(activity)
    }

    fn now_ms(&self) -> u64 {
        let passed = self.epoch.elapsed().as_millis();
        u64::try_from(passed).unwrap_or(u64::MAX).max(1)
    }

    pub(super) fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Relaxed) {
            0 => Phase::Fresh,
            1 => Phase::Idle,
            2 => Phase::Head,
            _ => Phase::Working,
        }
    }

    pub(super) fn enter(&self, phase: Phase) {
        self.since_ms.store(self.now_ms(), Ordering::Relaxed);
        self.phase.store(phase as u8, Ordering::Relaxed);
    }

    /// Bytes came in.
    pub(super) fn received(&self) {
        if matches!(self.phase(), Phase::Fresh | Phase::Idle) {
            self.enter(Phase::Head);
        }
    }

    /// The client takes what is sent to it, or does not.
    pub(super) fn taken(&self, taken: bool) {
        let unread = self.unread_since_ms.load(Ordering::Relaxed) != 0;
        if unread == taken {
            let since = if taken { 0 } else { self.now_ms() };
            self.unread_since_ms.store(since, Ordering::Relaxed);
        }
    }

    /// A part of the body is waited for, or not any more.
    pub(super) fn owes_body(&self, owes: bool) {
        let since = if owes { self.now_ms() } else { 0 };
        self.owes_body_since_ms.store(since, Ordering::Relaxed);
    }

    /// When the client has taken too long, as far as the connection's task watches over it.
    pub(super) fn deadline(&self, limits: &ConnectionLimits) -> Option<Instant> {
        let (since_ms, timeout) = match self.phase() {
            Phase::Fresh | Phase::Head => (&self.since_ms, limits.head_timeout),
            Phase::Idle => (&self.since_ms, limits.idle_timeout),
            Phase::Working => (&self.unread_since_ms, limits.write_timeout),
        };
        let since_ms = since_ms.load(Ordering::Relaxed);
        (since_ms != 0).then(|| self.epoch + Duration::from_millis(since_ms) + timeout)
    }

    /// Since when nobody but the client could go on; `None` while the shop works. Connections without a request come first.
    pub(super) fn idleness(&self) -> Option<(bool, u64)> {
        let since_ms = |since: &AtomicU64| since.load(Ordering::Relaxed);
        match self.phase() {
            Phase::Fresh | Phase::Idle => Some((false, since_ms(&self.since_ms))),
            Phase::Head => Some((true, since_ms(&self.since_ms))),
            Phase::Working => [&self.owes_body_since_ms, &self.unread_since_ms]
                .map(since_ms)
                .into_iter()
                .find(|since| *since != 0)
                .map(|since| (true, since)),
        }
    }

    /// As if it had rested since then.
    #[cfg(test)]
    pub(super) fn rests_since(&self, since_ms: u64) {
        self.since_ms.store(since_ms, Ordering::Relaxed);
    }

    /// Asks the connection's task to end it.
    pub(super) fn evict(&self) {
        self.evicted.store(true, Ordering::Release);
        self.task.wake();
    }

    pub(super) fn is_evicted(&self) -> bool {
        self.evicted.load(Ordering::Acquire)
    }

    /// Says which task to wake for an eviction.
    pub(super) fn watched_by(&self, waker: &Waker) {
        self.task.register(waker);
    }
}

/// A request under way; dropped when its answer is written or nobody waits for it any more.
pub(super) struct RequestGuard(Arc<Activity>);

impl RequestGuard {
    pub(super) fn begin(activity: &Arc<Activity>) -> Self {
        activity.enter(Phase::Working);
        RequestGuard(Arc::clone(activity))
    }
}

impl Drop for RequestGuard {
    fn drop(&mut self) {
        self.0.enter(Phase::Idle);
    }
}

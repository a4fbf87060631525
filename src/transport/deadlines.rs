//! Time limits of requests: coarse and cheap.
//!
//! Nearly every request ends long before its limit, so setting and lifting a limit must cost next to nothing: a place in a
//! slab. A sweep looks at all of them every [`SWEEP_EVERY`]; a limit may pass that much late.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use slab::Slab;

/// How often limits are looked at.
const SWEEP_EVERY: Duration = Duration::from_millis(10);

/// The limits of one worker's requests.
#[derive(Clone, Default)]
pub(super) struct Deadlines(Rc<RefCell<Slab<Limit>>>);

struct Limit {
    at: Instant,
    passed: bool,
    waker: Option<Waker>,
}

impl Deadlines {
    /// Does the work, or gives up with `None` once the deadline has passed.
    pub(super) async fn limit<T>(&self, at: Instant, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        let place = Place::take(self, at);
        poll_fn(|cx| match work.as_mut().poll(cx) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending if place.passed(cx) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        })
        .await
    }

    /// Wakes those whose time is up, for ever: run it as one task of the worker.
    pub(super) async fn sweep(self) {
        let mut every = tokio::time::interval(SWEEP_EVERY);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            every.tick().await;
            let mut limits = self.0.borrow_mut();
            if limits.is_empty() {
                continue;
            }
            let now = Instant::now();
            for (_, limit) in limits.iter_mut().filter(|(_, limit)| limit.at <= now) {
                limit.passed = true;
                if let Some(waker) = limit.waker.take() {
                    waker.wake();
                }
            }
        }
    }
}

/// A limit's place; given back when dropped.
struct Place<'d> {
    deadlines: &'d Deadlines,
    key: usize,
}

impl<'d> Place<'d> {
    fn take(deadlines: &'d Deadlines, at: Instant) -> Self {
        let limit = Limit {
            at,
            passed: false,
            waker: None,
        };
        let key = deadlines.0.borrow_mut().insert(limit);
        Self { deadlines, key }
    }

    fn passed(&self, cx: &Context<'_>) -> bool {
        let mut limits = self.deadlines.0.borrow_mut();
        let Some(limit) = limits.get_mut(self.key) else {
            return true;
        };
        if !limit.passed && limit.waker.is_none() {
            limit.waker = Some(cx.waker().clone());
        }
        limit.passed
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.deadlines.0.borrow_mut().try_remove(self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::{Deadlines, SWEEP_EVERY};
    use std::time::{Duration, Instant};

    #[test]
    fn work_within_its_limit_is_done_and_other_work_given_up() {
        let runtime = crate::engine::local_runtime().unwrap();
        runtime.block_on(async {
            let deadlines = Deadlines::default();
            let sweeping = tokio::task::spawn_local(deadlines.clone().sweep());
            let begin = Instant::now();
            let at = begin + Duration::from_millis(30);
            assert_eq!(deadlines.limit(at, async { 7 }).await, Some(7));
            assert_eq!(
                deadlines.limit(at, std::future::pending::<u8>()).await,
                None
            );
            assert!(
                begin.elapsed() >= Duration::from_millis(30),
                "given up too early"
            );
            assert!(deadlines.0.borrow().is_empty(), "every place is given back");
            assert!(SWEEP_EVERY < Duration::from_millis(30));
            sweeping.abort();
        });
    }
}

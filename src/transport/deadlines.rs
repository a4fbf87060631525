//! Time limits of requests: coarse and cheap.
//!
//! Nearly every request ends long before its limit, so setting and lifting a limit must cost next to nothing: a place in a
//! slab. A sweep looks at all of them when the first that it knew of passes; limits that are lifted by then cost no wake-up.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use slab::Slab;
use tokio::sync::Notify;

/// Shortest time between two sweeps: a limit may pass that much late.
const SWEEP_EVERY: Duration = Duration::from_millis(10);

/// The limits of one worker's requests.
#[derive(Clone, Default)]
pub(super) struct Deadlines(Rc<Limits>);

#[derive(Default)]
struct Limits {
    slab: RefCell<Slab<Limit>>,
    /// When the next sweep is due.
    next: Cell<Option<Instant>>,
    /// A limit was set that passes before the next sweep.
    sooner: Notify,
}

struct Limit {
    at: Instant,
    passed: bool,
    waker: Option<Waker>,
}

impl Deadlines {
    /// Does the work, or gives up with `None` once the deadline has passed.
    pub(super) async fn limit<T>(&self, at: Instant, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        let place = Registration::take(&self.0, at);
        poll_fn(|cx| match work.as_mut().poll(cx) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending if place.passed(cx) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        })
        .await
    }

    /// Wakes those whose time is up, for ever: run it as one task of the worker.
    pub(super) async fn sweep(self) {
        loop {
            let now = Instant::now();
            let next = self.0.wake_passed(now);
            let next = next.map(|at| at.max(now + SWEEP_EVERY));
            self.0.next.set(next);
            let due = async {
                match next {
                    Some(at) => tokio::time::sleep_until(at.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = due => {}
                () = self.0.sooner.notified() => {}
            }
        }
    }
}

impl Limits {
    /// Wakes whoever's limit has passed, and says when the first of the others passes.
    fn wake_passed(&self, now: Instant) -> Option<Instant> {
        let mut slab = self.slab.borrow_mut();
        for (_, limit) in slab.iter_mut().filter(|(_, limit)| limit.at <= now) {
            limit.passed = true;
            if let Some(waker) = limit.waker.take() {
                waker.wake();
            }
        }
        let open = slab.iter().filter(|(_, limit)| !limit.passed);
        open.map(|(_, limit)| limit.at).min()
    }
}

/// A limit's place; given back when dropped.
struct Registration<'d> {
    limits: &'d Limits,
    key: usize,
}

impl<'d> Registration<'d> {
    fn take(limits: &'d Limits, at: Instant) -> Self {
        let limit = Limit {
            at,
            passed: false,
            waker: None,
        };
        let key = limits.slab.borrow_mut().insert(limit);
        if limits.next.get().is_none_or(|next| at < next) {
            limits.sooner.notify_one();
        }
        Self { limits, key }
    }

    fn passed(&self, cx: &Context<'_>) -> bool {
        let mut limits = self.limits.slab.borrow_mut();
        let Some(limit) = limits.get_mut(self.key) else {
            return true;
        };
        if !limit.passed && limit.waker.is_none() {
            limit.waker = Some(cx.waker().clone());
        }
        limit.passed
    }
}

impl Drop for Registration<'_> {
    fn drop(&mut self) {
        self.limits.slab.borrow_mut().try_remove(self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::{Deadlines, SWEEP_EVERY};
    use std::time::{Duration, Instant};

    #[test]
    fn work_within_its_limit_is_done_and_other_work_given_up() {
        let runtime = crate::runtime::local_runtime().unwrap();
        runtime.block_on(async {
            let deadlines = Deadlines::default();
            let sweeping = tokio::task::spawn_local(deadlines.clone().sweep());
            let begin = Instant::now();
            // The sweep first knows of a limit far away, then of a nearer one.
            let far = begin + Duration::from_secs(3600);
            let away = deadlines.limit(far, tokio::task::yield_now());
            assert_eq!(away.await, Some(()));
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
            assert!(
                deadlines.0.slab.borrow().is_empty(),
                "every place is given back"
            );
            assert!(SWEEP_EVERY < Duration::from_millis(30));
            sweeping.abort();
        });
    }
}

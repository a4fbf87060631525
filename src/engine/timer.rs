//! When: sleeps of one worker, finer than a millisecond.
//!
//! tokio's own timer has a grain of one millisecond and rounds up; an open-loop generator would add that to every
//! start. On Linux one timerfd per worker drives a heap of deadlines instead; elsewhere tokio's timer is used.
//! Must not know: what the sleepers do.

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// Shortest time between two alarms of a generator. Waking a sleeping thread costs more processor time than sending a request,
/// so above ten thousand arrivals a second those of one grain are begun together. The lateness is measured and counted like any
/// other.
pub const GRAIN: Duration = Duration::from_micros(100);

/// A deadline nearer than this may be slept for by the whole thread, if nothing that may come meanwhile is needed at once: it is
/// read after the nap. That spares the second of two wake-ups, each of which costs more processor time than a request.
const SLEEP_MAX: Duration = Duration::from_millis(2);

/// A thread wakes late, by some ten microseconds and nearly always the same. The timer learns by how much and asks to be woken
/// that much earlier, but no earlier than this; what is then left to the deadline it waits for awake.
const LEAD_MAX: Duration = Duration::from_micros(250);

/// How far one late wake-up moves the lead up. An early one moves it down twice as far, so it comes to rest where a third of the
/// wake-ups are early: waiting awake costs processor time, being late only what is measured anyway. A deadline so near that
/// nobody sleeps before it counts as an early one: a lead learnt from long sleeps must not keep a busy worker from short ones.
const LEAD_STEP: Duration = Duration::from_nanos(500);

/// The deadlines of one worker. Clones share one timer; it lives on one thread.
#[derive(Clone)]
pub struct Timer(Rc<TimerState>);

struct TimerState {
    heap: RefCell<BinaryHeap<Reverse<Deadline>>>,
    alarm: alarm::Alarm,
    /// Shortest time between two alarms.
    grain: Duration,
    /// When somebody was woken last.
    woke: Cell<Instant>,
    /// How late this thread wakes at least two times out of three.
    lead: Cell<Duration>,
    /// Whether the driver waits for the alarm, so that whoever wants to be woken earlier must set it.
    waiting: Cell<bool>,
}

impl TimerState {
    /// When the alarm is to ring next: at the first deadline, but never less than a grain after it rang last.
    fn next(&self) -> Option<Instant> {
        let heap = self.heap.borrow();
        let Reverse(first) = heap.peek()?;
        Some(first.at.max(self.woke.get() + self.grain))
    }

    /// When to ask to be woken in order to be awake at `at`.
    fn early(&self, at: Instant) -> Instant {
        at.checked_sub(self.lead.get()).unwrap_or(at)
    }

    /// After a sleep: learns how late it ended, and waits for the deadline that it was for. While it lasted somebody may have come
    /// with an earlier one.
    fn awoke(&self) {
        let Some(at) = self.next() else { return };
        if let Some(late) = Instant::now().checked_duration_since(self.early(at)) {
            self.learn(late);
            stay_awake(at);
        }
    }

    /// Learns from a wake-up that was so late.
    fn learn(&self, late: Duration) {
        self.lead.set(adjusted(self.lead.get(), late));
    }
}

/// The lead after a wake-up that was so late.
fn adjusted(lead: Duration, late: Duration) -> Duration {
    if late > lead {
        (lead + LEAD_STEP).min(LEAD_MAX)
    } else {
        lead.saturating_sub(2 * LEAD_STEP)
    }
}

struct Deadline {
    at: Instant,
    waker: Waker,
}

impl PartialEq for Deadline {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}
impl Eq for Deadline {}
impl PartialOrd for Deadline {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Deadline {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.at.cmp(&other.at)
    }
}

impl Timer {
    /// A timer for the current thread's runtime that rings at most once a `grain`.
    ///
    /// # Errors
    /// When the operating system grants no timer (descriptors exhausted).
    pub fn new(grain: Duration) -> std::io::Result<Self> {
        alarm::sleep_exactly();
        Ok(Self(Rc::new(TimerState {
            heap: RefCell::new(BinaryHeap::new()),
            alarm: alarm::Alarm::new()?,
            grain,
            woke: Cell::new(Instant::now()),
            lead: Cell::new(Duration::ZERO),
            waiting: Cell::new(false),
        })))
    }

    /// Waits until `at`; returns at once when it has passed.
    pub fn sleep_until(&self, at: Instant) -> Sleep<'_> {
        Sleep {
            timer: self,
            at,
            registered: false,
        }
    }

    /// Wakes sleepers for as long as it is polled: run it as one task of the worker. `may_sleep` says whether the whole thread may
    /// sleep until the next deadline although answers may come before it.
    ///
    /// # Errors
    /// When the operating system's timer fails.
    pub async fn drive(&self, may_sleep: impl Fn() -> bool) -> std::io::Result<()> {
        loop {
            if self.wake_due() {
                // They run, what has come in is read, and all say when they want to be woken next.
                tokio::task::yield_now().await;
            }
            let Some(at) = self.0.next() else {
                self.wait(None).await?;
                continue;
            };
            let early = self.0.early(at);
            match early.checked_duration_since(Instant::now()) {
                None if Instant::now() < at => {
                    self.0.learn(Duration::ZERO);
                    stay_awake(at);
                }
                None => {}
                Some(left) if left < SLEEP_MAX && may_sleep() => {
                    std::thread::sleep(left);
                    self.0.awoke();
                }
                Some(_) => self.wait(Some(early)).await?,
            }
        }
    }

    /// Waits for the alarm, set to `first` unless somebody comes who wants to be woken earlier.
    async fn wait(&self, first: Option<Instant>) -> std::io::Result<()> {
        if let Some(at) = first {
            self.0.alarm.set(at)?;
        }
        self.0.waiting.set(true);
        let rang = self.0.alarm.rang().await;
        self.0.waiting.set(false);
        self.0.awoke();
        rang
    }

    /// Wakes everyone whose time has come; `false` if there was nobody.
    fn wake_due(&self) -> bool {
        let now = Instant::now();
        let mut heap = self.0.heap.borrow_mut();
        let before = heap.len();
        while heap.peek().is_some_and(|Reverse(first)| first.at <= now) {
            if let Some(Reverse(due)) = heap.pop() {
                due.waker.wake();
            }
        }
        let woken = heap.len() < before;
        if woken {
            self.0.woke.set(now);
        }
        woken
    }

    fn register(&self, at: Instant, waker: Waker) {
        let mut heap = self.0.heap.borrow_mut();
        let earliest = heap.peek().is_none_or(|Reverse(first)| at < first.at);
        heap.push(Reverse(Deadline { at, waker }));
        drop(heap);
        if earliest
            && self.0.waiting.get()
            && let Some(next) = self.0.next()
        {
            // A failure shows again, and is reported, when the driver sets the alarm.
            let _ = self.0.alarm.set(self.0.early(next));
        }
    }
}

/// Waits the last microseconds: a sleep would outlast them.
fn stay_awake(until: Instant) {
    while Instant::now() < until {
        std::hint::spin_loop();
    }
}

/// Future of [`Timer::sleep_until`].
pub struct Sleep<'a> {
    timer: &'a Timer,
    at: Instant,
    registered: bool,
}

impl Future for Sleep<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if Instant::now() >= self.at {
            return Poll::Ready(());
        }
        // A task keeps its waker for life, so one registration is enough; it may only be polled early by others.
        if !self.registered {
            self.registered = true;
            self.timer.register(self.at, cx.waker().clone());
        }
        Poll::Pending
    }
}

#[cfg(target_os = "linux")]
mod alarm {
    use std::time::Instant;

    use rustix::fd::OwnedFd;
    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    /// Lets this thread's sleeps end on time instead of up to 50 µs later, which is what Linux grants itself by default.
    pub(super) fn sleep_exactly() {
        let _ = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1));
    }

    /// A timerfd set to the earliest deadline.
    pub(super) struct Alarm(AsyncFd<OwnedFd>);

    impl Alarm {
        pub(super) fn new() -> std::io::Result<Self> {
            let fd = timerfd_create(
                TimerfdClockId::Monotonic,
                TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC,
            )?;
            // SAFETY: the descriptor is open, and `AsyncFd` owns it until both are dropped together.
            #[expect(
                unsafe_code,
                reason = "the only registration of a foreign descriptor; see the safety comment"
            )]
            let fd = unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) }?;
            Ok(Self(fd))
        }

        pub(super) fn set(&self, at: Instant) -> std::io::Result<()> {
            let wait = at.saturating_duration_since(Instant::now());
            // Zero would disarm it.
            let tv_nsec = i64::from(wait.subsec_nanos()).max(i64::from(wait.as_secs() == 0));
            let value = Timespec {
                tv_sec: i64::try_from(wait.as_secs()).unwrap_or(i64::MAX),
                tv_nsec,
            };
            let zero = Timespec {
                tv_sec: 0,
                tv_nsec: 0,
            };
            timerfd_settime(
                self.0.get_ref(),
                TimerfdTimerFlags::empty(),
                &Itimerspec {
                    it_interval: zero,
                    it_value: value,
                },
            )?;
            Ok(())
        }

        /// The descriptor is never read: setting it anew resets its count, and an edge comes with each expiry.
        pub(super) async fn rang(&self) -> std::io::Result<()> {
            self.0.readable().await?.clear_ready();
            Ok(())
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod alarm {
    use std::cell::Cell;
    use std::time::Instant;

    pub(super) fn sleep_exactly() {}

    /// tokio's timer: correct, but with a grain of a millisecond.
    pub(super) struct Alarm {
        at: Cell<Option<Instant>>,
        changed: tokio::sync::Notify,
    }

    impl Alarm {
        pub(super) fn new() -> std::io::Result<Self> {
            Ok(Self {
                at: Cell::new(None),
                changed: tokio::sync::Notify::new(),
            })
        }

        pub(super) fn set(&self, at: Instant) -> std::io::Result<()> {
            self.at.set(Some(at));
            self.changed.notify_one();
            Ok(())
        }

        pub(super) async fn rang(&self) -> std::io::Result<()> {
            match self.at.get() {
                Some(at) => tokio::select! {
                    () = tokio::time::sleep_until(at.into()) => self.at.set(None),
                    () = self.changed.notified() => {}
                },
                None => self.changed.notified().await,
            }
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{GRAIN, LEAD_MAX, Timer, adjusted};
    use std::time::{Duration, Instant};

    fn lead_after(latenesses: impl Iterator<Item = u64>) -> Duration {
        latenesses.fold(Duration::ZERO, |lead, late| {
            adjusted(lead, Duration::from_micros(late))
        })
    }

    #[test]
    fn the_lead_comes_to_rest_at_the_lower_third_of_latenesses() {
        // 0 … 89 µs, shuffled.
        let lead = lead_after((0..20_000).map(|n| n * 37 % 90));
        assert!(
            lead.abs_diff(Duration::from_micros(30)) < Duration::from_micros(6),
            "{lead:?}"
        );
        assert_eq!(lead_after((0..20_000).map(|_| 5_000)), LEAD_MAX);
        assert_eq!(lead_after((0..20_000).map(|_| 0)), Duration::ZERO);
    }

    #[test]
    fn sleepers_wake_in_order_of_their_deadlines_and_never_early() {
        let runtime = crate::runtime::local_runtime().unwrap();
        let order = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
        runtime.block_on(async {
            let timer = Timer::new(GRAIN).unwrap();
            let driver = timer.clone();
            let driving = tokio::task::spawn_local(async move { driver.drive(|| true).await });
            let start = Instant::now();
            let sleepers: Vec<_> = [7_u64, 3, 5, 3, 1]
                .into_iter()
                .map(|ms| {
                    let (timer, order) = (timer.clone(), order.clone());
                    tokio::task::spawn_local(async move {
                        let at = start + Duration::from_millis(ms);
                        timer.sleep_until(at).await;
                        assert!(Instant::now() >= at, "woken early");
                        order.borrow_mut().push(ms);
                    })
                })
                .collect();
            for sleeper in sleepers {
                sleeper.await.unwrap();
            }
            driving.abort();
        });
        assert_eq!(*order.borrow(), [1, 3, 3, 5, 7]);
    }
}

//! The state of one worker that all its shoppers share: clock, timer, recorder, connections, and whether to stop.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::browsing::RumTap;
use super::plan::Plan;
use super::timer::Timer;
use super::worker_setup::WorkerSetup;
use super::{Control, Stop};
use crate::measure::{Phases, Recorder};
use crate::protocol::http::Http;
use crate::schedule::Schedule;
use crate::shopper::ScenarioData;
use crate::transport::Transport;

/// The shared part of one worker.
pub(super) struct WorkerState<T: Transport> {
    pub(super) world: Arc<ScenarioData>,
    pub(super) plan: Arc<Plan>,
    pub(super) phases: Phases,
    pub(super) http: Http<T>,
    pub(super) timer: Timer,
    pub(super) recorder: RefCell<Recorder>,
    /// Where RUM events are made of what shoppers do, if they are wanted.
    pub(super) rum: Option<RumTap>,
    /// Offset 0 of the schedule.
    pub(super) start: Instant,
    shoppers: Cell<u32>,
    requests: Cell<u32>,
    request_ended: Notify,
    stop: Cell<Stop>,
    /// The schedule with all changes by hand so far, and how many these are.
    schedule: RefCell<Option<Arc<Schedule>>>,
    rate_changes: Cell<usize>,
    scenario_schedule: Option<Arc<Schedule>>,
    rate_changed: Notify,
    stop_asked: Notify,
}

impl<T: Transport> WorkerState<T> {
    pub(super) fn new(setup: &WorkerSetup, transport: T, timer: Timer) -> Self {
        let seed = setup.world.seed() ^ (setup.number as u64);
        Self {
            http: Http::new(&setup.world, setup.plan.target(), transport),
            world: setup.world.clone(),
            plan: setup.plan.clone(),
            phases: setup.phases.clone(),
            timer,
            recorder: RefCell::new(Recorder::new(seed)),
            rum: setup
                .rum
                .clone()
                .map(|feed| RumTap::new(feed, &setup.plan, setup.world.scenario())),
            start: setup.start,
            shoppers: Cell::new(0),
            requests: Cell::new(0),
            request_ended: Notify::new(),
            stop: Cell::new(Stop::No),
            schedule: RefCell::new(setup.schedule.clone()),
            rate_changes: Cell::new(0),
            scenario_schedule: setup.schedule.clone(),
            rate_changed: Notify::new(),
            stop_asked: Notify::new(),
        }
    }

    /// Time since the run began; 0 before it has. Whether something is due is for [`Self::has_come`] to say: before the run
    /// has begun not even the offset 0 has come.
    pub(super) fn offset(&self) -> Duration {
        Instant::now().saturating_duration_since(self.start)
    }

    /// Whether the time of an offset has come.
    pub(super) fn has_come(&self, offset: Duration) -> bool {
        has_come(self.start, offset, Instant::now())
    }

    /// An instant as an offset.
    pub(super) fn offset_of(&self, at: Instant) -> Duration {
        at.saturating_duration_since(self.start)
    }

    /// Waits until the offset, or until someone wants the run to stop.
    pub(super) async fn sleep_or_stop(&self, until: Duration) {
        let Some(at) = self.start.checked_add(until) else {
            return self.stop_asked().await;
        };
        if self.stop.get() != Stop::No {
            return;
        }
        tokio::select! {
            biased;
            () = self.timer.sleep_until(at) => {}
            () = self.stop_asked.notified() => {}
        }
    }

    /// Raises the level to which the run is to stop; it never sinks.
    pub(super) fn ask_to_stop(&self, level: Stop) {
        if level > self.stop.get() {
            self.stop.set(level);
            self.stop_asked.notify_waiters();
        }
    }

    /// Takes over changes of the rate and wakes the pacer.
    pub(super) fn change_rate(&self, control: &Control) {
        let Some(scenario) = &self.scenario_schedule else {
            return;
        };
        let changes = control.rates().len();
        if changes > self.rate_changes.replace(changes) {
            let schedule = control.schedule(scenario, self.start);
            self.schedule.replace(Some(Arc::new(schedule)));
            self.rate_changed.notify_waiters();
        }
    }

    /// The schedule that holds now, if the load is open.
    pub(super) fn schedule(&self) -> Option<Arc<Schedule>> {
        self.schedule.borrow().clone()
    }

    /// How often the rate has been changed.
    pub(super) fn rate_changes(&self) -> usize {
        self.rate_changes.get()
    }

    /// Like [`Self::sleep_or_stop`], but comes back as well when the rate is changed.
    pub(super) async fn sleep_or_news(&self, until: Duration) {
        tokio::select! {
            biased;
            () = self.sleep_or_stop(until) => {}
            () = self.rate_changed.notified() => {}
        }
    }

    pub(super) fn stop_level(&self) -> Stop {
        self.stop.get()
    }

    /// Comes back when the level rises.
    pub(super) async fn stop_asked(&self) {
        self.stop_asked.notified().await;
    }

    pub(super) fn shoppers(&self) -> u32 {
        self.shoppers.get()
    }

    pub(super) fn shopper_came(&self) {
        self.shoppers.set(self.shoppers.get() + 1);
    }

    pub(super) fn shopper_left(&self) {
        self.shoppers.set(self.shoppers.get().saturating_sub(1));
    }

    pub(super) fn requests_in_flight(&self) -> u32 {
        self.requests.get()
    }

    /// Whether every answer on its way may be read late.
    pub(super) fn may_sleep(&self) -> bool {
        self.http.transport.deferrable() >= self.requests.get()
    }

    pub(super) fn request_began(&self) {
        self.requests.set(self.requests.get() + 1);
    }

    pub(super) fn request_is_over(&self) {
        self.requests.set(self.requests.get().saturating_sub(1));
        if self.stop.get() != Stop::No {
            self.request_ended.notify_waiters();
        }
    }

    /// Comes back when a request ends while the run is stopping.
    pub(super) async fn request_ended(&self) {
        self.request_ended.notified().await;
    }
}

/// Whether an offset since `start` has come `now`. One that lies beyond all time never does.
fn has_come(start: Instant, offset: Duration, now: Instant) -> bool {
    start.checked_add(offset).is_some_and(|at| at <= now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_has_come_before_the_start() {
        let start = Instant::now() + Duration::from_secs(60);
        let (zero, step) = (Duration::ZERO, Duration::from_micros(1));
        assert!(!has_come(start, zero, start - step));
        assert!(has_come(start, zero, start));
        assert!(!has_come(start, step, start));
        assert!(has_come(start, step, start + step));
        assert!(!has_come(start, Duration::MAX, start));
    }
}

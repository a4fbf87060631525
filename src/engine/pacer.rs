//! When shoppers arrive: the schedule's times for an open load, a crowd that comes and goes for a closed one.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::Stop;
use super::journey_run::journey_run;
use super::worker_setup::WorkerSetup;
use super::worker_state::WorkerState;
use crate::scenario::{CrowdPhase, Load, Until};
use crate::schedule::crowd::{self, Stay};
use crate::schedule::{Arrivals, Schedule, Segment};
use crate::transport::Transport;

/// Arrivals that are let in without a pause when the pacer is behind; then the shoppers get their turn.
const BURST_MAX: u32 = 64;

/// Lets shoppers in until the load is over.
pub(super) async fn pace<T: Transport>(
    worker: &Rc<WorkerState<T>>,
    setup: &WorkerSetup,
    shoppers: &mut JoinSet<()>,
) {
    match (&setup.world.scenario().load, &setup.schedule) {
        (Load::Closed { crowd, until }, _) => {
            closed(worker, setup.segment, crowd, *until, shoppers).await;
        }
        (Load::Open { .. }, Some(schedule)) => {
            open(worker, schedule.clone(), setup.segment, shoppers).await
        }
        (Load::Open { .. }, None) => {}
    }
}

async fn open<T: Transport>(
    worker: &Rc<WorkerState<T>>,
    mut schedule: Arc<Schedule>,
    segment: Segment,
    shoppers: &mut JoinSet<()>,
) {
    let limit = u64::from(worker.world.scenario().limits.shoppers_max)
        .div_ceil(segment.of())
        .max(1);
    let (mut burst, mut changes, mut from) = (0, 0, 0);
    let mut arrivals = Arrivals::new(schedule.clone(), segment, from);
    while worker.stop_level() == Stop::No {
        // After a change of the rate the next arrival has the same number, but another time.
        if std::mem::replace(&mut changes, worker.rate_changes()) != worker.rate_changes() {
            schedule = worker.schedule().unwrap_or(schedule);
            arrivals = Arrivals::new(schedule.clone(), segment, from);
        }
        let Some((index, due)) = arrivals.next() else {
            if worker.has_come(schedule.duration()) {
                return;
            }
            worker.sleep_or_news(schedule.duration()).await;
            continue;
        };
        if !worker.has_come(due) {
            burst = 0;
            worker.sleep_or_news(due).await;
        } else {
            burst += 1;
            if burst % BURST_MAX == 0 {
                tokio::task::yield_now().await;
            }
        }
        if worker.stop_level() != Stop::No || worker.world.is_over_at(index) {
            return;
        }
        if changes != worker.rate_changes() {
            from = index;
            continue;
        }
        from = index + 1;
        worker.recorder.borrow_mut().planned(due);
        if u64::from(worker.shoppers()) >= limit {
            worker.recorder.borrow_mut().dropped(due, "shoppers_limit");
            continue;
        }
        if let Some(journey_run) = journey_run(worker, index, due) {
            shoppers.spawn_local(journey_run);
        }
        while shoppers.try_join_next().is_some() {}
    }
}

/// What the shoppers of a closed load share.
struct Crowd<T: Transport> {
    worker: Rc<WorkerState<T>>,
    segment: Segment,
    /// Journeys that were begun, and how many may be.
    journeys: Cell<u64>,
    journeys_max: u64,
}

async fn closed<T: Transport>(
    worker: &Rc<WorkerState<T>>,
    segment: Segment,
    phases: &[CrowdPhase],
    until: Until,
    shoppers: &mut JoinSet<()>,
) {
    let most = crowd::most(phases);
    // With fewer shoppers than shares some shares have none; their journeys are the others'.
    let Some(segment) = segment.among(u64::from(most)) else {
        return;
    };
    let crowd = Rc::new(Crowd {
        worker: worker.clone(),
        segment,
        journeys: Cell::new(0),
        journeys_max: until.journeys.map_or(u64::MAX, |all| segment.share_of(all)),
    });
    let end = until.elapsed.unwrap_or(Duration::MAX);
    worker.sleep_or_stop(Duration::ZERO).await;
    for number in segment.of_all(u64::from(most)) {
        let stays = crowd::stays(phases, u32::try_from(number).unwrap_or(u32::MAX));
        shoppers.spawn_local(crowd.clone().come_and_go(stays, end));
    }
    // The crowd goes home by itself when the time is over or the journeys are made.
    while worker.stop_level() == Stop::No {
        tokio::select! {
            left = shoppers.join_next() => {
                if left.is_none() {
                    return;
                }
                if crowd.is_through() && worker.shoppers() == 0 {
                    // Those who would come later have nothing left to do.
                    return shoppers.abort_all();
                }
            }
            () = worker.stop_asked() => {}
            () = worker.sleep_or_stop(end), if !worker.has_come(end) => return,
        }
    }
}

impl<T: Transport> Crowd<T> {
    /// Whether no journey is left to begin: all are made, or a feeder that ends the load has no more rows.
    fn is_through(&self) -> bool {
        self.journeys.get() >= self.journeys_max || self.worker.world.is_over_at(self.next())
    }

    /// The number of the next journey in the whole load.
    fn next(&self) -> u64 {
        self.segment.index() + self.journeys.get() * self.segment.of()
    }

    /// One shopper: begins journeys while it is to be there, and ends the last one that it has begun.
    async fn come_and_go(self: Rc<Self>, stays: Vec<Stay>, end: Duration) {
        for (from, to) in stays {
            self.worker.sleep_or_stop(from).await;
            let to = to.min(end);
            while self.worker.stop_level() == Stop::No
                && !self.worker.has_come(to)
                && !self.is_through()
            {
                let index = self.next();
                self.journeys.set(self.journeys.get() + 1);
                let now = self.worker.offset();
                self.worker.recorder.borrow_mut().planned(now);
                // A feeder without rows has none for later shoppers either.
                let Some(journey_run) = journey_run(&self.worker, index, now) else {
                    return;
                };
                journey_run.await;
            }
        }
    }
}

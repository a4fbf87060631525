//! When shoppers arrive: the schedule's times for an open load, a fixed crowd for a closed one.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::Stop;
use super::journey_run::journey_run;
use super::worker_setup::WorkerSetup;
use super::worker_state::WorkerState;
use crate::scenario::{Load, Until};
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
        (
            Load::Closed {
                shoppers: crowd,
                until,
            },
            _,
        ) => closed(worker, setup.segment, *crowd, *until, shoppers).await,
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

async fn closed<T: Transport>(
    worker: &Rc<WorkerState<T>>,
    segment: Segment,
    crowd: u32,
    until: Until,
    shoppers: &mut JoinSet<()>,
) {
    // With fewer shoppers than shares some shares have none; their journeys are the others'.
    let Some(segment) = segment.among(u64::from(crowd)) else {
        return;
    };
    let journeys = Rc::new(Cell::new(0));
    let journeys_max = until.journeys.map_or(u64::MAX, |all| segment.share_of(all));
    let end = until.elapsed.unwrap_or(Duration::MAX);
    worker.sleep_or_stop(Duration::ZERO).await;
    for _ in 0..segment.share_of(u64::from(crowd)) {
        let (worker, journeys) = (worker.clone(), journeys.clone());
        shoppers.spawn_local(async move {
            while worker.stop_level() == Stop::No
                && !worker.has_come(end)
                && journeys.get() < journeys_max
            {
                let number = journeys.replace(journeys.get() + 1);
                let index = segment.index() + number * segment.of();
                if worker.world.is_over_at(index) {
                    return;
                }
                let now = worker.offset();
                worker.recorder.borrow_mut().planned(now);
                // A feeder without rows has none for later shoppers either.
                let Some(journey_run) = journey_run(&worker, index, now) else {
                    return;
                };
                journey_run.await;
            }
        });
    }
    // The crowd goes home by itself when the time is over or the journeys are made.
    while worker.stop_level() == Stop::No {
        tokio::select! {
            left = shoppers.join_next() => if left.is_none() { return },
            () = worker.stop_asked() => {}
            () = worker.sleep_or_stop(end), if !worker.has_come(end) => return,
        }
    }
}

//! One worker: paces its share of the arrivals, hands over its windows, and ends in order.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::floor::Floor;
use super::plan::Plan;
use super::timer::{GRAIN, Timer};
use super::{Control, Stop, pacer};
use crate::measure::collector::Handover;
use crate::measure::{Phases, Recorder, Window};
use crate::schedule::{Schedule, Segment};
use crate::shopper::World;
use crate::transport::Transport;

/// What a worker is given.
#[derive(Clone)]
pub(super) struct Setup {
    pub(super) number: usize,
    pub(super) workers: u32,
    pub(super) segment: Segment,
    pub(super) world: Arc<World>,
    pub(super) plan: Arc<Plan>,
    pub(super) schedule: Option<Arc<Schedule>>,
    pub(super) phases: Phases,
    pub(super) start: Instant,
    pub(super) tick: Duration,
    pub(super) control: watch::Receiver<Control>,
}

/// Works until the load is over and every shopper has left or was cut off.
pub(super) async fn work<T: Transport>(
    setup: Setup,
    desk: Desk,
    transport: T,
) -> anyhow::Result<()> {
    let floor = Rc::new(Floor::new(&setup, transport, Timer::new(GRAIN)?));
    // Someone may have asked before anything began.
    floor.ask_to_stop(setup.control.borrow().stop);
    let desk = Rc::new(desk);
    let driving = tokio::task::spawn_local(drive(floor.clone()));
    let listening = tokio::task::spawn_local(listen(floor.clone(), setup.control.clone()));
    let ticking = tokio::task::spawn_local(tick(floor.clone(), desk.clone(), setup.tick));
    let upkeep = tokio::task::spawn_local(floor.transport.upkeep());
    let mut shoppers = JoinSet::new();
    pacer::pace(&floor, &setup, &mut shoppers).await;
    drain(&floor, &mut shoppers).await;
    for task in [ticking, listening, driving, upkeep] {
        task.abort();
        // Cancelled, as asked.
        let _ = task.await;
    }
    let connections = floor.transport.connections_open();
    let mut window = floor.recorder.replace(Recorder::new(0)).finish();
    (window.shoppers, window.connections) = (0, connections);
    desk.last(window, floor.offset());
    Ok(())
}

async fn drive<T: Transport>(floor: Rc<Floor<T>>) {
    if let Err(error) = floor.timer.drive(|| floor.may_nap()).await {
        tracing::error!(%error, "the timer of a worker failed");
    }
}

/// Carries the wishes of other threads onto the floor.
async fn listen<T: Transport>(floor: Rc<Floor<T>>, mut control: watch::Receiver<Control>) {
    loop {
        let wishes = control.borrow_and_update().clone();
        floor.ask_to_stop(wishes.stop);
        floor.change_rate(&wishes);
        if control.changed().await.is_err() {
            return std::future::pending().await;
        }
    }
}

/// Waits for the shoppers: all of them for as long as the scenario says, then only for answers on their way, then no more.
async fn drain<T: Transport>(floor: &Rc<Floor<T>>, shoppers: &mut JoinSet<()>) {
    let scenario = floor.world.scenario();
    let deadline = tokio::time::Instant::now() + scenario.limits.drain;
    while floor.stop_level() == Stop::No {
        tokio::select! {
            left = shoppers.join_next() => if left.is_none() { return },
            () = floor.stop_asked() => {}
            () = tokio::time::sleep_until(deadline) => floor.ask_to_stop(Stop::Drain),
        }
    }
    // Requests end by their own time limits; the floor tells when the last one has.
    let answers = tokio::time::sleep(scenario.http.timeout);
    tokio::pin!(answers);
    while floor.stop_level() != Stop::Now && floor.requests_in_flight() > 0 {
        tokio::select! {
            () = floor.request_ended() => {}
            () = floor.stop_asked() => {}
            () = &mut answers => break,
        }
    }
    // What is still here is cut off; each guard records it as in flight when it is dropped.
    shoppers.shutdown().await;
}

/// Where windows are handed over.
pub(super) struct Desk {
    worker: usize,
    outbox: SyncSender<Handover>,
    spares: Receiver<Window>,
    ticks: Cell<u32>,
    /// A window that found the channel full, with everything in it.
    kept: RefCell<Option<Handover>>,
}

impl Desk {
    /// The desk of one worker.
    pub(super) fn new(
        worker: usize,
        outbox: SyncSender<Handover>,
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

    fn spare(&self) -> Window {
        self.spares.try_recv().unwrap_or_default()
    }

    fn hand_over(&self, window: Window, at: Duration) {
        let tick = self.ticks.replace(self.ticks.get() + 1);
        let handover = Handover {
            worker: self.worker,
            tick,
            at,
            window,
            last: false,
        };
        if let Err(TrySendError::Full(kept)) = self.outbox.try_send(handover) {
            *self.kept.borrow_mut() = Some(kept);
        }
    }

    fn retry(&self) {
        let Some(kept) = self.kept.borrow_mut().take() else {
            return;
        };
        if let Err(TrySendError::Full(kept)) = self.outbox.try_send(kept) {
            *self.kept.borrow_mut() = Some(kept);
        }
    }

    /// The last one waits for room, together with one that found none: nothing is lost.
    fn last(&self, window: Window, at: Duration) {
        if let Some(kept) = self.kept.borrow_mut().take() {
            let _ = self.outbox.send(kept);
        }
        let _ = self.outbox.send(Handover {
            worker: self.worker,
            tick: self.ticks.get(),
            at,
            window,
            last: true,
        });
    }
}

async fn tick<T: Transport>(floor: Rc<Floor<T>>, desk: Rc<Desk>, length: Duration) {
    for number in 1_u32.. {
        floor.timer.sleep_until(floor.start + length * number).await;
        // A collector that is behind gets a longer window later instead of two.
        if desk.kept.borrow().is_some() {
            desk.retry();
            continue;
        }
        let mut window = floor.recorder.borrow_mut().take(desk.spare());
        (window.shoppers, window.connections) =
            (floor.shoppers(), floor.transport.connections_open());
        desk.hand_over(window, floor.offset());
    }
}

//! One worker: paces its share of the arrivals, hands over its windows, and ends in order.

use std::rc::Rc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::floor::Floor;
use super::timer::{GRAIN, Timer};
use super::window_sender::WindowSender;
use super::worker_setup::WorkerSetup;
use super::{Control, Stop, pacer};
use crate::measure::Recorder;
use crate::transport::Transport;

/// Works until the load is over and every shopper has left or was cut off.
pub(super) async fn work<T: Transport>(
    setup: WorkerSetup,
    windows: WindowSender,
    transport: T,
) -> anyhow::Result<()> {
    let floor = Rc::new(Floor::new(&setup, transport, Timer::new(GRAIN)?));
    // Someone may have asked before anything began.
    floor.ask_to_stop(setup.control.borrow().stop);
    let windows = Rc::new(windows);
    let driving = tokio::task::spawn_local(drive(floor.clone()));
    let listening = tokio::task::spawn_local(listen(floor.clone(), setup.control.clone()));
    let ticking = tokio::task::spawn_local(tick(floor.clone(), windows.clone(), setup.tick));
    let upkeep = tokio::task::spawn_local(floor.http.transport.upkeep());
    let mut shoppers = JoinSet::new();
    pacer::pace(&floor, &setup, &mut shoppers).await;
    drain(&floor, &mut shoppers).await;
    for task in [ticking, listening, driving, upkeep] {
        task.abort();
        // Cancelled, as asked.
        let _ = task.await;
    }
    let connections = floor.http.transport.connections_open();
    let mut window = floor.recorder.replace(Recorder::new(0)).finish();
    (window.shoppers, window.connections) = (0, connections);
    windows.last(window, floor.offset());
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

/// Sends a window at the end of each tick.
async fn tick<T: Transport>(floor: Rc<Floor<T>>, windows: Rc<WindowSender>, length: Duration) {
    let mut ticks = 0;
    loop {
        floor
            .timer
            .sleep_until(floor.start + length * (ticks + 1))
            .await;
        // A worker that was held up may find several over; what it recorded meanwhile counts for the last.
        ticks = ticks_over(floor.offset(), length).max(ticks + 1);
        windows.tick(ticks, floor.offset(), |spare| {
            let mut window = floor.recorder.borrow_mut().take(spare);
            (window.shoppers, window.connections) =
                (floor.shoppers(), floor.http.transport.connections_open());
            window
        });
    }
}

/// Ticks of this length that are over at an offset.
fn ticks_over(offset: Duration, length: Duration) -> u32 {
    let ticks = offset.as_nanos() / length.as_nanos().max(1);
    u32::try_from(ticks).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tick_is_over_when_its_length_has_passed() {
        let over = |millis| ticks_over(Duration::from_millis(millis), Duration::from_secs(1));
        assert_eq!([over(0), over(999), over(1_000), over(3_500)], [0, 0, 1, 3]);
    }
}

//! One worker: paces its share of the arrivals, hands over its windows, and ends in order.

use std::rc::Rc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::timer::{GRAIN, Timer};
use super::window_sender::WindowSender;
use super::worker_setup::WorkerSetup;
use super::worker_state::WorkerState;
use super::{Control, Stop, pacer};
use crate::measure::Recorder;
use crate::transport::Transport;

/// Works until the load is over and every shopper has left or was cut off.
pub(super) async fn work<T: Transport>(
    setup: WorkerSetup,
    windows: WindowSender,
    transport: T,
) -> anyhow::Result<()> {
    let worker = Rc::new(WorkerState::new(&setup, transport, Timer::new(GRAIN)?));
    // Someone may have asked before anything began.
    worker.ask_to_stop(setup.control.borrow().stop);
    let windows = Rc::new(windows);
    let driving = tokio::task::spawn_local(drive(worker.clone()));
    let listening = tokio::task::spawn_local(listen(worker.clone(), setup.control.clone()));
    let ticking = tokio::task::spawn_local(tick(worker.clone(), windows.clone(), setup.tick));
    let upkeep = tokio::task::spawn_local(worker.http.transport.upkeep());
    let mut shoppers = JoinSet::new();
    pacer::pace(&worker, &setup, &mut shoppers).await;
    drain(&worker, &mut shoppers).await;
    for task in [ticking, listening, driving, upkeep] {
        task.abort();
        // Cancelled, as asked.
        let _ = task.await;
    }
    let connections = worker.http.transport.connections_open();
    let protocols = worker.http.transport.take_protocols();
    let mut window = worker.recorder.replace(Recorder::new(0)).finish();
    (window.shoppers, window.connections) = (0, connections);
    window.protocols = protocols;
    windows.last(window, worker.offset());
    if let Some(tap) = &worker.rum {
        tap.last();
    }
    Ok(())
}

async fn drive<T: Transport>(worker: Rc<WorkerState<T>>) {
    if let Err(error) = worker.timer.drive(|| worker.may_sleep()).await {
        tracing::error!(%error, "the timer of a worker failed");
    }
}

/// Passes on what the run is told.
async fn listen<T: Transport>(worker: Rc<WorkerState<T>>, mut control: watch::Receiver<Control>) {
    loop {
        let told = control.borrow_and_update().clone();
        worker.ask_to_stop(told.stop);
        worker.change_rate(&told);
        if control.changed().await.is_err() {
            return std::future::pending().await;
        }
    }
}

/// Waits for the shoppers: all of them for as long as the scenario says, then only for answers on their way, then no more.
async fn drain<T: Transport>(worker: &Rc<WorkerState<T>>, shoppers: &mut JoinSet<()>) {
    let scenario = worker.world.scenario();
    let deadline = tokio::time::Instant::now() + scenario.limits.drain;
    while worker.stop_level() == Stop::No {
        tokio::select! {
            left = shoppers.join_next() => if left.is_none() { return },
            () = worker.stop_asked() => {}
            () = tokio::time::sleep_until(deadline) => worker.ask_to_stop(Stop::Drain),
        }
    }
    // Requests end by their own time limits; the worker's state tells when the last one has.
    let answers = tokio::time::sleep(scenario.http.timeout);
    tokio::pin!(answers);
    while worker.stop_level() != Stop::Now && worker.requests_in_flight() > 0 {
        tokio::select! {
            () = worker.request_ended() => {}
            () = worker.stop_asked() => {}
            () = &mut answers => break,
        }
    }
    // What is still here is cut off; each guard records it as in flight when it is dropped.
    shoppers.shutdown().await;
}

/// Sends a window at the end of each tick.
async fn tick<T: Transport>(
    worker: Rc<WorkerState<T>>,
    windows: Rc<WindowSender>,
    length: Duration,
) {
    let mut ticks = 0;
    loop {
        worker
            .timer
            .sleep_until(worker.start + length * (ticks + 1))
            .await;
        // A worker that was held up may find several over; what it recorded meanwhile counts for the last.
        ticks = ticks_over(worker.offset(), length).max(ticks + 1);
        windows.tick(ticks, worker.offset(), |spare| {
            let mut window = worker.recorder.borrow_mut().take(spare);
            (window.shoppers, window.connections) =
                (worker.shoppers(), worker.http.transport.connections_open());
            window.protocols = worker.http.transport.take_protocols();
            window
        });
        if let Some(tap) = &worker.rum {
            tap.tick();
        }
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

//! Runs a scenario and owns every task of the run.
//!
//! One thread a worker, each with its own runtime, timer, connections and recorder; nothing is shared on the hot path.
//! One more thread, the collector, adds up what the workers hand over. Everything is joined before [`run`] returns.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use time::OffsetDateTime;
use tokio::sync::watch;

use crate::control::RateChange;
pub use crate::control::{Control, Stop};
use crate::measure::collector::collect;
use crate::measure::collector_setup::CollectorSetup;
use crate::measure::health::OwnHealth;
use crate::measure::journal::Journal;
use crate::measure::snapshot::LatestSnapshot;
use crate::measure::totals::Totals;
use crate::measure::worker_report::WorkerReport;
use crate::measure::{Phases, Window};
use crate::rum::delivery::Sink;
use crate::rum::scene::Scene;
use crate::rum::thread::{RumOutcome, RumThread};
use crate::rum::visitor::Application;
use crate::runtime::local_runtime;
use crate::scenario::{Load, Scenario};
use crate::schedule::{Schedule, Segment};
use crate::shopper::ScenarioData;
use crate::template::{Slot, Value};
use crate::transport::Transport;
use crate::transport::http::HttpTransport;

mod browsed;
mod browsing;
mod examples;
mod journey_run;
mod judging;
mod pacer;
pub mod plan;
pub mod prepare;
pub mod preview;
pub mod timer;
mod window_sender;
mod worker;
mod worker_setup;
mod worker_state;

use plan::Plan;
use window_sender::WindowSender;
use worker_setup::WorkerSetup;

/// Windows that may wait for the collector, for each worker. A worker that finds the channel full goes on recording into the
/// window it has.
const HANDOVERS_MAX: usize = 8;

/// Time for every thread to stand ready before the first arrival is due.
const GET_READY: Duration = Duration::from_millis(20);

/// Length of a tick; longer runs have longer ones so that there are at most [`TICKS_MAX`].
const TICK: Duration = Duration::from_secs(1);

/// Most second-level windows of a run of known length.
const TICKS_MAX: u32 = 7200;

/// A run to be made.
pub struct RunRequest {
    /// What to do.
    pub scenario: Arc<Scenario>,
    /// Base URL of the system under test.
    pub target: String,
    /// Variables that were set before the load, for every shopper.
    pub prepared: Vec<(Slot, Value)>,
    /// Worker threads, at least 1.
    pub workers: u32,
    /// This process's share of the schedule.
    pub segment: Segment,
    /// Where views look.
    pub latest: LatestSnapshot,
    /// Where ticks are written.
    pub journal: Box<dyn Journal>,
    /// Told here to stop or to change the rate.
    pub control: watch::Receiver<Control>,
    /// The RUM events that are wanted of the shoppers' browsers.
    pub rum: Option<RumRequest>,
}

/// RUM events that are wanted.
pub struct RumRequest {
    /// Whose they are.
    pub application: Application,
    /// Where they go.
    pub sink: Box<dyn Sink>,
}

/// A finished run.
pub struct Finished {
    /// What was measured.
    pub totals: Totals,
    /// How the generator fared.
    pub health: OwnHealth,
    /// The run's phases.
    pub phases: Phases,
    /// From the first arrival's time to the end of the last step.
    pub elapsed: Duration,
    /// Length of the load.
    pub load: Duration,
    /// CPU time of the whole run.
    pub cpu: Duration,
    /// Changes of the rate by hand: when, and the factor on the scenario's rate from then on.
    pub rate_changes: Vec<(Duration, f64)>,
    /// What came of the RUM events, if any were wanted.
    pub rum: Option<RumOutcome>,
}

/// Makes the run and comes back when it is over.
///
/// # Errors
/// When the target or a step cannot be used, or a thread cannot be started; nothing has been sent then.
pub fn run(mut request: RunRequest) -> anyhow::Result<Finished> {
    let mut first = first_worker(&request)?;
    let rum = start_rum(&mut first, request.rum.take())?;
    let workers = first.workers as usize;
    let (outbox, inbox) = sync_channel(workers * HANDOVERS_MAX);
    let (spares, spare_windows): (Vec<_>, Vec<_>) =
        (0..workers).map(|_| sync_channel(HANDOVERS_MAX)).unzip();
    let cpu_before = crate::own::cpu_time();
    let collector = start_collector(collector_of(&first, request), inbox, spares)?;
    let threads = start_workers(&first, &outbox, spare_windows)?;
    // The collector goes on until the last worker has let go of its outbox, and so does the thread of RUM events.
    drop(outbox);
    first.rum = None;
    let results = threads.into_iter().map(join).collect::<Vec<_>>();
    let (totals, health) = collector
        .join()
        .map_err(|_| anyhow!("the collector thread panicked"))?;
    results.into_iter().collect::<anyhow::Result<()>>()?;
    let elapsed = first.start.elapsed();
    let rum = rum.map(RumThread::join).transpose()?;
    let planned = first.schedule.as_ref().map(|schedule| schedule.duration());
    Ok(Finished {
        totals,
        health,
        elapsed,
        load: planned.map_or(elapsed, |planned| planned.min(elapsed)),
        cpu: crate::own::cpu_time() - cpu_before,
        rate_changes: rate_changes(&first.control.borrow(), first.start),
        phases: first.phases,
        rum,
    })
}

/// What the first worker gets; the others differ in their number and their share of the schedule.
fn first_worker(request: &RunRequest) -> anyhow::Result<WorkerSetup> {
    let plan = Plan::new(&request.scenario, &request.target).map_err(|e| anyhow!(e))?;
    let schedule = schedule_of(&request.scenario).map(Arc::new);
    Ok(WorkerSetup {
        number: 0,
        workers: request.workers.max(1),
        segment: request.segment,
        world: Arc::new(
            ScenarioData::new(request.scenario.clone(), OffsetDateTime::now_utc)
                .with_prepared(request.prepared.clone()),
        ),
        plan: Arc::new(plan),
        tick: tick_of(schedule.as_deref()),
        schedule,
        phases: Phases::of(&request.scenario),
        start: Instant::now() + GET_READY,
        control: request.control.clone(),
        rum: None,
    })
}

/// Starts the thread of RUM events, and opens the workers' way to it.
fn start_rum(
    first: &mut WorkerSetup,
    wanted: Option<RumRequest>,
) -> anyhow::Result<Option<RumThread>> {
    let Some(RumRequest { application, sink }) = wanted else {
        return Ok(None);
    };
    let until_start = first.start.saturating_duration_since(Instant::now());
    let epoch = OffsetDateTime::now_utc() + until_start;
    let epoch_ms = u64::try_from(epoch.unix_timestamp_nanos() / 1_000_000).unwrap_or(0);
    let scene = Scene::new(first.world.scenario(), application, epoch_ms);
    let (feed, thread) = crate::rum::thread::start(scene, sink, first.start)?;
    first.rum = Some(feed);
    Ok(Some(thread))
}

fn collector_of(first: &WorkerSetup, request: RunRequest) -> CollectorSetup {
    CollectorSetup {
        scenario: request.scenario,
        phases: first.phases.clone(),
        schedule: first.schedule.clone(),
        share: 1.0 / request.segment.of() as f64,
        workers: first.workers as usize,
        start: first.start,
        control: request.control,
        latest: request.latest,
        journal: request.journal,
    }
}

type Worker = JoinHandle<anyhow::Result<()>>;

fn start_workers(
    first: &WorkerSetup,
    outbox: &SyncSender<WorkerReport>,
    spares: Vec<Receiver<Window>>,
) -> anyhow::Result<Vec<Worker>> {
    let start = |(number, spares): (usize, Receiver<Window>)| {
        let part = Segment::new(number as u64, first.workers.into())
            .context("worker numbers are below their count")?;
        let setup = WorkerSetup {
            number,
            segment: first.segment.part(part),
            ..first.clone()
        };
        let windows = WindowSender::new(number, outbox.clone(), spares);
        Ok(start_worker(setup, windows)?)
    };
    spares.into_iter().enumerate().map(start).collect()
}

fn join(worker: Worker) -> anyhow::Result<()> {
    let ended = worker.join();
    ended.unwrap_or_else(|_| Err(anyhow!("a worker thread panicked")))
}

/// Changes of the rate as offsets since the run began.
fn rate_changes(control: &Control, start: Instant) -> Vec<(Duration, f64)> {
    let offset = |change: &RateChange| change.at.saturating_duration_since(start);
    let changes = control.rates().iter();
    changes
        .map(|change| (offset(change), change.factor))
        .collect()
}

/// The schedule of an open load.
pub fn schedule_of(scenario: &Scenario) -> Option<Schedule> {
    match &scenario.load {
        Load::Open { phases, spacing } => Some(Schedule::new(phases, *spacing, scenario.seed)),
        Load::Closed { .. } => None,
    }
}

fn tick_of(schedule: Option<&Schedule>) -> Duration {
    let duration = schedule.map_or(Duration::ZERO, Schedule::duration);
    let seconds = duration.as_secs().div_ceil(u64::from(TICKS_MAX));
    TICK.max(Duration::from_secs(seconds))
}

fn start_collector(
    setup: CollectorSetup,
    inbox: Receiver<WorkerReport>,
    spares: Vec<SyncSender<Window>>,
) -> std::io::Result<JoinHandle<(Totals, OwnHealth)>> {
    std::thread::Builder::new()
        .name("collector".to_owned())
        .spawn(move || collect(setup, &inbox, &spares))
}

fn start_worker(setup: WorkerSetup, windows: WindowSender) -> std::io::Result<Worker> {
    std::thread::Builder::new()
        .name(format!("worker-{}", setup.number))
        .spawn(move || {
            let http = &setup.world.scenario().http;
            let limits = &setup.world.scenario().limits;
            let tls = setup.plan.tls();
            let transport = HttpTransport::new(http, limits.connections_max, setup.workers, tls);
            on_own_runtime(setup, windows, transport)
        })
}

fn on_own_runtime<T: Transport>(
    setup: WorkerSetup,
    windows: WindowSender,
    transport: T,
) -> anyhow::Result<()> {
    let runtime = local_runtime()?;
    // As a task of its own: waking the root future of a runtime costs a system call each time, waking a task does not.
    let result = runtime.block_on(async {
        tokio::task::spawn_local(worker::work(setup, windows, transport)).await
    });
    // A lookup of a name cannot be cancelled; the run does not wait for one.
    runtime.shutdown_background();
    result?
}

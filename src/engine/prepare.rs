//! The requests that set the stage, sent once before the load: one shopper's steps, made, sent and judged as any others.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use time::OffsetDateTime;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::journey_run::JourneyRun;
use super::plan::Plan;
use super::timer::{GRAIN, Timer};
use super::worker_setup::WorkerSetup;
use super::worker_state::WorkerState;
use crate::control::Control;
use crate::measure::{Phases, Window};
use crate::scenario::{Scenario, StepId};
use crate::schedule::Segment;
use crate::shopper::{ScenarioData, Shopper};
use crate::template::{Slot, Value};
use crate::transport::Transport;
use crate::transport::http::HttpTransport;

/// Sends the scenario's `prepare` requests in order, and gives the variables that they have extracted: every shopper of the
/// load has them. Needs a local runtime around it.
///
/// # Errors
/// When one of them fails as a step would: the scene is not set, and a run would measure something else.
pub async fn prepare(scenario: &Arc<Scenario>, target: &str) -> anyhow::Result<Vec<(Slot, Value)>> {
    if scenario.prepare.is_empty() {
        return Ok(Vec::new());
    }
    let setup = setup(scenario, target)?;
    let connections_max = scenario.limits.connections_max;
    let transport = HttpTransport::new(&scenario.http, connections_max, 1, setup.plan.tls());
    let worker = Rc::new(WorkerState::new(&setup, transport, Timer::new(GRAIN)?));
    // Dropped, it ends its only task.
    let mut upkeep = JoinSet::new();
    upkeep.spawn_local(worker.http.transport.upkeep());
    let shopper = Shopper::before_the_load(&setup.world)?;
    let mut run = JourneyRun::begin(worker.clone(), shopper, Duration::ZERO);
    for id in &scenario.prepare {
        if !run.send_alone(*id).await {
            return Err(failure(&worker, target, *id));
        }
    }
    let extracted = |id: &StepId| &scenario.steps[usize::from(id.0)].extract;
    let slots = scenario.prepare.iter().flat_map(extracted);
    Ok(slots
        .map(|extract| (extract.slot, run.variable(extract.slot).clone()))
        .filter(|(_, value)| value.is_set())
        .collect())
}

fn setup(scenario: &Arc<Scenario>, target: &str) -> anyhow::Result<WorkerSetup> {
    Ok(WorkerSetup {
        number: 0,
        workers: 1,
        segment: Segment::WHOLE,
        world: Arc::new(ScenarioData::new(scenario.clone(), OffsetDateTime::now_utc)),
        plan: Arc::new(Plan::new(scenario, target).map_err(|e| anyhow!(e))?),
        schedule: None,
        phases: Phases::of(scenario),
        start: Instant::now(),
        tick: Duration::ZERO,
        // What stops a run drops this work.
        control: watch::channel(Control::default()).1,
        // Nobody's browser sets the stage.
        rum: None,
    })
}

/// Why a step failed, by its example.
fn failure<T: Transport>(worker: &WorkerState<T>, target: &str, id: StepId) -> anyhow::Error {
    let scenario = worker.world.scenario();
    let figure = scenario.steps[usize::from(id.0)].figure;
    let step = &scenario.figures[usize::from(figure.0)].name;
    let target = scenario.secrets.redactor.show_line(target);
    let window = worker.recorder.borrow_mut().take(Window::default());
    let example = window
        .examples
        .iter()
        .rfind(|example| example.figure == figure.0);
    let error = example.map_or("an error", |example| &example.ending);
    let answer = example
        .and_then(|example| example.exchange.as_ref()?.response.lines().next())
        .filter(|line| line.starts_with("HTTP/"))
        .map(|line| format!(" ({line})"))
        .unwrap_or_default();
    let why = example
        .and_then(|example| example.why.as_ref())
        .map(|why| format!(": {why}"))
        .unwrap_or_default();
    anyhow!(
        "preparing the run: {step} of {target} ended in `{error}`{answer}{why}; the load was not started"
    )
}

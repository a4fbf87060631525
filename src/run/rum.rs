//! The RUM events of a run: whether there are any, where they go, and what the record says of them.

use anyhow::Context;

use super::spec::RunSpec;
use crate::engine::RumRequest;
use crate::report::RumRecord;
use crate::rum::delivery::Sink;
use crate::rum::delivery::file::{FILE, FileSink};
use crate::rum::delivery::intake::IntakeSink;
use crate::rum::settings::{Destination, RumSpec};
use crate::rum::thread::RumOutcome;
use crate::rum::visitor::Application;
use crate::scenario::{Scenario, TraceStyle};

/// What is asked of the engine; nothing where no browser is under RUM.
pub(super) fn request(spec: &RunSpec) -> anyhow::Result<Option<RumRequest>> {
    let scenario = &*spec.scenario;
    let browser = &scenario.browser;
    let Some(rum) = spec.rum.as_ref().filter(|_| {
        scenario.trace_style() == TraceStyle::Rum
            && browser.rum_events
            && browser.session_sample > 0.0
    }) else {
        return Ok(None);
    };
    Ok(Some(RumRequest {
        application: application(rum, scenario),
        sink: sink(rum, spec)?,
    }))
}

fn application(rum: &RumSpec, scenario: &Scenario) -> Application {
    Application {
        id: rum.application_id,
        service: rum.service.clone(),
        env: rum.env.clone(),
        version: rum.version.clone(),
        session_sample_rate: scenario.browser.session_sample * 100.0,
        trace_sample_rate: scenario.browser.trace_sample * 100.0,
    }
}

fn sink(rum: &RumSpec, spec: &RunSpec) -> anyhow::Result<Box<dyn Sink>> {
    Ok(match &rum.destination {
        Destination::File => {
            let path = spec.folder.file(FILE);
            let file = FileSink::create(&path);
            Box::new(file.with_context(|| format!("cannot write {}", path.display()))?)
        }
        Destination::Intake(endpoint) => {
            Box::new(IntakeSink::start(endpoint.clone(), spec.scenario.seed)?)
        }
    })
}

/// What the record says.
pub(super) fn record(outcome: &RumOutcome) -> RumRecord {
    let RumOutcome {
        counts, delivered, ..
    } = outcome;
    RumRecord {
        place: delivered.place.as_str().into(),
        sessions: counts.sessions,
        sessions_skipped: outcome.sessions_skipped,
        views: counts.views,
        actions: counts.actions,
        resources: counts.resources,
        errors: counts.errors,
        long_tasks: counts.long_tasks,
        frustrations: counts.frustrations,
        events: delivered.events,
        dropped: delivered.dropped.clone(),
        retries: delivered.retries,
        records_lost: outcome.records_lost,
    }
}

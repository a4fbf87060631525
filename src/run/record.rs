//! The record of a run: what is known before it, and what came out.

use anyhow::anyhow;

use super::spec::RunSpec;
use super::target::RunTarget;
use crate::engine::Finished;
use crate::recording::reader::Recording;
use crate::recording::recorder::RecordingSummary;
use crate::report::folder::RunFolder;
use crate::report::{
    Environment, GeneratorRecord, Measured, RateChangeRecord, RunReport, SegmentRecord,
    WindowRecord,
};
use crate::scenario::{Measure, Scenario, Threshold};
use crate::verdict::telemetry::Recorded;
use crate::verdict::thresholds::WindowFigures;
use crate::verdict::{Evidence, cpu_share_max, judge};

/// What came out of the engine, and who cut it short.
pub(super) struct Load {
    pub(super) finished: Finished,
    pub(super) interrupted: Option<&'static str>,
}

/// The whole record, once the load is over.
pub(super) fn report(
    begun: RunReport,
    spec: &RunSpec,
    target: &RunTarget,
    load: &Load,
    recording: Option<RecordingSummary>,
) -> anyhow::Result<RunReport> {
    let Load {
        finished,
        interrupted,
    } = load;
    let scenario = &*spec.scenario;
    let workers = target.workers(spec);
    let windows = window_figures(scenario, &spec.folder).unwrap_or_else(|error| {
        tracing::error!("windows cannot be judged: {error:#}");
        Vec::new()
    });
    let recorded = telemetry_of(scenario, &spec.folder);
    let verdict = judge(&Evidence {
        scenario,
        phases: &finished.phases,
        totals: &finished.totals,
        health: &finished.health,
        cores: workers,
        elapsed: finished.load,
        interrupted: interrupted.is_some(),
        windows: &windows,
        recording: recorded.as_ref().map(|(source, load_started_s)| Recorded {
            source,
            load_started_s: *load_started_s,
        }),
    });
    let measured = Measured {
        scenario,
        phases: &finished.phases,
        totals: &finished.totals,
        load: finished.load,
    };
    let report = RunReport {
        elapsed_s: finished.elapsed.as_secs_f64(),
        load_s: finished.load.as_secs_f64(),
        interrupted: interrupted.map(str::to_owned),
        verdict,
        phases: measured.phases(),
        steps: measured.steps(),
        journeys: measured.journeys(),
        counters: measured.counters(),
        accounting: measured.accounting(),
        arrivals: finished.totals.arrivals.clone(),
        generator: GeneratorRecord {
            cpu_s: finished.cpu.as_secs_f64(),
            cpu_share_max: cpu_share_max(&finished.health, workers),
            memory_bytes_max: finished.health.memory_bytes_max,
            shop_memory_bytes_max: target.shop_memory_bytes_max,
            shoppers_max: finished.totals.shoppers_max,
            connections_max: finished.totals.connections_max,
            protocols: finished.totals.protocols.clone(),
        },
        rate_changes: finished
            .rate_changes
            .iter()
            .map(|(at, factor)| RateChangeRecord {
                at_s: at.as_secs_f64(),
                factor: *factor,
            })
            .collect(),
        funnels: measured.funnels(),
        recording,
        rum: finished.rum.as_ref().map(super::rum::record),
        ..begun
    };
    Ok(report.shown(&scenario.secrets.redactor)?)
}

/// What is known before the load starts.
pub(super) fn begun(
    spec: &RunSpec,
    target: &RunTarget,
    descriptors_max: u64,
) -> anyhow::Result<RunReport> {
    let redactor = &spec.scenario.secrets.redactor;
    let rfc3339 = &time::format_description::well_known::Rfc3339;
    let report = RunReport {
        command: spec.command.clone(),
        labels: spec.labels.clone(),
        started_at: spec.started.format(rfc3339)?,
        target: redactor.show_line(&target.url),
        notes: spec
            .scenario
            .remarks()
            .iter()
            .map(|note| redactor.show_line(note))
            .collect(),
        embedded_shop: target.is_embedded(),
        segment: SegmentRecord {
            index: spec.segment.index() + 1,
            of: spec.segment.of(),
        },
        workers: target.workers(spec),
        environment: Environment::read(descriptors_max),
        ..RunReport::begun(&spec.scenario)
    };
    Ok(report.shown(redactor)?)
}

/// The recording for thresholds on telemetry, and when the load began in UNIX seconds; opened only if there are such thresholds.
fn telemetry_of(scenario: &Scenario, folder: &RunFolder) -> Option<(Recording, f64)> {
    let asks = |threshold: &Threshold| matches!(threshold.measure, Measure::Telemetry(_));
    if !scenario.thresholds.iter().any(asks) {
        return None;
    }
    let open = || -> anyhow::Result<(Recording, f64)> {
        let recording = Recording::open(folder.path())?;
        let noted = recording.meta()?;
        let started_ms: f64 = noted
            .get("load_started_ms")
            .ok_or_else(|| anyhow!("it does not say when the load began"))?
            .parse()?;
        Ok((recording, started_ms / 1e3))
    };
    open()
        .inspect_err(|error| tracing::error!("thresholds on telemetry cannot be judged: {error:#}"))
        .ok()
}

/// Second-level figures for sliding thresholds; read only if there are such thresholds.
fn window_figures(scenario: &Scenario, folder: &RunFolder) -> anyhow::Result<Vec<WindowFigures>> {
    let sliding = |threshold: &Threshold| matches!(threshold.over, crate::scenario::Over::Every(_));
    if !scenario.thresholds.iter().any(sliding) {
        return Ok(Vec::new());
    }
    folder
        .windows()?
        .iter()
        .map(|record: &WindowRecord| record.figures().map_err(|e| anyhow!(e)))
        .collect()
}

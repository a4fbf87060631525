//! The record of a run: what is known before it, and what came out.

use anyhow::anyhow;

use super::flags::RunArgs;
use super::{Outcome, Place, workers};
use crate::redact::Shown;
use crate::redact::command::command;
use crate::report::folder::RunFolder;
use crate::report::{
    Environment, GeneratorRecord, Measured, RateChangeRecord, RunReport, SegmentRecord,
    WindowRecord,
};
use crate::scenario::{Scenario, Threshold};
use crate::verdict::thresholds::WindowFigures;
use crate::verdict::{Evidence, cpu_share_max, judge};

/// The whole record, once the load is over.
pub(super) fn report(
    begun: RunReport,
    args: &RunArgs,
    scenario: &Scenario,
    place: &Place,
    outcome: &Outcome,
    folder: &RunFolder,
) -> anyhow::Result<RunReport> {
    let Outcome {
        finished,
        interrupted,
    } = outcome;
    let workers = workers(args, place);
    let windows = window_figures(scenario, folder).unwrap_or_else(|error| {
        tracing::error!("windows cannot be judged: {error:#}");
        Vec::new()
    });
    let verdict = judge(&Evidence {
        scenario,
        phases: &finished.phases,
        totals: &finished.totals,
        health: &finished.health,
        cores: workers,
        elapsed: finished.load,
        interrupted: interrupted.is_some(),
        windows: &windows,
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
            shop_memory_bytes_max: place.shop_memory_bytes_max,
            shoppers_max: finished.totals.shoppers_max,
            connections_max: finished.totals.connections_max,
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
        ..begun
    };
    Ok(report.shown(&scenario.secrets.redactor)?)
}

/// What is known before the load starts.
pub(super) fn begun(
    args: &RunArgs,
    scenario: &Scenario,
    place: &Place,
    started: time::OffsetDateTime,
    descriptors_max: u64,
) -> anyhow::Result<RunReport> {
    let report = RunReport {
        command: command_line(scenario),
        started_at: started.format(&time::format_description::well_known::Rfc3339)?,
        target: scenario.secrets.redactor.show_line(&place.url),
        embedded_shop: place.embedded.is_some(),
        segment: SegmentRecord {
            index: args.segment.0,
            of: args.segment.1,
        },
        workers: workers(args, place),
        environment: Environment::read(descriptors_max),
        ..RunReport::begun(scenario)
    };
    Ok(report.shown(&scenario.secrets.redactor)?)
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

/// The command that repeats the run: what was typed, with the seed, without secrets.
fn command_line(scenario: &Scenario) -> Vec<Shown> {
    let mut typed: Vec<String> = std::env::args().skip(1).collect();
    let is_seed = |argument: &String| argument == "--seed" || argument.starts_with("--seed=");
    if !typed.iter().any(is_seed) {
        typed.extend(["--seed".to_owned(), scenario.seed.to_string()]);
    }
    let mut shown = command(typed, &scenario.secrets.redactor);
    shown.insert(0, Shown::from("loadgen"));
    shown
}

//! The record of a run: what is known before it, and what came out.

use anyhow::anyhow;

use super::flags::RunArgs;
use super::{Outcome, Place, workers};
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
) -> RunReport {
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
    RunReport {
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
    }
}

/// What is known before the load starts.
pub(super) fn begun(
    args: &RunArgs,
    scenario: &Scenario,
    place: &Place,
    started: time::OffsetDateTime,
    descriptors_max: u64,
) -> anyhow::Result<RunReport> {
    Ok(RunReport {
        command: command_line(scenario.seed),
        started_at: started.format(&time::format_description::well_known::Rfc3339)?,
        target: place.url.clone(),
        embedded_shop: place.embedded.is_some(),
        segment: SegmentRecord {
            index: args.segment.0,
            of: args.segment.1,
        },
        workers: workers(args, place),
        environment: Environment::read(descriptors_max),
        ..RunReport::begun(scenario)
    })
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

/// The command that repeats the run: what was typed, with the seed. Secrets are not repeated: the values of headers and
/// bodies, and of settings whose name speaks of one.
fn command_line(seed: u64) -> Vec<String> {
    let mut command = vec!["loadgen".to_owned()];
    command.extend(without_secrets(std::env::args().skip(1)));
    if !command
        .iter()
        .any(|argument| argument == "--seed" || argument.starts_with("--seed="))
    {
        command.extend(["--seed".to_owned(), seed.to_string()]);
    }
    command
}

fn without_secrets(arguments: impl Iterator<Item = String>) -> impl Iterator<Item = String> {
    let mut is_value = false;
    arguments.map(move |argument| {
        let hidden = std::mem::replace(&mut is_value, is_hidden(&argument));
        match argument.split_once('=') {
            _ if hidden => "…".to_owned(),
            Some((key, _)) if is_hidden(key) || speaks_of_a_secret(key) => format!("{key}=…"),
            _ => argument,
        }
    })
}

fn is_hidden(flag: &str) -> bool {
    matches!(flag, "--header" | "--body")
}

fn speaks_of_a_secret(key: &str) -> bool {
    let key = key.to_lowercase();
    ["password", "secret", "token", "key"]
        .iter()
        .any(|word| key.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recorded_command_holds_no_secret() {
        let typed = "run x --set variables.api_token=abc --set rate=5/s --header A:b --body=c --body d --seed 1";
        let kept: Vec<String> = without_secrets(typed.split(' ').map(str::to_owned)).collect();
        assert_eq!(
            kept.join(" "),
            "run x --set variables.api_token=… --set rate=5/s --header … --body=… --body … --seed 1"
        );
    }
}

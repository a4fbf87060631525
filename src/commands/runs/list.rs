//! `loadgen runs list`: one line a run folder.

use clap::Args;
use serde_json::{Value, json};

use super::{Place, size};
use crate::commands::{Format, Output, summary};
use crate::exit::Exit;
use crate::redact::Shown;
use crate::report::RunReport;
use crate::report::figures::Figures;
use crate::report::runs::{RunEntry, RunState};

/// List run folders, oldest first
#[derive(Debug, Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    place: Place,

    /// How the list is printed
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) fn run(args: &ListArgs, output: &mut Output<'_>) -> anyhow::Result<Exit> {
    let Some(entries) = args.place.entries(output)? else {
        return Ok(Exit::Usage);
    };
    match args.format {
        Format::Json => output.json(&entries.iter().map(entry_json).collect())?,
        Format::Text if entries.is_empty() => writeln!(
            output.err,
            "there are no run folders in '{}'; `loadgen run` makes them",
            args.place.out.display()
        )?,
        Format::Text => text(&entries, output)?,
    }
    Ok(Exit::Ok)
}

fn text(entries: &[RunEntry], output: &mut Output<'_>) -> anyhow::Result<()> {
    let names: Vec<String> = entries.iter().map(RunEntry::name).collect();
    let width = names.iter().map(|name| name.chars().count()).max();
    let width = width.unwrap_or(0).max(3);
    writeln!(
        output.out,
        "{:width$}  {:>9}  {:>9}  {:>8}  {:>9}  VERDICT",
        "RUN", "SIZE", "STEPS", "ERRORS", "P95"
    )?;
    for (name, entry) in names.iter().zip(entries) {
        let (figures, verdict) = match &entry.state {
            RunState::Going => (Row::default(), "going on".to_owned()),
            RunState::Unreadable(why) => (Row::default(), why.clone()),
            RunState::Over(report) => (Row::of(report), verdict(report)),
        };
        writeln!(
            output.out,
            "{:width$}  {:>9}  {:>9}  {:>8}  {:>9}  {}",
            Shown::from(name.as_str()).to_string(),
            size(entry.bytes),
            figures.steps,
            figures.errors,
            figures.p95,
            Shown::from(verdict)
        )?;
    }
    let all = |of: fn(&RunEntry) -> u64| size(entries.iter().map(of).sum());
    writeln!(
        output.err,
        "{}, {}, of which {} are data of embedded shops",
        summary::counted(entries.len(), "run"),
        all(|entry| entry.bytes),
        all(|entry| entry.shop_bytes)
    )?;
    Ok(())
}

/// The figures of a line; empty where there are none.
#[derive(Default)]
struct Row {
    steps: String,
    errors: String,
    p95: String,
}

impl Row {
    fn of(report: &RunReport) -> Self {
        let all = Figures::of(report).all;
        let steps = all.ok + all.outcomes + all.errors();
        Self {
            steps: steps.to_string(),
            errors: percent(all.errors(), steps),
            p95: all
                .response
                .quantile(0.95)
                .map_or_else(|| "-".to_owned(), crate::verdict::show_time),
        }
    }
}

/// A share for people; nothing of nothing is `-`.
pub(super) fn percent(part: u64, whole: u64) -> String {
    match whole {
        0 => "-".to_owned(),
        _ => format!("{:.2} %", part as f64 * 100.0 / whole as f64),
    }
}

/// How a run ended, in a few words, and what it is called.
pub(super) fn verdict(report: &RunReport) -> String {
    let verdict = &report.verdict;
    let failed = verdict.thresholds.iter().filter(|one| !one.met).count();
    let word = match (verdict.valid, &verdict.nothing_succeeded, failed) {
        (false, ..) => "INVALID".to_owned(),
        (true, Some(_), _) => crate::verdict::NOTHING_SUCCEEDED.to_owned(),
        (true, None, 0) => "VALID".to_owned(),
        (true, None, failed) => {
            format!("VALID, {} failed", summary::counted(failed, "threshold"))
        }
    };
    match report.labels.is_empty() {
        true => word,
        false => format!("{word} · {}", report.labels.line()),
    }
}

fn entry_json(entry: &RunEntry) -> Value {
    let mut value = json!({
        "path": Shown::from(entry.path.to_string_lossy().into_owned()),
        "bytes": entry.bytes,
        "shop_bytes": entry.shop_bytes,
        "going_on": matches!(entry.state, RunState::Going),
    });
    let more = match &entry.state {
        RunState::Going => json!({}),
        RunState::Unreadable(why) => json!({ "problem": Shown::from(why.as_str()) }),
        RunState::Over(report) => over_json(report),
    };
    if let (Some(fields), Value::Object(more)) = (value.as_object_mut(), more) {
        fields.extend(more);
    }
    value
}

fn over_json(report: &RunReport) -> Value {
    let all = Figures::of(report).all;
    let millis = |q| {
        all.response
            .quantile(q)
            .map(|time| time.as_secs_f64() * 1e3)
    };
    json!({
        "scenario": report.scenario.name,
        "started_at": report.started_at,
        "elapsed_s": report.elapsed_s,
        "labels": report.labels,
        "valid": report.verdict.valid,
        "passed": report.verdict.passed,
        "nothing_succeeded": report.verdict.nothing_succeeded.is_some(),
        "steps": all.ok + all.outcomes + all.errors(),
        "errors": all.errors(),
        "response_ms": { "p50": millis(0.5), "p95": millis(0.95), "p99": millis(0.99) },
    })
}

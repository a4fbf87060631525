//! `loadgen runs trend`: one figure, from run to run.

use std::time::Duration;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::Place;
use super::list::{percent, verdict};
use crate::commands::{Format, Output};
use crate::exit::Exit;
use crate::measure::StepStats;
use crate::redact::Shown;
use crate::report::figures::Figures;
use crate::report::runs::RunEntry;
use crate::report::table::ALL_STEPS;
use crate::report::{QUANTILES, RunReport};

/// Characters of the longest bar.
const BAR_COLUMNS: f64 = 24.0;

/// A quantile of response time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Figure {
    /// The median
    P50,
    /// Nine of ten are faster
    P90,
    /// 95 of a hundred are faster
    P95,
    /// 99 of a hundred are faster
    P99,
    /// 999 of a thousand are faster
    #[value(name = "p99.9")]
    P999,
    /// The slowest
    Max,
}

impl Figure {
    fn quantile(self) -> f64 {
        match self {
            Self::P50 => 0.5,
            Self::P90 => 0.9,
            Self::P95 => 0.95,
            Self::P99 => 0.99,
            Self::P999 => 0.999,
            Self::Max => 1.0,
        }
    }
}

/// Show how a figure went from run to run of one scenario
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  loadgen runs trend
  loadgen runs trend --scenario checkout-storm --figure p99 --step 'POST /api/orders' --last 10

Runs of other machines, of another scenario text, and runs that are not valid are marked: their figures do not compare. Two
single runs prove little; `loadgen compare` has intervals.")]
pub(super) struct TrendArgs {
    #[command(flatten)]
    place: Place,

    /// The scenario [default: that of the newest run]
    #[arg(long, value_name = "NAME")]
    scenario: Option<String>,

    /// Which quantile of response time
    #[arg(long, value_enum, default_value = "p95")]
    figure: Figure,

    /// Of which step; of all together if not given
    #[arg(long, value_name = "NAME")]
    step: Option<String>,

    /// Only the newest N runs
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..))]
    last: u32,

    /// How it is printed
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// One run of the trend.
struct Point<'e> {
    entry: &'e RunEntry,
    report: &'e RunReport,
    cell: StepStats,
    /// Why it does not compare with the newest.
    differs: Vec<&'static str>,
}

pub(super) fn run(args: &TrendArgs, output: &mut Output<'_>) -> anyhow::Result<Exit> {
    let Some(entries) = args.place.entries(output)? else {
        return Ok(Exit::Usage);
    };
    let over = entries
        .iter()
        .filter_map(|entry| Some((entry, entry.report()?)));
    let over: Vec<(&RunEntry, &RunReport)> = over.collect();
    let wanted = args
        .scenario
        .clone()
        .or_else(|| Some(over.last()?.1.scenario.name.clone()));
    let Some(wanted) = wanted else {
        return refuse(output, "there are no runs yet; `loadgen run` makes them");
    };
    let named = |(_, report): &&(&RunEntry, &RunReport)| report.scenario.name == wanted;
    let of_scenario: Vec<_> = over.iter().filter(named).copied().collect();
    if of_scenario.is_empty() {
        let known: std::collections::BTreeSet<&str> = over
            .iter()
            .map(|(_, report)| report.scenario.name.as_str())
            .collect();
        let known = known.into_iter().collect::<Vec<_>>().join(", ");
        return refuse(
            output,
            &format!("there is no run of scenario '{wanted}'; there are runs of: {known}"),
        );
    }
    let points = points(&of_scenario, args);
    if points.is_empty() {
        let step = args.step.as_deref().unwrap_or(ALL_STEPS);
        return refuse(output, &format!("no run of '{wanted}' has a step '{step}'"));
    }
    match args.format {
        Format::Text => text(args, &wanted, &points, output)?,
        Format::Json => output.json(&points.iter().map(point_json).collect())?,
    }
    Ok(Exit::Ok)
}

fn refuse(output: &mut Output<'_>, message: &str) -> anyhow::Result<Exit> {
    writeln!(output.err, "error: {}", Shown::from(message))?;
    Ok(Exit::Usage)
}

fn points<'e>(runs: &[(&'e RunEntry, &'e RunReport)], args: &TrendArgs) -> Vec<Point<'e>> {
    let newest = runs.last().map(|(_, report)| *report);
    let skipped = runs.len().saturating_sub(args.last as usize);
    let of = |(entry, report): &(&'e RunEntry, &'e RunReport)| {
        let figures = Figures::of(report);
        let cell = match &args.step {
            None => figures.all,
            Some(name) => {
                let mut steps = figures.steps.into_iter();
                steps.find(|row| row.step == *name)?.cell
            }
        };
        Some(Point {
            entry,
            report,
            cell,
            differs: newest.map_or_else(Vec::new, |newest| differences(report, newest)),
        })
    };
    runs[skipped..].iter().filter_map(of).collect()
}

fn differences(report: &RunReport, newest: &RunReport) -> Vec<&'static str> {
    let machine = |report: &RunReport| (report.environment.cpu.clone(), report.environment.cores);
    let found = [
        (
            report.scenario.hash != newest.scenario.hash,
            "other scenario text",
        ),
        (machine(report) != machine(newest), "other machine"),
        (
            report.target != newest.target && !report.embedded_shop,
            "other target",
        ),
        (report.segment != newest.segment, "other segment"),
    ];
    found
        .into_iter()
        .filter_map(|(differs, word)| differs.then_some(word))
        .collect()
}

fn text(
    args: &TrendArgs,
    scenario: &str,
    points: &[Point<'_>],
    output: &mut Output<'_>,
) -> anyhow::Result<()> {
    let at = |point: &Point<'_>| point.cell.response.quantile(args.figure.quantile());
    let highest = points.iter().filter_map(at).max().unwrap_or(Duration::ZERO);
    let name = args.figure.to_possible_value();
    let name = name.as_ref().map_or("", |value| value.get_name());
    let step = args.step.as_deref().unwrap_or(ALL_STEPS);
    writeln!(
        output.out,
        "{} of {}, {}",
        name,
        Shown::from(step),
        Shown::from(scenario)
    )?;
    let names = points
        .iter()
        .map(|point| point.entry.name().chars().count());
    let width = names.max().unwrap_or(0);
    for point in points {
        let time = at(point);
        let shown = time.map_or_else(|| "-".to_owned(), crate::verdict::show_time);
        let cell = &point.cell;
        let steps = cell.ok + cell.outcomes + cell.errors();
        let mut words = vec![verdict(point.report)];
        words.extend(point.differs.iter().map(|word| (*word).to_owned()));
        let line = format!(
            "{:width$}  {shown:>9}  {:24}  {:>8} errors  {}",
            point.entry.name(),
            bar(time.unwrap_or_default(), highest),
            percent(cell.errors(), steps),
            words.join(", ")
        );
        writeln!(output.out, "{}", Shown::from(line))?;
    }
    Ok(())
}

/// A bar of eighths of characters.
fn bar(time: Duration, highest: Duration) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    if highest.is_zero() {
        return String::new();
    }
    let eighths = time.as_secs_f64() / highest.as_secs_f64() * BAR_COLUMNS * 8.0;
    let eighths = eighths.round() as usize;
    "█".repeat(eighths / 8) + EIGHTHS[eighths % 8]
}

fn point_json(point: &Point<'_>) -> Value {
    let cell = &point.cell;
    let quantiles: serde_json::Map<String, Value> = QUANTILES
        .into_iter()
        .map(|(name, q)| {
            let time = cell.response.quantile(q);
            let millis = time.map(|time| time.as_secs_f64() * 1e3);
            (name.to_owned(), json!(millis))
        })
        .collect();
    json!({
        "run": Shown::from(point.entry.name()),
        "started_at": point.report.started_at,
        "labels": point.report.labels,
        "valid": point.report.verdict.valid,
        "steps": cell.ok + cell.outcomes + cell.errors(),
        "errors": cell.errors(),
        "response_ms": quantiles,
        "differs": point.differs,
    })
}

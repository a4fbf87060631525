//! `loadgen list`: the scenarios that can be called by name.

use std::io;

use clap::Args;
use serde_json::json;

use super::{Format, Output, summary};
use crate::exit::Exit;
use crate::redact::Shown;
use crate::scenario::{Changes, Scenario, ScenarioRef, all, load};

/// List the scenarios that can be called by name
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  loadgen list
  loadgen list --format json

Scenarios are built in, or files in the folder ./scenarios; a file goes before a built-in one of the same name.")]
pub struct ListArgs {
    /// How the list is printed
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// One line of the list.
struct Row {
    name: String,
    origin: String,
    scenario: Result<Scenario, usize>,
}

/// Prints the list.
///
/// # Errors
/// A stream that cannot be written.
pub fn run(args: &ListArgs, output: &mut Output<'_>) -> io::Result<Exit> {
    let rows: Vec<Row> = all().iter().map(row).collect();
    match args.format {
        Format::Text => text(&rows, output)?,
        Format::Json => output.json(&rows.iter().map(row_json).collect())?,
    }
    Ok(Exit::Ok)
}

fn row(origin: &ScenarioRef) -> Row {
    let scenario = load(origin, &Changes::default()).map_err(|problems| problems.len());
    Row {
        name: origin.name(),
        origin: origin.origin(),
        scenario,
    }
}

fn text(rows: &[Row], output: &mut Output<'_>) -> io::Result<()> {
    let width = rows
        .iter()
        .map(|row| row.name.len())
        .max()
        .unwrap_or(0)
        .max(4);
    writeln!(
        output.out,
        "{:width$}  {:>9}  {:>9}  WHAT IT IS FOR",
        "NAME", "LASTS", "PEAK"
    )?;
    for row in rows {
        match &row.scenario {
            Ok(scenario) => {
                let (lasts, peak) = (summary::lasts(scenario), summary::peak(scenario));
                let about = Shown::from(summary::first_sentence(&scenario.about));
                writeln!(
                    output.out,
                    "{:width$}  {lasts:>9}  {peak:>9}  {about}",
                    row.name
                )?;
            }
            Err(count) => {
                let problems = if *count == 1 { "problem" } else { "problems" };
                let hint = format!("{count} {problems}; see `loadgen check {}`", row.name);
                writeln!(
                    output.out,
                    "{:width$}  {:>9}  {:>9}  {hint}",
                    row.name, "-", "-"
                )?;
            }
        }
    }
    Ok(())
}

fn row_json(row: &Row) -> serde_json::Value {
    match &row.scenario {
        Ok(scenario) => json!({
            "name": row.name,
            "origin": row.origin,
            "about": scenario.about,
            "duration_s": summary::duration(scenario).map(|duration| duration.as_secs_f64()),
            "peak_rate_per_s": summary::peak_rate(scenario),
        }),
        Err(count) => json!({ "name": row.name, "origin": row.origin, "problems": count }),
    }
}

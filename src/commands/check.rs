//! `loadgen check`: every mistake of scenario files, without running them.

use std::io;

use checked_yaml::Problems;
use clap::Args;
use serde_json::json;

use super::change_args::ChangeArgs;
use super::summary;
use super::{Format, Output};
use crate::exit::Exit;
use crate::scenario::{Changes, Scenario, ScenarioRef, load};

/// Check scenario files
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  loadgen check scenarios/*.yaml
  loadgen check my-storm.yaml --set load.phases.spike.rate=500/s
  loadgen check my-storm.yaml --format json

Exit code 0 if all are right, 2 if any is not.")]
pub struct CheckArgs {
    /// Paths of scenario files, or names of scenarios
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<String>,

    /// How the result is printed
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,

    /// Changes to apply before checking.
    #[command(flatten)]
    pub changes: ChangeArgs,
}

/// Checks each file.
///
/// # Errors
/// A stream that cannot be written.
pub fn run(args: &CheckArgs, output: &mut Output<'_>) -> io::Result<Exit> {
    let changes = args.changes.changes();
    let results: Vec<_> = args
        .files
        .iter()
        .map(|name| (name, check(name, &changes)))
        .collect();
    let failed = results.iter().any(|(_, result)| result.is_err());
    match args.format {
        Format::Text => text(&results, output)?,
        Format::Json => {
            let files: Vec<_> = results
                .iter()
                .map(|(name, result)| one_json(name, result))
                .collect();
            output.json(&json!(files))?;
        }
    }
    Ok(if failed { Exit::Usage } else { Exit::Ok })
}

type Checked = Result<Scenario, Problems>;

fn check(name: &str, changes: &Changes) -> Checked {
    load(&ScenarioRef::find(name)?, changes)
}

fn text(results: &[(&String, Checked)], output: &mut Output<'_>) -> io::Result<()> {
    for (name, result) in results {
        match result {
            Ok(scenario) => {
                writeln!(output.out, "{name}: ok: {}", summary::one_line(scenario))?;
                for note in scenario.unknown_metrics() {
                    writeln!(output.err, "{name}: note: {note}")?;
                }
            }
            Err(problems) => {
                output.problems(problems, Format::Text)?;
            }
        }
    }
    Ok(())
}

fn one_json(name: &str, result: &Checked) -> serde_json::Value {
    match result {
        Ok(scenario) => {
            let notes = scenario.unknown_metrics();
            json!({ "file": name, "ok": true, "name": scenario.name, "problems": [], "notes": notes })
        }
        Err(problems) => json!({ "file": name, "ok": false, "problems": problems.to_json() }),
    }
}

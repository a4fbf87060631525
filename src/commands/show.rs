//! `loadgen show`: a scenario's text, or what it amounts to.

use std::io;

use clap::Args;

use super::change_args::ChangeArgs;
use super::{Format, Output, summary};
use crate::exit::Exit;
use crate::scenario::{ScenarioRef, load};

/// Show a scenario's text, ready to be copied and changed
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  loadgen show checkout-storm
  loadgen show checkout-storm > scenarios/my-storm.yaml
  loadgen show checkout-storm --format json

With `--format json`: phases, personas, journeys with their steps, counters and thresholds after all changes.")]
pub struct ShowArgs {
    /// Name of a scenario, or path of a file
    pub name: String,

    /// The file's text, or what it amounts to
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,

    /// Changes that show in the JSON form.
    #[command(flatten)]
    pub changes: ChangeArgs,
}

/// Prints the scenario.
///
/// # Errors
/// A stream that cannot be written.
pub fn run(args: &ShowArgs, output: &mut Output<'_>) -> io::Result<Exit> {
    let origin = match ScenarioRef::find(&args.name) {
        Ok(origin) => origin,
        Err(problems) => return output.problems(&problems, args.format),
    };
    match args.format {
        Format::Text => match origin.text() {
            Ok(text) => write!(output.out, "{text}")?,
            Err(problems) => return output.problems(&problems, args.format),
        },
        Format::Json => match load(&origin, &args.changes.changes()) {
            Ok(scenario) => output.json(&summary::json(&scenario))?,
            Err(problems) => return output.problems(&problems, args.format),
        },
    }
    Ok(Exit::Ok)
}

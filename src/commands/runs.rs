//! `loadgen runs`: the run folders there are, how figures went from run to run, and which folders may go.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Output;
use crate::exit::Exit;
use crate::redact::Shown;
use crate::report::runs::{RunEntry, runs};

mod list;
mod prune;
mod trend;

/// List run folders, remove old ones, or show how a figure went from run to run
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  loadgen runs list
  loadgen runs trend --scenario checkout-storm --figure p99
  loadgen runs prune --keep 20 --older-than 30d
  loadgen runs prune --shop-data --dry-run")]
pub struct RunsArgs {
    #[command(subcommand)]
    command: RunsCommand,
}

#[derive(Debug, Subcommand)]
enum RunsCommand {
    List(list::ListArgs),
    Prune(prune::PruneArgs),
    Trend(trend::TrendArgs),
}

/// Which folder the run folders are in.
#[derive(Debug, Args)]
struct Place {
    /// Where run folders are
    #[arg(long, value_name = "DIR", default_value = "runs")]
    out: PathBuf,
}

/// Does what was asked.
///
/// # Errors
/// When a stream cannot be written.
pub fn run(args: &RunsArgs, output: &mut Output<'_>) -> anyhow::Result<Exit> {
    match &args.command {
        RunsCommand::List(args) => list::run(args, output),
        RunsCommand::Prune(args) => prune::run(args, output),
        RunsCommand::Trend(args) => trend::run(args, output),
    }
}

impl Place {
    /// The run folders, oldest first; without a folder there are none.
    fn entries(&self, output: &mut Output<'_>) -> anyhow::Result<Option<Vec<RunEntry>>> {
        match runs(&self.out) {
            Ok(entries) => Ok(Some(entries)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Some(Vec::new())),
            Err(error) => {
                let message = format!(
                    "cannot read '{}': {error}; name the folder that run folders are in with --out DIR",
                    self.out.display()
                );
                writeln!(output.err, "error: {}", Shown::from(message))?;
                Ok(None)
            }
        }
    }
}

/// Bytes for people: `16.2 MB`.
fn size(bytes: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    match UNITS.iter().find(|(unit, _)| bytes >= *unit) {
        Some((unit, name)) => format!("{:.1} {name}", bytes as f64 / *unit as f64),
        None => format!("{bytes} B"),
    }
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn a_size_has_the_largest_unit_that_fits() {
        let sizes = [0, 999, 1_000, 16_240_000, 2_500_000_000].map(size);
        assert_eq!(sizes, ["0 B", "999 B", "1.0 kB", "16.2 MB", "2.5 GB"]);
    }
}

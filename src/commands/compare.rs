//! `loadgen compare`: two runs side by side, and what that cannot prove.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Output;
use crate::exit::Exit;
use crate::redact::Shown;
use crate::report::compare::{Comparison, compare};
use crate::report::read::read;

/// How a comparison is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum ComparisonFormat {
    /// For people.
    #[default]
    Text,
    /// For pull requests.
    Markdown,
    /// For programs.
    Json,
}

/// Show two runs side by side, with differences and what they cannot prove
#[derive(Debug, Args)]
#[command(after_help = "Example:
  loadgen compare runs/20260101-120000-checkout-storm runs/20260102-120000-checkout-storm

Differences are B against A. Intervals are at 95 %: the Hodges-Lehmann estimate over blocks of ten seconds with its exact
signed-rank interval. The exit code says whether the runs could be compared, never which is better.")]
pub struct CompareArgs {
    /// Run folder A
    #[arg(value_name = "A")]
    a: PathBuf,

    /// Run folder B
    #[arg(value_name = "B")]
    b: PathBuf,

    /// How the comparison is printed
    #[arg(long, value_enum, default_value_t)]
    format: ComparisonFormat,
}

/// Prints the comparison.
///
/// # Errors
/// When a stream cannot be written.
pub fn run(args: &CompareArgs, output: &mut Output<'_>) -> anyhow::Result<Exit> {
    let (a, b) = match (read(&args.a), read(&args.b)) {
        (Ok(a), Ok(b)) => (a, b),
        (a, b) => {
            for error in [a.err(), b.err()].into_iter().flatten() {
                writeln!(output.err, "error: {}", Shown::from(error.to_string()))?;
            }
            return Ok(Exit::Usage);
        }
    };
    let comparison: Comparison = match compare(&a, &b) {
        Ok(comparison) => comparison,
        Err(error) => {
            writeln!(output.err, "error: {}", Shown::from(error.to_string()))?;
            return Ok(Exit::Usage);
        }
    };
    match args.format {
        ComparisonFormat::Text => write!(output.out, "{}", comparison.text())?,
        ComparisonFormat::Markdown => write!(output.out, "{}", comparison.markdown())?,
        ComparisonFormat::Json => output.json(&serde_json::to_value(&comparison)?)?,
    }
    Ok(Exit::Ok)
}

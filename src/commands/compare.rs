//! `loadgen compare`: two runs side by side, and what that cannot prove.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Output;
use crate::exit::Exit;
use crate::redact::Shown;
use crate::report::compare::{Comparison, Limit, compare};
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
#[command(after_help = "Examples:
  loadgen compare runs/20260101-120000-checkout-storm runs/20260102-120000-checkout-storm
  loadgen compare A B --threshold 'p95 < 10 %' --threshold 'p99 of every step < 20 ms' --threshold 'errors < 0.5 %'

Differences are B against A, and what moved stands first. Intervals are at 95 %: the Hodges-Lehmann estimate over blocks of ten
seconds with its exact signed-rank interval. Without --threshold the exit code says whether the runs could be compared, never
which is better. Exit codes: 0 all thresholds met · 2 the runs cannot be compared · 3 a threshold failed · 4 one of the runs is
invalid · 5 nothing succeeded in one of them")]
pub struct CompareArgs {
    /// Run folder A
    #[arg(value_name = "A")]
    a: PathBuf,

    /// Run folder B
    #[arg(value_name = "B")]
    b: PathBuf,

    /// What B may be above A for exit code 0: FIGURE [of STEP | of every step] < SHARE or TIME; may be repeated
    #[arg(long = "threshold", value_name = "CONDITION")]
    thresholds: Vec<Limit>,

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
    let compared = compare(&a, &b).map_err(|error| error.to_string());
    let compared = compared.and_then(|comparison| comparison.limited(&args.thresholds));
    let comparison: Comparison = match compared {
        Ok(comparison) => comparison,
        Err(error) => {
            writeln!(output.err, "error: {}", Shown::from(error))?;
            return Ok(Exit::Usage);
        }
    };
    match args.format {
        ComparisonFormat::Text => write!(output.out, "{}", comparison.text())?,
        ComparisonFormat::Markdown => write!(output.out, "{}", comparison.markdown())?,
        ComparisonFormat::Json => output.json(&serde_json::to_value(&comparison)?)?,
    }
    if args.thresholds.is_empty() {
        return Ok(Exit::Ok);
    }
    let verdicts = [&a.report.verdict, &b.report.verdict];
    Ok(match comparison.limits.iter().all(|limit| limit.met) {
        _ if !verdicts.iter().all(|verdict| verdict.valid) => Exit::Invalid,
        _ if verdicts
            .iter()
            .any(|verdict| verdict.nothing_succeeded.is_some()) =>
        {
            Exit::NothingSucceeded
        }
        true => Exit::Ok,
        false => Exit::ThresholdsFailed,
    })
}

//! `loadgen runs prune`: removes run folders, or the data of embedded shops in them.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use clap::{ArgGroup, Args};

use super::{Place, size};
use crate::commands::{Output, summary};
use crate::exit::Exit;
use crate::redact::Shown;
use crate::report::runs::{RunEntry, RunState};
use crate::scenario::parse_duration;

/// Remove old run folders, or the data of embedded shops in them
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("which").required(true).multiple(true)))]
#[command(after_help = "Examples:
  loadgen runs prune --keep 20                   all but the newest twenty
  loadgen runs prune --older-than 30d            all that are older than thirty days
  loadgen runs prune --keep 20 --older-than 30d  those that are both
  loadgen runs prune --shop-data                 only the data of embedded shops, of all runs

A run that is going on is left alone, and so are folders in which there is no run.")]
pub(super) struct PruneArgs {
    #[command(flatten)]
    place: Place,

    /// Keep the newest N runs
    #[arg(long, value_name = "N", group = "which")]
    keep: Option<usize>,

    /// Keep runs that were written since, such as 30d or 12h
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, group = "which")]
    older_than: Option<Duration>,

    /// Remove only the data of embedded shops; the runs stay, but cannot be audited any more
    #[arg(long, group = "which")]
    shop_data: bool,

    /// Only say what would be removed
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(args: &PruneArgs, output: &mut Output<'_>) -> anyhow::Result<Exit> {
    let Some(entries) = args.place.entries(output)? else {
        return Ok(Exit::Usage);
    };
    let (mut removed, mut bytes, mut exit) = (0, 0, Exit::Ok);
    for (path, size) in chosen(args, &entries) {
        let done = match args.dry_run {
            true => Ok(()),
            false => std::fs::remove_dir_all(&path),
        };
        let shown = Shown::from(path.to_string_lossy().into_owned());
        match done {
            Ok(()) => {
                (removed, bytes) = (removed + 1, bytes + size);
                writeln!(output.out, "{shown}")?;
            }
            Err(error) => {
                exit = Exit::Failed;
                writeln!(output.err, "error: cannot remove '{shown}': {error}")?;
            }
        }
    }
    let verb = if args.dry_run {
        "would remove"
    } else {
        "removed"
    };
    writeln!(
        output.err,
        "{verb} {}, {}",
        summary::counted(removed, "folder"),
        size(bytes)
    )?;
    Ok(exit)
}

/// The folders that are to go, with their sizes.
fn chosen(args: &PruneArgs, entries: &[RunEntry]) -> Vec<(PathBuf, u64)> {
    let older = entries.len().saturating_sub(args.keep.unwrap_or(0));
    let is_old = |entry: &RunEntry| {
        let age = SystemTime::now().duration_since(entry.modified);
        let age = age.unwrap_or_default();
        args.older_than.is_none_or(|wanted| age > wanted)
    };
    entries[..older]
        .iter()
        .filter(|entry| !matches!(entry.state, RunState::Going) && is_old(entry))
        .filter_map(|entry| match args.shop_data {
            true => Some((entry.shop_data()?, entry.shop_bytes)),
            false => Some((Path::to_owned(&entry.path), entry.bytes)),
        })
        .collect()
}

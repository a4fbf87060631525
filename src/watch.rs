//! `loadgen watch`: the live view of a run that is going on elsewhere, or of one that is over.

use std::path::PathBuf;

use anyhow::bail;
use clap::Args;

use crate::exit::Exit;
use crate::tui::{self, Show, keys::Mode};

mod elsewhere;
mod replay;

use elsewhere::Elsewhere;
use replay::Replay;

/// Watch a run that is going on in another terminal, or replay one that is over
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  loadgen watch runs/20260101-120000-checkout-storm
  loadgen watch --speed 8 runs/20260101-120000-checkout-storm")]
pub struct WatchArgs {
    /// The run folder
    #[arg(value_name = "RUN")]
    folder: PathBuf,

    /// How fast a run that is over is replayed; < and > change it
    #[arg(long, value_name = "TIMES", default_value = "1", value_parser = parse_speed)]
    speed: f64,
}

fn parse_speed(text: &str) -> Result<f64, String> {
    let speed = text
        .parse()
        .ok()
        .filter(|speed| (0.25..=64.0).contains(speed));
    speed.ok_or_else(|| "give a number from 0.25 to 64".to_owned())
}

/// Shows the run until the person leaves.
///
/// # Errors
/// When there is no such run, it cannot be read, or there is no terminal.
pub fn run(args: &WatchArgs) -> anyhow::Result<Exit> {
    if !tui::is_possible() {
        bail!(
            "`loadgen watch` needs a terminal on standard input and standard error; `loadgen report` reads a run without one"
        );
    }
    let show = if args.folder.join("run.json").exists() {
        let (replay, subject) = Replay::of(&args.folder, args.speed)?;
        Show {
            subject,
            source: Box::new(replay),
            mode: Mode::Replay,
            open_load: false,
            speed: args.speed,
        }
    } else {
        let (elsewhere, subject) = Elsewhere::of(&args.folder)?;
        Show {
            subject,
            source: Box::new(elsewhere),
            mode: Mode::Watch,
            open_load: false,
            speed: args.speed,
        }
    };
    tui::show(show)?;
    Ok(Exit::Ok)
}

//! The progress line of a run: for people on a terminal, for logs, and for machines.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write};
use std::time::Duration;

use clap::ValueEnum;
use serde_json::json;

use crate::measure::snapshot::{HistogramSummary, Snapshot};
use crate::verdict::show_time;

/// Seconds between lines where nobody watches.
const PLAIN_EVERY: u64 = 5;

/// How progress is shown on standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ProgressMode {
    /// One line that is written over on a terminal, else a line every five seconds
    Auto,
    /// A line every five seconds
    Plain,
    /// A JSON object a line, every second
    Json,
    /// Nothing
    None,
}

/// Writes progress.
pub(super) struct Progress {
    mode: ProgressMode,
    over: bool,
    written: Option<u64>,
}

impl Progress {
    /// Progress in the given mode.
    pub(super) fn new(mode: ProgressMode) -> Self {
        let over = mode == ProgressMode::Auto && std::io::stderr().is_terminal();
        Self {
            mode,
            over,
            written: None,
        }
    }

    /// Whether nothing special was asked for.
    pub(super) fn is_auto(&self) -> bool {
        self.mode == ProgressMode::Auto
    }

    /// Shows a snapshot if there is something new to show.
    pub(super) fn show(&mut self, snapshot: &Snapshot) {
        let second = snapshot.elapsed.as_secs();
        let every = if self.over || self.mode == ProgressMode::Json {
            1
        } else {
            PLAIN_EVERY
        };
        let due = self.written.is_none_or(|written| second >= written + every);
        if self.mode == ProgressMode::None || snapshot.elapsed.is_zero() || !due {
            return;
        }
        self.written = Some(second);
        let line = if self.mode == ProgressMode::Json {
            json_line(snapshot)
        } else {
            line(snapshot)
        };
        let (before, after) = if self.over {
            ("\r\x1b[2K", "")
        } else {
            ("", "\n")
        };
        // Nobody to show it to is no reason to stop a run.
        let _ = write!(std::io::stderr(), "{before}{line}{after}");
    }

    /// Leaves the terminal as it was.
    pub(super) fn clear(&self) {
        if self.over {
            let _ = write!(std::io::stderr(), "\r\x1b[2K");
        }
    }
}

fn line(snapshot: &Snapshot) -> String {
    let Some(tick) = snapshot.history.back() else {
        return String::new();
    };
    let mut line = format!(
        "{} {:<9} {:>6.1}/s of {:>6.1}/s planned",
        clock(snapshot.elapsed),
        snapshot.phase,
        tick.rate_achieved,
        tick.rate_planned
    );
    let _ = write!(
        line,
        "  p50 {:>8}  p99 {:>8}",
        at(&tick.all.response, 0),
        at(&tick.all.response, 2)
    );
    let _ = write!(
        line,
        "  {} errors  {} shoppers",
        snapshot.all.errors, tick.shoppers
    );
    match snapshot.planned {
        Some(planned) if planned > snapshot.elapsed => {
            let _ = write!(line, "  {} left", clock(planned - snapshot.elapsed));
        }
        Some(_) => line.push_str("  waiting for the last shoppers"),
        None => {}
    }
    line
}

fn json_line(snapshot: &Snapshot) -> String {
    let tick = snapshot.history.back();
    let millis = |shape: &HistogramSummary, index| {
        shape.quantile(index).map(|time| time.as_secs_f64() * 1e3)
    };
    let (p50, p99) = tick.map_or((None, None), |t| {
        (millis(&t.all.response, 0), millis(&t.all.response, 2))
    });
    json!({
        "elapsed_s": snapshot.elapsed.as_secs_f64(),
        "planned_s": snapshot.planned.map(|planned| planned.as_secs_f64()),
        "phase": snapshot.phase,
        "rate_planned": tick.map(|tick| tick.rate_planned),
        "rate_achieved": tick.map(|tick| tick.rate_achieved),
        "p50_ms": p50,
        "p99_ms": p99,
        "steps": snapshot.all.finished,
        "errors": snapshot.all.errors,
        "shoppers": tick.map(|tick| tick.shoppers),
        "connections": tick.map(|tick| tick.connections),
        "start_lag_p99_ms": millis(&snapshot.start_lag, 2),
    })
    .to_string()
}

fn at(shape: &HistogramSummary, index: usize) -> String {
    shape
        .quantile(index)
        .map_or_else(|| "–".to_owned(), show_time)
}

fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds / 3600 {
        0 => format!("{:02}:{:02}", seconds / 60, seconds % 60),
        hours => format!("{hours}:{:02}:{:02}", seconds / 60 % 60, seconds % 60),
    }
}

//! `loadgen logs`: the log lines of a run, those of one trace first of all.
//!
//! The embedded shop's lines stand in `shop.log` of the run folder; what other systems sent stands in the recording.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use serde_json::{Value, json};

use super::Output;
use super::traces::{closed_pipe_is_fine, refused, time_of_day};
use crate::exit::Exit;
use crate::recording::reader::{LogRow, Recording};
use crate::recording::shop_log;
use crate::recording::signal::{LogLine, TraceId};
use crate::redact::{Shown, plain};
use crate::report::read::folder_of;

/// Levels by rising weight.
const LEVELS: [&str; 6] = ["trace", "debug", "info", "warn", "error", "fatal"];

/// Show a run's log lines, such as those of one trace
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  loadgen logs latest --level warn
  loadgen logs latest --trace 4f0c31
  loadgen logs latest --service rum-shop-payment --contains declined")]
pub struct LogsArgs {
    /// Run folder, `latest`, or how the name of one below runs/ begins
    #[arg(value_name = "RUN")]
    run: PathBuf,

    /// Only lines of this trace: its id, or how the id of a recorded one begins
    #[arg(long, value_name = "ID")]
    trace: Option<String>,

    /// Only lines of this service
    #[arg(long, value_name = "NAME")]
    service: Option<String>,

    /// Only lines of this level and graver ones
    #[arg(long, value_name = "LEVEL", value_parser = clap::builder::PossibleValuesParser::new(LEVELS))]
    level: Option<String>,

    /// Only lines whose message or attributes contain this
    #[arg(long, value_name = "TEXT")]
    contains: Option<String>,

    /// So many at most, the first ones
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    limit: usize,

    /// As JSON, an object a line
    #[arg(long)]
    json: bool,
}

/// Shows the lines.
///
/// # Errors
/// When a stream cannot be written.
pub fn run(args: &LogsArgs, output: &mut Output<'_>) -> anyhow::Result<Exit> {
    let found = folder_of(&args.run)
        .map_err(anyhow::Error::from)
        .and_then(|folder| found(args, &folder));
    let lines = match found {
        Ok(lines) => lines,
        Err(error) => return refused(output, &format!("{error:#}")),
    };
    let mut text = String::new();
    for line in &lines {
        text += &if args.json {
            object(line)
        } else {
            plain_line(line)
        };
    }
    closed_pipe_is_fine(output.out.write_all(text.as_bytes()))?;
    if lines.is_empty() {
        writeln!(output.err, "no such line")?;
    } else if lines.len() == args.limit {
        writeln!(
            output.err,
            "these are the first {}; --limit N shows more",
            args.limit
        )?;
    }
    Ok(Exit::Ok)
}

/// The lines that are asked for, by rising time.
fn found(args: &LogsArgs, folder: &Path) -> anyhow::Result<Vec<LogRow>> {
    let recording = Recording::open(folder);
    let trace = match (&args.trace, &recording) {
        (None, _) => None,
        (Some(id), recording) => Some(trace_id(id, recording.as_ref().ok())?),
    };
    let log = folder.join(shop_log::FILE);
    let wanted = |line: &LogRow| is_wanted(args, trace, line);
    let mut lines: Vec<LogRow> = match shop_log::lines(&log) {
        // All lines are there, those that the recording has as well.
        Ok(lines) => lines
            .filter_map(|text| shop_log::parse(&text))
            .map(shown)
            .filter(|line| wanted(line))
            .take(args.limit)
            .collect(),
        Err(_) => Vec::new(),
    };
    match recording {
        Ok(recording) if !log.exists() => {
            lines.extend(recording.logs()?.into_iter().filter(|line| wanted(line)));
        }
        Ok(_) => {}
        Err(error) if !log.exists() => return Err(error),
        Err(_) => {}
    }
    lines.sort_by_key(|line| line.at_ms);
    lines.truncate(args.limit);
    Ok(lines)
}

/// The trace of an id: one that was recorded, or all digits of any other.
fn trace_id(id: &str, recording: Option<&Recording>) -> anyhow::Result<TraceId> {
    let kept = recording.map(|recording| recording.trace(id));
    if let Some(Ok(trace)) = kept {
        return Ok(trace.id);
    }
    let whole = match id.len() {
        16 | 32 => u128::from_str_radix(id, 16).ok(),
        _ => id.parse::<u64>().ok().map(u128::from),
    };
    let whole = whole.map(u128::to_be_bytes).with_context(|| {
        format!("no recorded trace begins with '{id}'; of one that was not kept, write all 16 or 32 digits")
    });
    match (whole, kept) {
        (Err(error), Some(Err(other))) => Err(other.context(error)),
        (whole, _) => whole,
    }
}

fn shown(line: LogLine) -> LogRow {
    LogRow {
        at_ms: line.at_ms,
        level: line.level.to_owned(),
        service: line.service,
        message: line.message,
        trace: line.trace,
        span: line.span,
        attributes: line.attributes,
    }
}

fn is_wanted(args: &LogsArgs, trace: Option<TraceId>, line: &LogRow) -> bool {
    let weight = |level: &str| LEVELS.iter().position(|known| *known == level);
    let has = |text: &String| {
        line.message.contains(text.as_str())
            || Value::Object(line.attributes.clone())
                .to_string()
                .contains(text.as_str())
    };
    // Logs name the lower half of an id alone, as Datadog does.
    let low = |id: TraceId| id[8..].to_vec();
    trace.is_none_or(|trace| line.trace.is_some_and(|of| low(of) == low(trace)))
        && args
            .service
            .as_ref()
            .is_none_or(|service| *service == line.service)
        && args
            .level
            .as_ref()
            .is_none_or(|level| weight(&line.level) >= weight(level))
        && args.contains.as_ref().is_none_or(has)
}

/// For people.
fn plain_line(line: &LogRow) -> String {
    let mut attributes = String::new();
    for (key, value) in &line.attributes {
        let value = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        attributes += &format!(" {key}={value}");
    }
    let text = format!("{} {}{attributes}", line.service, line.message);
    let text = Shown::from(text);
    format!(
        "{} {:<5} {}\n",
        time_of_day(line.at_ms),
        line.level.to_uppercase(),
        plain::line(&text)
    )
}

fn object(line: &LogRow) -> String {
    let hex = |id: &[u8]| telemetry::text::hex(id);
    let value = json!({
        "at_ms": line.at_ms,
        "level": line.level,
        "service": line.service,
        "message": line.message,
        "trace_id": line.trace.map(|id| hex(&id)),
        "span_id": line.span.map(|id| hex(&id)),
        "attributes": line.attributes,
    });
    format!("{value}\n")
}

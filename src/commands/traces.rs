//! `loadgen traces`: the traces that a run's recording kept, and one of them as a waterfall.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::Output;
use crate::exit::Exit;
use crate::recording::reader::{Recording, TraceFilter, TraceRow};
use crate::redact::{Shown, plain};
use crate::report::read::folder_of;

mod browser;
mod waterfall;

use waterfall::Waterfall;

/// List the traces that a run's recording kept, or show one as a waterfall
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  loadgen traces latest --slow
  loadgen traces latest --failed --route /api/orders
  loadgen traces latest 4f0c31 --verbose

Of each minute a recording keeps the failed and the slowest traces of each kind of request, and a fair draw of all.")]
pub struct TracesArgs {
    /// Run folder, `latest`, or how the name of one below runs/ begins
    #[arg(value_name = "RUN")]
    run: PathBuf,

    /// A trace to show: its id as in the list, or how it begins; or its decimal id as in reports
    #[arg(value_name = "ID")]
    id: Option<String>,

    /// Slowest first, instead of newest first
    #[arg(long, conflicts_with = "id")]
    slow: bool,

    /// Only traces in which something failed
    #[arg(long, conflicts_with = "id")]
    failed: bool,

    /// Only traces that went through this service
    #[arg(long, value_name = "NAME", conflicts_with = "id")]
    service: Option<String>,

    /// Only traces whose first span's name contains this
    #[arg(long, value_name = "TEXT", conflicts_with = "id")]
    route: Option<String>,

    /// So many at most
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: u32,

    /// With the attributes of each span
    #[arg(long, short, requires = "id")]
    verbose: bool,

    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Shows the list or the waterfall.
///
/// # Errors
/// When a stream cannot be written.
pub fn run(args: &TracesArgs, output: &mut Output<'_>) -> anyhow::Result<Exit> {
    let folder = match folder_of(&args.run) {
        Ok(folder) => folder,
        Err(error) => return refused(output, &error.to_string()),
    };
    let shown = Recording::open(&folder).and_then(|recording| match &args.id {
        None => listed(args, &recording),
        Some(id) => one(args, &folder, &recording, id),
    });
    match shown {
        Ok(text) => {
            closed_pipe_is_fine(output.out.write_all(text.as_bytes()))?;
            Ok(Exit::Ok)
        }
        Err(error) => refused(output, &format!("{error:#}")),
    }
}

/// Says what is wrong with what was asked for.
pub(super) fn refused(output: &mut Output<'_>, problem: &str) -> anyhow::Result<Exit> {
    writeln!(output.err, "error: {}", Shown::from(problem))?;
    Ok(Exit::Usage)
}

/// `loadgen traces … | head` has got what it wanted.
pub(super) fn closed_pipe_is_fine(result: std::io::Result<()>) -> std::io::Result<()> {
    match result {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

fn listed(args: &TracesArgs, recording: &Recording) -> anyhow::Result<String> {
    let traces = recording.traces(&TraceFilter {
        slowest_first: args.slow,
        failed: args.failed,
        service: args.service.clone(),
        route: args.route.clone(),
        limit: args.limit,
    })?;
    if args.json {
        let all: Vec<Value> = traces.iter().map(trace_json).collect();
        return Ok(serde_json::to_string_pretty(&all)? + "\n");
    }
    let kept = recording.traces_kept()?;
    if traces.is_empty() {
        return Ok(match kept {
            0 => "no trace was recorded: nothing was sent to the run's OTLP receiver\n".to_owned(),
            kept => format!("none of the {kept} recorded traces is such a one\n"),
        });
    }
    let mut text = format!(
        "{:<12} {:<32} {:>10} {:>5} {:>8} {:>6} {:<6} root\n",
        "when (UTC)", "trace", "duration", "spans", "services", "errors", "kept"
    );
    for trace in &traces {
        text += &row(trace);
    }
    if (traces.len() as u64) < kept {
        text += &format!("{} of {kept} recorded traces\n", traces.len());
    }
    Ok(text)
}

fn row(trace: &TraceRow) -> String {
    let root = format!("{} {}", trace.root_service, trace.root_name);
    format!(
        "{:<12} {:<32} {:>10} {:>5} {:>8} {:>6} {:<6} {}\n",
        time_of_day(trace.start_us / 1_000),
        telemetry::text::hex(trace.id),
        duration(trace.duration_us),
        trace.spans,
        trace.services.len(),
        trace.errors,
        plain::line(&trace.kept),
        plain::line(&root),
    )
}

fn one(
    args: &TracesArgs,
    folder: &std::path::Path,
    recording: &Recording,
    id: &str,
) -> anyhow::Result<String> {
    let trace = recording.trace(id)?;
    let spans = recording.spans(trace.id)?;
    if args.json {
        let mut value = trace_json(&trace);
        value["spans_recorded"] = spans.iter().map(waterfall::span_json).collect();
        return Ok(serde_json::to_string_pretty(&value)? + "\n");
    }
    let waterfall = Waterfall {
        trace: &trace,
        spans: &spans,
        caller: browser::caller(folder, &trace, &spans),
        verbose: args.verbose,
    };
    Ok(waterfall.text())
}

fn trace_json(trace: &TraceRow) -> Value {
    json!({
        "trace_id": telemetry::text::hex(trace.id),
        "root_service": trace.root_service,
        "root_name": trace.root_name,
        "start_us": trace.start_us,
        "duration_us": trace.duration_us,
        "spans": trace.spans,
        "errors": trace.errors,
        "services": trace.services,
        "kept": trace.kept,
    })
}

/// Microseconds for people: `12.3 ms`.
fn duration(us: i64) -> String {
    match us {
        us if us < 1_000 => format!("{us} µs"),
        us if us < 10_000_000 => format!("{:.1} ms", us as f64 / 1e3),
        us => format!("{:.2} s", us as f64 / 1e6),
    }
}

/// `12:34:56.789` of UNIX milliseconds.
pub(super) fn time_of_day(at_ms: i64) -> String {
    let ms = at_ms.rem_euclid(86_400_000);
    let (s, ms) = (ms / 1_000, ms % 1_000);
    format!("{:02}:{:02}:{:02}.{ms:03}", s / 3_600, s / 60 % 60, s % 60)
}

#[cfg(test)]
mod tests {
    use super::{duration, time_of_day};

    #[test]
    fn times_are_short() {
        assert_eq!(time_of_day(1_767_322_845_678), "03:00:45.678");
        assert_eq!(
            [7, 12_340, 12_345_678].map(duration),
            ["7 µs", "12.3 ms", "12.35 s"]
        );
    }
}

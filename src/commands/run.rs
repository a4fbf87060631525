//! `loadgen run`: from flags to a run, its summary and an exit code.
//!
//! The run itself is made by [`crate::run`], on a thread of its own; this thread attends to it.

use std::io::{IsTerminal, Write};
use std::sync::Arc;

use anyhow::{Context, anyhow};
use tokio::sync::{oneshot, watch};

use super::Format;
use crate::audit;
use crate::control::Control;
use crate::exit::Exit;
use crate::measure::snapshot::LatestSnapshot;
use crate::redact::command::command;
use crate::redact::{self, Shown};
use crate::report::RunReport;
use crate::report::folder::RunFolder;
use crate::report::text::{Style, summary};
use crate::rum::settings::RumSpec;
use crate::run::{AuditEnding, RunLink, RunRecord, RunSpec, execute};
use crate::scenario::Scenario;
use crate::schedule::Segment;

mod files;
mod flags;
mod own_metrics;
mod progress;
mod reach;
mod rum;
mod signals;
mod supervisor;
mod telemetry;

use flags::scenario_of;
pub use flags::{OneStepArgs, RunArgs};
pub use reach::ReachArgs;
use signals::Signals;
use supervisor::RunSupervisor;

/// Runs, reports, and says how it went.
///
/// # Errors
/// When loadgen itself fails: the run folder cannot be written, the shop does not start, a thread dies.
pub fn run(args: &RunArgs) -> anyhow::Result<Exit> {
    let scenario = match scenario_of(args) {
        Ok(scenario) => Arc::new(scenario),
        Err(message) => {
            let _ = writeln!(std::io::stderr(), "{message}");
            return Ok(Exit::Usage);
        }
    };
    let rum = match args.rum.spec(args.own_metrics.env()) {
        Ok(rum) => rum,
        Err(problems) => {
            let _ = writeln!(std::io::stderr(), "{problems}");
            return Ok(Exit::Usage);
        }
    };
    if let Some(refusal) = args.telemetry.refusal(&scenario) {
        let _ = writeln!(std::io::stderr(), "{refusal}");
        return Ok(Exit::Usage);
    }
    if args.dry_run {
        let place = scenario.target.as_deref().unwrap_or("the embedded shop");
        let place = scenario.secrets.redactor.show_line(place);
        let _ = writeln!(
            std::io::stdout(),
            "{} is right and would be sent to {place}; nothing was sent (`loadgen preview` shows the requests)",
            scenario.name
        );
        return Ok(Exit::Ok);
    }
    if let Err(problems) = args.files.check(args.json.as_ref()) {
        let _ = writeln!(std::io::stderr(), "{problems}");
        return Ok(Exit::Usage);
    }
    if let Some(line) = scenario.http.proxies.ignored_line() {
        let _ = writeln!(std::io::stderr(), "{line}");
    }
    supervisor::check_view(args)?;
    let spec = spec(args, scenario, rum)?;
    let log = crate::log::start(&spec.folder.file("loadgen.log"))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    // From here on a signal ends the run in order, also while the shop starts.
    let signals = runtime.block_on(async { Signals::listen() })?;
    let (tell, control) = watch::channel(Control::default());
    let latest = LatestSnapshot::default();
    let (begins, begun) = oneshot::channel();
    let supervisor = RunSupervisor::new(args, &spec.scenario, signals, tell, latest.clone(), log);
    let link = RunLink {
        control,
        latest,
        begins,
    };
    let running = std::thread::Builder::new()
        .name("run".to_owned())
        .spawn(move || execute(spec, link))?;
    let attended = runtime.block_on(supervisor.attend(&running, begun));
    let record = running
        .join()
        .map_err(|_| anyhow!("the thread of the run panicked"))??;
    attended?;
    Ok(conclude(args, record))
}

fn spec(args: &RunArgs, scenario: Arc<Scenario>, rum: Option<RumSpec>) -> anyhow::Result<RunSpec> {
    let started = time::OffsetDateTime::now_utc();
    Ok(RunSpec {
        folder: RunFolder::create(&args.out, started, &scenario.name)?,
        started,
        segment: Segment::new(args.segment.0 - 1, args.segment.1)
            .context("--segment is out of range")?,
        workers: args.workers,
        audit: args.audit,
        keep_shop: args.keep_shop,
        books_token: args.books_token().map(str::to_owned),
        trace_url: args.trace_url.clone(),
        own_metrics: args.own_metrics.spec(),
        telemetry: args.telemetry.spec(),
        rum,
        command: command_line(&scenario),
        labels: args.labels(&scenario.secrets.redactor),
        scenario,
    })
}

/// The command that repeats the run: what was typed, with the seed, without secrets.
fn command_line(scenario: &Scenario) -> Vec<Shown> {
    let mut typed: Vec<String> = std::env::args().skip(1).collect();
    let is_seed = |argument: &String| argument == "--seed" || argument.starts_with("--seed=");
    if !typed.iter().any(is_seed) {
        typed.extend(["--seed".to_owned(), scenario.seed.to_string()]);
    }
    let mut shown = command(typed, &scenario.secrets.redactor);
    shown.insert(0, Shown::from("loadgen"));
    shown
}

/// Tells what came out. What the shop owes its clients weighs more than how fast it was.
fn conclude(args: &RunArgs, record: RunRecord) -> Exit {
    let RunRecord {
        folder,
        report,
        audit,
        not_kept,
    } = record;
    let kept = not_kept.map(|error| failed(&error)).is_none();
    let exit = exit_of(&report);
    let filed = args.files.write(&folder, &report, args.json.as_ref());
    let told = tell(args.format(), &folder, report) && filed;
    let audited = match audit {
        AuditEnding::None => Ok(Exit::Ok),
        AuditEnding::Interrupted => {
            let _ = writeln!(
                std::io::stderr(),
                "the audit was interrupted; make it with `loadgen audit {}`",
                folder.path().display()
            );
            Ok(Exit::Ok)
        }
        AuditEnding::Made(audited) => audit::tell(&folder, &audited, args.format()),
        AuditEnding::Failed(error) => Err(error.context("the audit could not be made")),
    };
    match audited.unwrap_or_else(|error| failed(&error)) {
        Exit::Ok => match exit {
            Exit::Ok if !(kept && told) => Exit::Failed,
            exit => exit,
        },
        exit => exit,
    }
}

/// Tells something that went wrong without an end to everything.
fn failed(error: &anyhow::Error) -> Exit {
    tracing::error!("{error:#}");
    let _ = writeln!(std::io::stderr(), "error: {}", redact::error(error));
    Exit::Failed
}

/// Prints the summary; where standard output cannot be written, to standard error. Whether it went where it belongs.
fn tell(format: Format, folder: &RunFolder, mut report: RunReport) -> bool {
    let style = Style {
        colour: std::io::stdout().is_terminal() && !crate::colour::is_refused(),
        columns: columns(),
    };
    let text = match format {
        Format::Text => {
            let page = folder.file("report.html");
            let place = if page.exists() { &page } else { folder.path() };
            format!("{}\nreport: {}\n", summary(&report, style), place.display())
        }
        Format::Json => {
            report.windows.clear();
            // Maps with text keys and finite numbers always have a JSON form.
            serde_json::to_string(&report).unwrap_or_default() + "\n"
        }
    };
    match std::io::stdout().write_all(text.as_bytes()) {
        Ok(()) => true,
        // A reader that has seen enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => true,
        Err(error) => {
            failed(
                &anyhow!(error).context("standard output cannot be written; here is what it lacks"),
            );
            let _ = std::io::stderr().write_all(text.as_bytes());
            false
        }
    }
}

/// Columns of the terminal that the summary goes to; of what is none, as many as there are.
fn columns() -> usize {
    if !std::io::stdout().is_terminal() {
        return usize::MAX;
    }
    ratatui::crossterm::terminal::size().map_or(80, |(columns, _)| usize::from(columns))
}

fn exit_of(report: &RunReport) -> Exit {
    match (
        report.interrupted.as_deref(),
        report.verdict.valid,
        report.verdict.passed,
    ) {
        (Some("SIGTERM"), ..) => Exit::Terminated,
        (Some(_), ..) => Exit::Interrupted,
        (None, false, _) => Exit::Invalid,
        (None, true, _) if report.verdict.nothing_succeeded.is_some() => Exit::NothingSucceeded,
        (None, true, Some(false)) => Exit::ThresholdsFailed,
        (None, true, _) => Exit::Ok,
    }
}

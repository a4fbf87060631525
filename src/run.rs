//! `loadgen run`: from flags to a run folder, a summary and an exit code.
//!
//! The order of things: everything that can be wrong is found first (flags, scenario, run folder, shop), then the load
//! starts, then the report is written, whatever happened.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::Args;
use tokio::sync::watch;

use crate::commands::change_args::ChangeArgs;
use crate::control::Control;
use crate::engine::{self, Finished, Order};
use crate::exit::Exit;
use crate::log::Tail;
use crate::measure::snapshot::{Board, Subject};
use crate::report::folder::RunFolder;
use crate::report::html::TraceUrl;
use crate::report::text::{Style, summary};
use crate::report::{
    Environment, GeneratorRecord, Measured, RateChangeRecord, RunReport, SegmentRecord,
    WindowRecord,
};
use crate::scenario::{
    Load, OneStep, OneStepLoad, Scenario, ScenarioRef, Threshold, load, parse_duration,
};
use crate::schedule::Segment;
use crate::tui::keys::Mode;
use crate::tui::{OwnRun, Show};
use crate::verdict::thresholds::WindowFigures;
use crate::verdict::{Evidence, cpu_share_max, judge};

pub mod attend;
pub mod embedded;
pub mod prepare;
pub mod progress;
mod signals;

use attend::{Attendant, TuiMode};
use embedded::EmbeddedShop;
use progress::{Progress, ProgressMode};
use signals::Signals;

/// Length of a run of one request if no other is given.
const ONE_STEP_DURATION: Duration = Duration::from_secs(30);

/// Run a scenario, or one request
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  loadgen run checkout-storm
  loadgen run checkout-storm --duration 5m --rate-scale 2 --seed 7
  loadgen run my-storm.yaml --target http://127.0.0.1:5921 --threshold 'p99 < 300 ms'
  loadgen run --url http://127.0.0.1:8080/ --rate 500/s --duration 30s
  loadgen run --url http://127.0.0.1:8080/ --connections 32

Exit codes: 0 valid and all thresholds met · 1 loadgen failed · 2 wrong flags or scenario · 3 a threshold failed ·
4 the run is invalid · 130 or 143 interrupted")]
pub struct RunArgs {
    /// Name of a scenario (see `loadgen list`), or path of a file
    #[arg(required_unless_present = "url", conflicts_with = "url")]
    scenario: Option<String>,

    /// Base URL of the system under test; without it, and without one in the scenario, loadgen starts its own shop
    #[arg(long, value_name = "URL", conflicts_with = "url")]
    target: Option<String>,

    /// All randomness comes from this number; the scenario's own if not given
    #[arg(long, value_name = "N")]
    seed: Option<u64>,

    /// Send only this share of the schedule, such as 2/8: eight machines with 1/8 … 8/8 send what one would have
    #[arg(long, value_name = "I/N", value_parser = parse_segment, default_value = "1/1")]
    segment: (u64, u64),

    /// Worker threads [default: one a core; one core less with the embedded shop]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    workers: Option<u32>,

    /// One more condition for exit code 0, such as 'p99 of POST /api/orders < 800 ms in baseline'; may be repeated
    #[arg(long = "threshold", value_name = "CONDITION")]
    thresholds: Vec<String>,

    /// Where run folders are made
    #[arg(long, value_name = "DIR", default_value = "runs")]
    out: PathBuf,

    /// When the live view is shown
    #[arg(long, value_enum, value_name = "WHEN", default_value = "auto")]
    tui: TuiMode,

    /// How progress is shown without the live view
    #[arg(long, value_enum, default_value = "auto")]
    progress: ProgressMode,

    /// Print the summary as text, or run.json's content without windows
    #[arg(long, value_enum, default_value_t)]
    format: crate::commands::Format,

    /// Where a trace can be looked at, with {trace_id} in it; trace ids in the report become links
    #[arg(long, value_name = "URL", env = "LOADGEN_TRACE_URL", value_parser = TraceUrl::parse)]
    trace_url: Option<TraceUrl>,

    /// Changes to the scenario.
    #[command(flatten)]
    changes: ChangeArgs,

    /// One request.
    #[command(flatten)]
    one: OneStepArgs,
}

/// Flags of a run without a scenario.
#[derive(Debug, Args)]
#[command(next_help_heading = "One request instead of a scenario")]
pub struct OneStepArgs {
    /// Send this one request; the load is --rate (open) or --connections (closed), for --duration (30s if not given)
    #[arg(long, value_name = "URL")]
    url: Option<String>,

    /// HTTP method [default: GET, or POST with --body]
    #[arg(long, value_name = "METHOD", requires = "url")]
    method: Option<String>,

    /// A header as 'name: value'; may be repeated
    #[arg(long = "header", value_name = "HEADER", requires = "url")]
    headers: Vec<String>,

    /// The request's body
    #[arg(long, value_name = "TEXT", requires = "url")]
    body: Option<String>,

    /// Connections in a closed loop
    #[arg(long, value_name = "N", requires = "url")]
    connections: Option<u32>,

    /// Time limit of one request
    #[arg(long, value_name = "DURATION", requires = "url", value_parser = parse_duration)]
    timeout: Option<Duration>,
}

/// Parses `2/8`.
fn parse_segment(text: &str) -> Result<(u64, u64), String> {
    let parts = text
        .split_once('/')
        .and_then(|(index, of)| Some((index.parse().ok()?, of.parse().ok()?)));
    match parts {
        Some((index, of)) if index >= 1 && index <= of => Ok((index, of)),
        _ => Err("write it as I/N with 1 ≤ I ≤ N, such as 2/8".to_owned()),
    }
}

/// Runs, reports, and says how it went.
///
/// # Errors
/// When loadgen itself fails: the run folder cannot be written, the shop does not start, a thread dies.
pub fn run(args: &RunArgs) -> anyhow::Result<Exit> {
    let colour = |terminal: bool| {
        terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
    };
    let scenario = match scenario_of(args) {
        Ok(scenario) => Arc::new(scenario),
        Err(message) => {
            let _ = writeln!(std::io::stderr(), "{message}");
            return Ok(Exit::Usage);
        }
    };
    let descriptors_max = crate::own::raise_descriptor_limit();
    let started = time::OffsetDateTime::now_utc();
    let folder = RunFolder::create(&args.out, started, &scenario.name)?;
    let log = crate::log::start(&folder.file("loadgen.log"))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    // From here on a signal ends the run in order, also while the shop starts.
    let signals = runtime.block_on(async { Signals::listen() })?;
    let mut place = Place::of(args, &scenario, &folder)?;
    let begun = begun(args, &scenario, &place, started, descriptors_max)?;
    folder.begin(&begun)?;
    let outcome = drive(args, &scenario, &folder, &place, (&runtime, signals, log))?;
    place.stop();
    let mut report = report(begun, args, &scenario, &place, &outcome, &folder)?;
    folder.finish(&mut report)?;
    if let Err(error) = write_page(args, &folder) {
        // The record is written; a page can be made from it later, and its lack must not hide the verdict.
        tracing::error!(error = format!("{error:#}"), "report.html was not written");
        let _ = writeln!(std::io::stderr(), "report.html was not written: {error:#}");
    }
    match args.format {
        crate::commands::Format::Text => {
            let style = Style {
                colour: colour(std::io::stdout().is_terminal()),
            };
            let text = format!(
                "{}\nreport: {}\n",
                summary(&report, style),
                folder.file("report.html").display()
            );
            let _ = std::io::stdout().write_all(text.as_bytes());
        }
        crate::commands::Format::Json => {
            report.windows.clear();
            let _ = writeln!(std::io::stdout(), "{}", serde_json::to_string(&report)?);
        }
    }
    Ok(exit_of(&report))
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
        (None, true, Some(false)) => Exit::ThresholdsFailed,
        (None, true, _) => Exit::Ok,
    }
}

/// The valid scenario that the flags ask for, or the text of every mistake.
fn scenario_of(args: &RunArgs) -> Result<Scenario, String> {
    let style = crate::commands::problem_style();
    let mut scenario = match (&args.scenario, &args.one.url) {
        (Some(name), _) => {
            let loaded =
                ScenarioRef::find(name).and_then(|origin| load(&origin, &args.changes.changes()));
            loaded.map_err(|problems| problems.render(style))?
        }
        (None, url) => one_step(args, url.clone().unwrap_or_default(), style)?,
    };
    scenario.seed = args.seed.unwrap_or(scenario.seed);
    scenario.target = args.target.clone().or(scenario.target);
    let mut problems = Vec::new();
    for text in &args.thresholds {
        match Threshold::parse(text, &scenario) {
            Ok(threshold) => scenario.thresholds.push(threshold),
            Err(problem) => problems.push(problem.render(style)),
        }
    }
    if let Some(target) = &scenario.target
        && let Err(problem) = engine::plan::Plan::new(&scenario, target)
    {
        problems.push(format!("error: {problem}"));
    }
    if problems.is_empty() {
        Ok(scenario)
    } else {
        Err(problems.join("\n"))
    }
}

fn one_step(args: &RunArgs, url: String, style: checked_yaml::Style) -> Result<Scenario, String> {
    let mut problems = Vec::new();
    let mut keep = |problem: String| problems.push(format!("error: {problem}"));
    let headers: Vec<(String, String)> = args
        .one
        .headers
        .iter()
        .filter_map(|text| header(text).map_err(&mut keep).ok())
        .collect();
    let load = one_step_load(args).map_err(&mut keep).ok();
    let method = match (&args.one.method, &args.one.body) {
        (Some(method), _) => method.clone(),
        (None, Some(_)) => "POST".to_owned(),
        (None, None) => "GET".to_owned(),
    };
    let Some(load) = load.filter(|_| problems.is_empty()) else {
        return Err(problems.join("\n"));
    };
    let (body, timeout) = (args.one.body.clone(), args.one.timeout);
    let step = OneStep {
        url,
        method,
        headers,
        body,
        load,
        timeout,
        traced: true,
    };
    Scenario::one_step(&step).map_err(|problems| problems.render(style))
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once(':')
        .ok_or_else(|| format!("--header '{text}': write it as 'name: value'"))?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

fn one_step_load(args: &RunArgs) -> Result<OneStepLoad, String> {
    let duration = args.changes.duration.unwrap_or(ONE_STEP_DURATION);
    let scale = args.changes.rate_scale.unwrap_or(1.0);
    match (args.changes.rate, args.one.connections) {
        (Some(rate), None) => Ok(OneStepLoad::Open {
            rate: rate * scale,
            duration,
            even: true,
        }),
        (None, Some(connections)) => Ok(OneStepLoad::Closed {
            connections,
            duration: Some(duration),
            requests: None,
        }),
        (Some(_), Some(_)) => Err(
            "--rate makes an open load and --connections a closed one; give one of them".to_owned(),
        ),
        (None, None) => Err(
            "--url needs a load: --rate 500/s for an open one, --connections 32 for a closed one"
                .to_owned(),
        ),
    }
}

/// Where the load goes: someone's shop, or our own.
struct Place {
    url: String,
    embedded: Option<EmbeddedShop>,
    shop_memory_bytes_max: u64,
}

impl Place {
    fn of(_: &RunArgs, scenario: &Scenario, folder: &RunFolder) -> anyhow::Result<Self> {
        if let Some(url) = &scenario.target {
            return Ok(Self {
                url: url.clone(),
                embedded: None,
                shop_memory_bytes_max: 0,
            });
        }
        let shop = EmbeddedShop::start(folder.path())?;
        embedded::yield_to_generator(&shop);
        tracing::info!(
            url = shop.url,
            ready_after_ms = shop.ready_after.as_millis() as u64,
            "the embedded shop is ready"
        );
        Ok(Self {
            url: shop.url.clone(),
            embedded: Some(shop),
            shop_memory_bytes_max: 0,
        })
    }

    fn stop(&mut self) {
        if let Some(shop) = &mut self.embedded {
            self.shop_memory_bytes_max = shop.memory_bytes_max();
            shop.stop();
        }
    }
}

/// What came out of the engine, and who cut it short.
struct Outcome {
    finished: Finished,
    interrupted: Option<&'static str>,
}

fn workers(args: &RunArgs, place: &Place) -> u32 {
    let cores = crate::own::cores();
    let shared = place.embedded.is_some() && cores > 1;
    args.workers
        .unwrap_or(if shared { cores - 1 } else { cores })
}

fn drive(
    args: &RunArgs,
    scenario: &Arc<Scenario>,
    folder: &RunFolder,
    place: &Place,
    (runtime, mut signals, log): (&tokio::runtime::Runtime, Signals, Tail),
) -> anyhow::Result<Outcome> {
    let prepared = prepare::prepare(scenario, &place.url);
    if let Some(result) = runtime.block_on(signals.unless_interrupted(prepared)) {
        result?;
    }
    let (tell, control) = watch::channel(Control::default());
    tell.send_modify(|control| control.stop = signals.level());
    let _context = runtime.enter();
    let mut attendant = Attendant::new(signals, Progress::new(args.progress), tell);
    let board = Board::default();
    let subject = Subject::of(scenario, &place.url);
    let order = Order {
        scenario: scenario.clone(),
        target: place.url.clone(),
        workers: workers(args, place),
        segment: Segment::new(args.segment.0 - 1, args.segment.1)
            .context("--segment is out of range")?,
        board: board.clone(),
        journal: Box::new(folder.journal(subject.clone())?),
        control,
    };
    let show = Show {
        subject,
        source: Box::new(OwnRun {
            board: board.clone(),
            log,
        }),
        mode: Mode::Run,
        open_load: matches!(scenario.load, Load::Open { .. }),
        speed: 1.0,
    };
    attendant.open_view(args.tui, show)?;
    let engine = std::thread::Builder::new()
        .name("engine".to_owned())
        .spawn(move || engine::run(order))?;
    let interrupted = runtime.block_on(attendant.attend(&engine, &board));
    let finished = engine
        .join()
        .map_err(|_| anyhow!("the engine thread panicked"))??;
    Ok(Outcome {
        finished,
        interrupted,
    })
}

/// `report.html`, made from what stands in the run folder.
fn write_page(args: &RunArgs, folder: &RunFolder) -> anyhow::Result<()> {
    let run = crate::report::read::read(folder.path())?;
    let page = crate::report::html::page(&run, args.trace_url.as_ref())?;
    folder.write("report.html", page.as_bytes())
}

fn report(
    begun: RunReport,
    args: &RunArgs,
    scenario: &Scenario,
    place: &Place,
    outcome: &Outcome,
    folder: &RunFolder,
) -> anyhow::Result<RunReport> {
    let Outcome {
        finished,
        interrupted,
    } = outcome;
    let workers = workers(args, place);
    let windows = window_figures(scenario, folder)?;
    let verdict = judge(&Evidence {
        scenario,
        phases: &finished.phases,
        totals: &finished.totals,
        health: &finished.health,
        cores: workers,
        elapsed: finished.load,
        interrupted: interrupted.is_some(),
        windows: &windows,
    });
    let measured = Measured {
        scenario,
        phases: &finished.phases,
        totals: &finished.totals,
        load: finished.load,
    };
    Ok(RunReport {
        elapsed_s: finished.elapsed.as_secs_f64(),
        load_s: finished.load.as_secs_f64(),
        interrupted: interrupted.map(str::to_owned),
        verdict,
        phases: measured.phases(),
        steps: measured.steps(),
        journeys: measured.journeys(),
        counters: measured.counters(),
        accounting: measured.accounting(),
        arrivals: finished.totals.arrivals.clone(),
        generator: GeneratorRecord {
            cpu_s: finished.cpu.as_secs_f64(),
            cpu_share_max: cpu_share_max(&finished.health, workers),
            memory_bytes_max: finished.health.memory_bytes_max,
            shop_memory_bytes_max: place.shop_memory_bytes_max,
            shoppers_max: finished.totals.shoppers_max,
            connections_max: finished.totals.connections_max,
        },
        rate_changes: finished
            .rate_changes
            .iter()
            .map(|(at, factor)| RateChangeRecord {
                at_s: at.as_secs_f64(),
                factor: *factor,
            })
            .collect(),
        funnels: measured.funnels(),
        ..begun
    })
}

/// What is known before the load starts.
fn begun(
    args: &RunArgs,
    scenario: &Scenario,
    place: &Place,
    started: time::OffsetDateTime,
    descriptors_max: u64,
) -> anyhow::Result<RunReport> {
    Ok(RunReport {
        command: command_line(scenario.seed),
        started_at: started.format(&time::format_description::well_known::Rfc3339)?,
        target: place.url.clone(),
        embedded_shop: place.embedded.is_some(),
        segment: SegmentRecord {
            index: args.segment.0,
            of: args.segment.1,
        },
        workers: workers(args, place),
        environment: Environment::read(descriptors_max),
        ..RunReport::begun(scenario)
    })
}

/// Second-level figures for sliding thresholds; read only if there are such thresholds.
fn window_figures(scenario: &Scenario, folder: &RunFolder) -> anyhow::Result<Vec<WindowFigures>> {
    let sliding = |threshold: &Threshold| matches!(threshold.over, crate::scenario::Over::Every(_));
    if !scenario.thresholds.iter().any(sliding) {
        return Ok(Vec::new());
    }
    folder
        .windows()?
        .iter()
        .map(|record: &WindowRecord| record.figures().map_err(|e| anyhow!(e)))
        .collect()
}

/// The command that repeats the run: what was typed, with the seed. Values of headers are not repeated; they may be secret.
fn command_line(seed: u64) -> Vec<String> {
    let mut hide = false;
    let mut command = vec!["loadgen".to_owned()];
    for argument in std::env::args().skip(1) {
        let value = std::mem::replace(
            &mut hide,
            matches!(argument.as_str(), "--header" | "--body"),
        );
        let joined = ["--header=", "--body="]
            .iter()
            .find(|flag| argument.starts_with(*flag));
        command.push(match (value, joined) {
            (true, _) => "…".to_owned(),
            (false, Some(flag)) => format!("{flag}…"),
            (false, None) => argument,
        });
    }
    if !command
        .iter()
        .any(|argument| argument == "--seed" || argument.starts_with("--seed="))
    {
        command.extend(["--seed".to_owned(), seed.to_string()]);
    }
    command
}

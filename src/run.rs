//! `loadgen run`: from flags to a run folder, a summary and an exit code.
//!
//! The order of things: everything that can be wrong is found first (flags, scenario, run folder, shop), then the load
//! starts, then the report is written, whatever happened.

use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use tokio::sync::watch;

use crate::audit::Audited;
use crate::audit::reader::Reader;
use crate::commands::Format;
use crate::control::Control;
use crate::engine::{self, Finished, Order};
use crate::exit::Exit;
use crate::log::Tail;
use crate::measure::snapshot::{Board, Subject};
use crate::redact;
use crate::report::RunReport;
use crate::report::folder::RunFolder;
use crate::report::text::{Style, summary};
use crate::scenario::{Load, Scenario};
use crate::schedule::Segment;
use crate::tui::keys::Mode;
use crate::tui::{OwnRun, Show};

pub mod attend;
pub mod embedded;
mod flags;
pub mod prepare;
pub mod progress;
mod record;
mod signals;

use attend::Attendant;
use embedded::EmbeddedShop;
use flags::scenario_of;
pub use flags::{OneStepArgs, RunArgs};
use progress::Progress;
use record::{begun, report};
use signals::Signals;

/// How long a shop that is to be audited may take to open its books before the load.
const BOOKS_PATIENCE: Duration = Duration::from_secs(30);

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
    // From here on there are figures: nothing that fails may keep them from being told.
    let audited = match args.audit && outcome.interrupted.is_none() {
        true => audit(&folder, &place, &runtime),
        false => Ok(None),
    };
    place.stop();
    let mut report = report(begun, args, &scenario, &place, &outcome, &folder)?;
    let kept = keep(args, &folder, &mut report);
    let style = Style {
        colour: colour(std::io::stdout().is_terminal()),
    };
    let exit = exit_of(&report);
    let told = tell(args.format, &folder, report, style);
    let audited = match audited {
        Ok(Some(audited)) => crate::audit::tell(&folder, &audited, args.format),
        Ok(None) => Ok(Exit::Ok),
        Err(error) => Err(error.context("the audit could not be made")),
    };
    // What the shop owes its clients weighs more than how fast it was.
    Ok(match audited.unwrap_or_else(|error| failed(&error)) {
        Exit::Ok => match exit {
            Exit::Ok if !(kept && told) => Exit::Failed,
            exit => exit,
        },
        exit => exit,
    })
}

/// Keeps the record of a run that is over. Says what could not be kept, and whether all was.
fn keep(args: &RunArgs, folder: &RunFolder, report: &mut RunReport) -> bool {
    if let Err(error) = folder.finish(report) {
        failed(&error.context(
            "run.json was not kept; begun.json and windows.jsonl stay in the run folder for `loadgen report`",
        ));
        return false;
    }
    // A page can be made later from the record.
    write_page(args, folder)
        .map_err(|error| failed(&error.context("report.html was not kept")))
        .is_ok()
}

/// Tells something that went wrong without an end to everything.
fn failed(error: &anyhow::Error) -> Exit {
    tracing::error!("{error:#}");
    let _ = writeln!(std::io::stderr(), "error: {}", redact::error(error));
    Exit::Failed
}

/// Prints the summary; where standard output cannot be written, to standard error. Whether it went where it belongs.
fn tell(format: Format, folder: &RunFolder, mut report: RunReport, style: Style) -> bool {
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

/// Compares promises and books while the shop still runs; `None` when someone does not want to wait for it.
fn audit(
    folder: &RunFolder,
    place: &Place,
    runtime: &tokio::runtime::Runtime,
) -> anyhow::Result<Option<Audited>> {
    let reader = place
        .reader
        .as_ref()
        .context("the shop's books are closed")?;
    let audited = runtime.block_on(async {
        let mut signals = Signals::listen()?;
        let look = crate::audit::look_live(folder, reader);
        anyhow::Ok(signals.unless_interrupted(look).await)
    })?;
    if audited.is_none() {
        let _ = writeln!(
            std::io::stderr(),
            "the audit was interrupted; make it with `loadgen audit {}`",
            folder.path().display()
        );
    }
    audited.transpose()
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

/// Where the load goes: someone's shop, or our own.
struct Place {
    url: String,
    embedded: Option<EmbeddedShop>,
    shop_memory_bytes_max: u64,
    /// The way to the shop's books: the embedded shop's, or those of a shop that is to be audited.
    reader: Option<Reader>,
}

impl Place {
    fn of(args: &RunArgs, scenario: &Scenario, folder: &RunFolder) -> anyhow::Result<Self> {
        if let Some(url) = &scenario.target {
            return Ok(Self {
                url: url.clone(),
                embedded: None,
                shop_memory_bytes_max: 0,
                // The token opens the books of a shop; a target that nobody asked to audit never sees it.
                reader: match args.books_token().filter(|_| args.audit) {
                    Some(token) => Some(Reader::new(url, token)?),
                    None => None,
                },
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
            reader: Some(Reader::new(&shop.url, shop.audit_token())?),
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
    let prepared = async {
        prepare::prepare(scenario, &place.url).await?;
        remember(args, folder, place).await
    };
    if let Some(result) = runtime.block_on(signals.unless_interrupted(prepared)) {
        result?;
    }
    let (tell, control) = watch::channel(Control::default());
    tell.send_modify(|control| control.stop = signals.level());
    let _context = runtime.enter();
    let mut attendant = Attendant::new(signals, Progress::new(args.progress), tell);
    let board = Board::default();
    let subject = Subject::of(scenario, &scenario.secrets.redactor.show_line(&place.url));
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

/// Keeps what the shop has before the load, where there is a way to its books. Only an audit needs it.
async fn remember(args: &RunArgs, folder: &RunFolder, place: &Place) -> anyhow::Result<()> {
    let Some(reader) = &place.reader else {
        return Ok(());
    };
    match crate::audit::remember(folder, reader, BOOKS_PATIENCE).await {
        Err(error) if args.audit => Err(error.context("the audit needs the shop's books")),
        Err(error) => {
            tracing::info!(
                error = format!("{error:#}"),
                "the shop's stock before the run is not known; an audit will not compare it"
            );
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

/// `report.html`, made from what stands in the run folder.
fn write_page(args: &RunArgs, folder: &RunFolder) -> anyhow::Result<()> {
    let run = crate::report::read::read(folder.path())?;
    let page = crate::report::html::page(&run, args.trace_url.as_ref())?;
    folder.write("report.html", page.as_bytes())
}

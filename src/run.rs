//! A run as a value: [`RunSpec`] → [`execute`] → [`RunRecord`].
//!
//! The order of things: the system under test is brought up, the stage is set, the load goes out, and the record is made and
//! kept, whatever happened. Must not know: command lines, terminals, signals. Whoever asks for a run hears of it through a
//! [`RunLink`], and tells it through the same link to stop.

use std::future::Future;
use std::time::Duration;

use anyhow::Context;
use tokio::runtime::LocalRuntime;
use tokio::sync::{oneshot, watch};

use crate::audit::{self, Audited};
use crate::control::{Control, Stop};
use crate::engine::{self, RunRequest};
use crate::measure::snapshot::{LatestSnapshot, Subject};
use crate::report::RunReport;
use crate::report::folder::RunFolder;
use crate::runtime::local_runtime;

mod own_metrics;
mod record;
mod rum;
mod spec;
mod target;
mod telemetry;

pub use own_metrics::OwnMetricsSpec;
use record::Load;
pub use spec::RunSpec;
use target::RunTarget;
use telemetry::RunTelemetry;
pub use telemetry::{EXPORTER_VARIABLES, TelemetrySpec};

/// How long a shop that is to be audited may take to open its books before the load.
const BOOKS_PATIENCE: Duration = Duration::from_secs(30);

/// How a run and whoever asked for it hear of each other while it goes on.
pub struct RunLink {
    /// Told here to stop or to change the rate.
    pub control: watch::Receiver<Control>,
    /// Where the newest snapshot of the load is.
    pub latest: LatestSnapshot,
    /// Told once what is known of the run, when the stage is set and the load begins; dropped if that never happens.
    pub begins: oneshot::Sender<Subject>,
}

/// What a run leaves behind.
pub struct RunRecord {
    /// Where its files are.
    pub folder: RunFolder,
    /// What was measured, and the verdict.
    pub report: RunReport,
    /// What became of the audit.
    pub audit: AuditEnding,
    /// A file of the run folder that could not be written: the figures above are all there is.
    pub not_kept: Option<anyhow::Error>,
}

/// What became of a run's audit.
pub enum AuditEnding {
    /// None was asked for, or the load was interrupted.
    None,
    /// The run was told to stop while it went on.
    Interrupted,
    /// It came to its end.
    Made(Audited),
    /// It could not be made.
    Failed(anyhow::Error),
}

impl AuditEnding {
    fn is_clean(&self) -> bool {
        matches!(self, Self::Made(audited) if audited.findings.is_clean())
    }
}

/// Makes a run, on this thread, and comes back when its files are written and its target is stopped.
///
/// # Errors
/// When loadgen itself fails before there are figures: the run folder cannot be written, the shop does not start, the stage
/// cannot be set, a thread dies.
pub fn execute(spec: RunSpec, link: RunLink) -> anyhow::Result<RunRecord> {
    let descriptors_max = crate::own::raise_descriptor_limit();
    let runtime = local_runtime()?;
    let mut control = link.control.clone();
    let telemetry = RunTelemetry::start(&spec)?;
    let mut target = RunTarget::of(&spec, &telemetry.environment())?;
    let begun = record::begun(&spec, &target, descriptors_max)?;
    spec.folder.begin(&begun)?;
    let load = drive(&spec, &target, &telemetry, &runtime, link)?;
    // From here on there are figures: nothing that fails may keep them from being told.
    let audit = match spec.audit && load.interrupted.is_none() {
        true => audit(&spec, &target, &runtime, &mut control),
        false => AuditEnding::None,
    };
    target.stop();
    let recording = telemetry.finish(&spec);
    if !(spec.keep_shop || spec.audit && !audit.is_clean()) {
        spec.folder.forget_shop_data();
    }
    let mut report = record::report(begun, &spec, &target, &load, recording)?;
    let not_kept = keep(&spec, &mut report).err();
    Ok(RunRecord {
        folder: spec.folder,
        report,
        audit,
        not_kept,
    })
}

/// Sets the stage and sends the load.
fn drive(
    spec: &RunSpec,
    target: &RunTarget,
    telemetry: &RunTelemetry,
    runtime: &LocalRuntime,
    link: RunLink,
) -> anyhow::Result<Load> {
    let RunLink {
        mut control,
        latest,
        begins,
    } = link;
    let set_the_stage = async {
        let prepared = engine::prepare::prepare(&spec.scenario, &target.url).await?;
        remember(spec, target).await?;
        anyhow::Ok(prepared)
    };
    // Told to stop meanwhile, the load is over before it begins.
    let prepared = runtime.block_on(unless_stopped(&mut control, set_the_stage));
    let prepared = prepared.transpose()?.unwrap_or_default();
    let redactor = &spec.scenario.secrets.redactor;
    let subject = Subject::of(&spec.scenario, &redactor.show_line(&target.url));
    let request = RunRequest {
        scenario: spec.scenario.clone(),
        target: target.url.clone(),
        prepared,
        workers: target.workers(spec),
        segment: spec.segment,
        latest,
        journal: own_metrics::beside(
            Box::new(spec.folder.journal(subject.clone())?),
            &spec.own_metrics,
            &spec.scenario,
            telemetry.feed(),
        )?,
        control: control.clone(),
        rum: rum::request(spec)?,
    };
    // Someone who does not want to know has dropped the other end.
    let _ = begins.send(subject);
    telemetry.load_begins();
    let finished = engine::run(request)?;
    let interrupted = control.borrow().stopped_by();
    Ok(Load {
        finished,
        interrupted,
    })
}

/// What comes out of `work`, unless the run is told to stop before it is done.
async fn unless_stopped<T>(
    control: &mut watch::Receiver<Control>,
    work: impl Future<Output = T>,
) -> Option<T> {
    let stopped = async {
        if control
            .wait_for(|told| told.stop != Stop::No)
            .await
            .is_err()
        {
            // Nobody is left who could tell it to.
            std::future::pending().await
        }
    };
    tokio::select! {
        biased;
        () = stopped => None,
        done = work => Some(done),
    }
}

/// Keeps what the shop has before the load, where there is a way to its books. Only an audit needs it.
async fn remember(spec: &RunSpec, target: &RunTarget) -> anyhow::Result<()> {
    let Some(reader) = &target.reader else {
        return Ok(());
    };
    match audit::remember(&spec.folder, reader, BOOKS_PATIENCE).await {
        Err(error) if spec.audit => Err(error.context("the audit needs the shop's books")),
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

/// Compares promises and books while the shop still runs.
fn audit(
    spec: &RunSpec,
    target: &RunTarget,
    runtime: &LocalRuntime,
    control: &mut watch::Receiver<Control>,
) -> AuditEnding {
    let Some(reader) = &target.reader else {
        return AuditEnding::Failed(anyhow::anyhow!("the shop's books are closed"));
    };
    let look = audit::look_live(&spec.folder, reader);
    match runtime.block_on(unless_stopped(control, look)) {
        None => AuditEnding::Interrupted,
        Some(Ok(audited)) => AuditEnding::Made(audited),
        Some(Err(error)) => AuditEnding::Failed(error),
    }
}

/// Keeps the record of a run that is over.
fn keep(spec: &RunSpec, report: &mut RunReport) -> anyhow::Result<()> {
    spec.folder.finish(report).context(
        "run.json was not kept; begun.json and windows.jsonl stay in the run folder for `loadgen report`",
    )?;
    // A page can be made later from the record.
    write_page(spec).context("report.html was not kept")
}

/// `report.html`, made from what stands in the run folder.
fn write_page(spec: &RunSpec) -> anyhow::Result<()> {
    let run = crate::report::read::read(spec.folder.path())?;
    let page = crate::report::html::page(&run, spec.trace_url.as_ref())?;
    spec.folder.write("report.html", page.as_bytes())
}

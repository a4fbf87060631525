//! Starting and ending telemetry: one log, any number of exporters, one guard.
//!
//! What each output sees is its own choice (per-layer filters): a quiet log does not thin out traces. Without an exporter
//! of spans none are recorded, which costs nothing.

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use tracing_subscriber::filter::{EnvFilter, FilterExt as _, filter_fn};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer, Registry as Spans};

use crate::catalogue::metric;
use crate::exporter::dogstatsd::Dogstatsd;
use crate::exporter::drops::Drops;
use crate::exporter::otlp::Otlp;
use crate::exporter::queue::{self, Queue, Running};
use crate::exporter::span_file::SpanFile;
use crate::exporter::{ExportSummary, Exporter, Signal};
use crate::identity::Identity;
use crate::log::{self, LogError, LogGuard, LogSummary};
use crate::metrics::{Collection, MetricsError, Registry};
use crate::settings::Settings;
use crate::span::{FinishedSpan, FinishedSpans};
use crate::trace::Sampler;

/// Longest that the end of the exporters waits for those who receive; the log has its own
/// [`FLUSH_WAIT_MAX`](log::FLUSH_WAIT_MAX) after that.
pub const EXPORT_FLUSH_MAX: Duration = Duration::from_secs(2);

/// What telemetry is wanted.
pub struct Config {
    /// Whose are the log lines outside any service's work.
    pub identity: Identity,
    /// What is logged: `info`, or directives such as `info,shop::queue=debug`.
    pub log_filter: String,
    /// Where log lines go; standard output unless told otherwise.
    pub log: Box<dyn Write + Send>,
    /// Where finished spans are written, see [`SpanFile`].
    pub span_file: Option<PathBuf>,
    /// Where else telemetry goes.
    pub settings: Settings,
    /// Exporters that are not built in.
    pub exporters: Vec<Box<dyn Exporter>>,
}

impl Config {
    /// A log on standard output, and nothing else.
    pub fn new(identity: Identity, log_filter: impl Into<String>) -> Self {
        Self {
            identity,
            log_filter: log_filter.into(),
            log: Box::new(io::stdout()),
            span_file: None,
            settings: Settings::default(),
            exporters: Vec::new(),
        }
    }
}

/// Why telemetry could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The log could not be set up.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The file of spans cannot be written.
    #[error("the spans cannot be written to {path}: {source}; choose another file", path = .path.display())]
    SpanFile {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Spans cannot be sent in OTLP.
    #[error(
        "spans cannot be sent in OTLP: {0}; if a certificate is set (OTEL_EXPORTER_OTLP_CERTIFICATE), it must be PEM"
    )]
    Otlp(#[source] io::Error),
    /// The thread of an exporter could not be started.
    #[error("the thread of an exporter could not be started: {0}")]
    Thread(#[source] io::Error),
}

/// Owns the log and the exporters. Dropping it sends what is queued, for at most [`EXPORT_FLUSH_MAX`] and then the log's own
/// wait.
#[must_use = "telemetry ends when the guard is dropped"]
pub struct Guard {
    exporters: Vec<Running>,
    log: Option<LogGuard>,
    sinks: Sinks,
}

/// What became of everything that was observed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The log.
    pub log: LogSummary,
    /// Each exporter.
    pub exporters: Vec<ExportSummary>,
}

/// Where observers send what they observe. Cheap to clone; the default sends nothing.
#[derive(Debug, Clone, Default)]
pub struct Sinks {
    metrics: Collection,
    drops: Drops,
    log: Option<log::Drops>,
    version: Option<String>,
    sampler: Sampler,
}

/// Starts the log and every exporter that `config` asks for, for the whole process.
///
/// # Errors
/// What is wrong with the configuration, or that the process has a log already.
pub fn start(config: Config) -> Result<Guard, StartError> {
    let mut exporters = config.exporters;
    exporters.extend(span_file(config.span_file)?);
    exporters.extend(dogstatsd(&config.settings));
    exporters.extend(otlp(&config.settings)?);
    let drops = Drops::default();
    let (running, metrics) = run(exporters, &drops)?;
    let queues = running.iter().map(Running::queue).cloned();
    let spans = queues.filter(|queue| queue.wants().spans).collect();
    let log = start_log(config.identity, &config.log_filter, config.log, spans)?;
    let sinks = Sinks {
        metrics,
        drops,
        log: Some(log.drops()),
        version: config.settings.resource.version,
        sampler: config.settings.sampler,
    };
    Ok(Guard {
        exporters: running,
        log: Some(log),
        sinks,
    })
}

/// Each collects metrics from a place of its own.
fn run(
    exporters: Vec<Box<dyn Exporter>>,
    drops: &Drops,
) -> Result<(Vec<Running>, Collection), StartError> {
    let collects = |exporter: &dyn Exporter| exporter.wants().metrics_every.is_some();
    let collectors = exporters.iter().filter(|one| collects(one.as_ref()));
    let metrics = Collection::new(collectors.count());
    let mut places = 0..;
    let mut running = Vec::with_capacity(exporters.len());
    for exporter in exporters {
        let place = if collects(exporter.as_ref()) {
            places.next()
        } else {
            None
        };
        let collector = metrics.collector(place.unwrap_or(usize::MAX));
        running.push(queue::start(exporter, collector, drops).map_err(StartError::Thread)?);
    }
    Ok((running, metrics))
}

fn span_file(path: Option<PathBuf>) -> Result<Option<Box<dyn Exporter>>, StartError> {
    let Some(path) = path else { return Ok(None) };
    match SpanFile::open(&path) {
        Ok(file) => Ok(Some(Box::new(file))),
        Err(source) => Err(StartError::SpanFile { path, source }),
    }
}

fn dogstatsd(settings: &Settings) -> Option<Box<dyn Exporter>> {
    let to = settings.dogstatsd.clone()?;
    Some(Box::new(Dogstatsd::new(to, &settings.resource.tags)))
}

fn otlp(settings: &Settings) -> Result<Option<Box<dyn Exporter>>, StartError> {
    let Some(to) = settings.otlp.clone() else {
        return Ok(None);
    };
    let exporter = Otlp::new(to, &settings.resource.attributes).map_err(StartError::Otlp)?;
    Ok(Some(Box::new(exporter)))
}

fn start_log(
    identity: Identity,
    filter: &str,
    out: Box<dyn Write + Send>,
    queues: Vec<Queue>,
) -> Result<LogGuard, StartError> {
    let directives = EnvFilter::try_new(filter).map_err(|source| LogError::Filter {
        filter: filter.to_owned(),
        source,
    })?;
    let (lines, guard) = log::start(identity, out)?;
    let lines = lines.with_filter(directives.and(filter_fn(|meta| meta.is_event())));
    // A layer that is not there at all would say yes to every span: without a receiver it is there and says no.
    let wanted = !queues.is_empty();
    let layer = FinishedSpans(move |span: FinishedSpan| export(&queues, span));
    // Everything else that opens spans is a library's.
    let spans = layer.with_filter(filter_fn(move |meta| {
        wanted && meta.is_span() && meta.target() == crate::span::TARGET
    }));
    let subscriber = Spans::default().with(lines).with(spans);
    subscriber.try_init().map_err(LogError::from)?;
    Ok(guard)
}

/// A trace that its head has decided not to keep is not exported.
fn export(queues: &[Queue], span: FinishedSpan) {
    if !span.context.trace().is_some_and(|trace| trace.sampled) {
        return;
    }
    if let [only] = queues {
        return only.offer(Signal::Span(Box::new(span)));
    }
    for queue in queues {
        queue.offer(Signal::Span(Box::new(span.clone())));
    }
}

impl Guard {
    /// What observers send to.
    pub fn sinks(&self) -> Sinks {
        self.sinks.clone()
    }

    /// Waits until everything observed so far was sent and written; says whether it was.
    pub fn flush(&self) -> bool {
        let deadline = Instant::now() + EXPORT_FLUSH_MAX;
        // One that is late has used up the time of those behind it.
        let sent = self.exporters.iter().all(|one| one.drain(deadline));
        self.log.as_ref().is_none_or(LogGuard::flush) && sent
    }

    /// Ends everything and says what became of it.
    pub fn finish(mut self) -> Summary {
        let exporters = self.end_exporters();
        let log = self.log.take().map(LogGuard::finish).unwrap_or_default();
        Summary { log, exporters }
    }

    /// All close before any is waited for: they share the deadline.
    fn end_exporters(&mut self) -> Vec<ExportSummary> {
        let deadline = Instant::now() + EXPORT_FLUSH_MAX;
        let mut exporters = std::mem::take(&mut self.exporters);
        exporters.iter().for_each(Running::close);
        exporters
            .iter_mut()
            .map(|exporter| exporter.finish(deadline))
            .collect()
    }
}

impl Drop for Guard {
    /// The exporters first: what they have to say is logged.
    fn drop(&mut self) {
        self.end_exporters();
    }
}

impl Sinks {
    /// The version that services name, if it is said.
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// Decides which traces are kept; an [`IdSource`](crate::trace::IdSource) takes it.
    pub fn sampler(&self) -> Sampler {
        self.sampler
    }

    /// The registry of a service, whose metrics go to every exporter that collects them.
    ///
    /// # Errors
    /// When the metrics cannot be registered.
    pub fn registry(&self, identity: Identity) -> Result<Registry, MetricsError> {
        Registry::collected(identity, &self.metrics)
    }

    /// Shows what the process's log and exporters drop among the metrics of one of its services.
    pub fn show_drops_in(&self, registry: &Registry) {
        if let Some(log) = &self.log {
            log.count_in(registry.counter(metric::LOG_LINES_DROPPED, &[]));
        }
        self.drops.show_in(registry);
    }
}

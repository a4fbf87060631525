//! Exporters: where finished spans and metrics leave the process.
//!
//! Each is a file of this folder and a line of [`start`](crate::start): it says what it takes and how that is sent. It runs on
//! a thread of its own and may block there, but for no longer than [`EXPORT_MAX`]. Spans come through a queue that is bounded
//! and never waits; what does not fit is dropped and counted by exporter and reason. Metrics are not queued: their series
//! gather until the exporter collects them. Must not know who observes.

pub mod dogstatsd;
pub(crate) mod drops;
mod http;
pub mod otlp;
pub(crate) mod queue;
pub mod span_file;

use std::time::Duration;

use crate::metrics::Collector;
use crate::span::FinishedSpan;

/// Longest that one [`export`](Exporter::export) may take; an exporter on a network sets its time limits by it.
pub const EXPORT_MAX: Duration = Duration::from_secs(10);

/// Something that left the place where it was observed.
#[derive(Debug, Clone)]
pub enum Signal {
    /// A span that is over.
    Span(Box<FinishedSpan>),
}

/// What an exporter wants to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wants {
    /// Spans that are over and whose trace is kept.
    pub spans: bool,
    /// How often it collects metrics; never, if absent.
    pub metrics_every: Option<Duration>,
}

/// Sends what was observed to somewhere.
pub trait Exporter: Send + 'static {
    /// Its name in `telemetry.exports.dropped` and in messages.
    fn name(&self) -> &'static str;

    /// What it wants; asked once.
    fn wants(&self) -> Wants;

    /// Sends a batch, in the order of observation.
    ///
    /// # Errors
    /// What was lost and why; it is counted, and the next batch is tried.
    fn export(&mut self, batch: &[Signal]) -> Result<(), ExportError>;

    /// Collects metrics and sends them.
    ///
    /// # Errors
    /// As with a batch; what was lost is counted in metric values.
    fn export_metrics(&mut self, _metrics: &Collector) -> Result<(), ExportError> {
        Ok(())
    }

    /// Sends what it still holds, at the end; metrics were collected before.
    ///
    /// # Errors
    /// As with a batch.
    fn finish(&mut self) -> Result<(), ExportError> {
        Ok(())
    }
}

/// Why a part of a batch was lost.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ExportError {
    /// A word for `telemetry.exports.dropped`, such as `refused`.
    pub reason: &'static str,
    /// How many signals, or values of metrics.
    pub lost: usize,
    /// For people: what happened, and where.
    pub message: String,
}

/// What became of what an exporter was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportSummary {
    /// Which exporter.
    pub exporter: &'static str,
    /// How many signals and values were dropped, for whatever reason.
    pub dropped: u64,
    /// Whether everything else was sent before the deadline.
    pub complete: bool,
}

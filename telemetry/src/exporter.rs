//! Exporters: where finished spans and metric observations leave the process.
//!
//! Each is a file of this folder and a line of [`start`](crate::start): it says what it takes and how a batch is sent. The
//! queue in front of it is bounded and never waits; what does not fit is dropped and counted by exporter and reason. It
//! runs on a thread of its own and may block there, but for no longer than [`EXPORT_MAX`]. Must not know who observes.

pub(crate) mod drops;
pub(crate) mod queue;
pub mod span_file;

use std::time::Duration;

use crate::catalogue::Metric;
use crate::identity::Identity;
use crate::span::FinishedSpan;

/// Longest that one [`export`](Exporter::export) may take; an exporter on a network sets its time limits by it.
pub const EXPORT_MAX: Duration = Duration::from_secs(10);

/// Something that left the place where it was observed.
#[derive(Debug, Clone)]
pub enum Signal {
    /// A span that is over.
    Span(Box<FinishedSpan>),
    /// One observation of a metric.
    Point(Box<Point>),
}

/// One observation of a metric, see [`Observation`](crate::metrics::Observation).
#[derive(Debug, Clone)]
pub struct Point {
    /// The service that reports.
    pub identity: Identity,
    /// What was observed.
    pub metric: Metric,
    /// Names and values of the metric's own tags.
    pub tags: Vec<(&'static str, String)>,
    /// The increment of a counter, the new value of a gauge, the observed value of a distribution.
    pub value: f64,
    /// How often a distribution observed it.
    pub count: u64,
}

/// What an exporter wants to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wants {
    /// Spans that are over and whose trace is kept.
    pub spans: bool,
    /// Each observation of a metric.
    pub points: bool,
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

    /// Sends what it still holds, at the end.
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
    /// How many signals.
    pub lost: usize,
    /// For people: what happened, and where.
    pub message: String,
}

/// What became of what an exporter was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportSummary {
    /// Which exporter.
    pub exporter: &'static str,
    /// How many signals were dropped, for whatever reason.
    pub dropped: u64,
    /// Whether everything else was sent before the deadline.
    pub complete: bool,
}

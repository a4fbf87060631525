//! What a run is to be.

use std::sync::Arc;

use time::OffsetDateTime;

use super::own_metrics::OwnMetricsSpec;
use super::telemetry::TelemetrySpec;
use crate::redact::Shown;
use crate::report::Labels;
use crate::report::folder::RunFolder;
use crate::report::html::TraceUrl;
use crate::rum::settings::RumSpec;
use crate::scenario::Scenario;
use crate::schedule::Segment;

/// Everything that decides what a run is.
pub struct RunSpec {
    /// What to do, its seed, its run id and its target included; without a target the embedded shop is started.
    pub scenario: Arc<Scenario>,
    /// An empty run folder; it holds all files of the run afterwards.
    pub folder: RunFolder,
    /// When the run was asked for.
    pub started: OffsetDateTime,
    /// The share of the schedule that is sent.
    pub segment: Segment,
    /// Worker threads; one a core without a number, one core less beside the embedded shop.
    pub workers: Option<u32>,
    /// Whether promises and books are compared before the target is stopped.
    pub audit: bool,
    /// Whether the embedded shop's data stays in the run folder whatever comes out. It stays in any case while an audit that was
    /// asked for has not found the run clean.
    pub keep_shop: bool,
    /// What opens the books of a target that is not the embedded shop.
    pub books_token: Option<String>,
    /// Where traces can be looked at.
    pub trace_url: Option<TraceUrl>,
    /// Where the run's own metrics are served.
    pub own_metrics: OwnMetricsSpec,
    /// What is recorded of the system under test.
    pub telemetry: TelemetrySpec,
    /// Where the RUM events of shoppers who are browsers go; `None` if nobody wants them.
    pub rum: Option<RumSpec>,
    /// What the run is called, and noted of it.
    pub labels: Labels,
    /// The command that repeats the run, without secrets.
    pub command: Vec<Shown>,
}

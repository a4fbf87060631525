//! What the collector needs to know of a run.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::watch;

use super::journal::Journal;
use super::phases::Phases;
use super::snapshot::LatestSnapshot;
use crate::control::Control;
use crate::scenario::Scenario;
use crate::schedule::Schedule;

/// The run, as the collector must know it.
pub struct CollectorSetup {
    /// The scenario.
    pub scenario: Arc<Scenario>,
    /// Its phases.
    pub phases: Phases,
    /// Its schedule, if the load is open.
    pub schedule: Option<Arc<Schedule>>,
    /// This process's share of the schedule (1 / number of segments).
    pub share: f64,
    /// Workers that hand over.
    pub workers: usize,
    /// When the run begins.
    pub start: Instant,
    /// What the run is told.
    pub control: watch::Receiver<Control>,
    /// Where views look.
    pub latest: LatestSnapshot,
    /// Where ticks are written.
    pub journal: Box<dyn Journal>,
}

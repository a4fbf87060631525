//! What a worker is given.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::plan::Plan;
use crate::control::Control;
use crate::measure::Phases;
use crate::rum::thread::Feed;
use crate::schedule::{Schedule, Segment};
use crate::shopper::ScenarioData;

/// A worker's part of a run, and what it shares with the others.
#[derive(Clone)]
pub(super) struct WorkerSetup {
    /// Its number, from 0.
    pub(super) number: usize,
    /// How many there are.
    pub(super) workers: u32,
    /// Its share of the schedule.
    pub(super) segment: Segment,
    pub(super) world: Arc<ScenarioData>,
    pub(super) plan: Arc<Plan>,
    /// The schedule of an open load.
    pub(super) schedule: Option<Arc<Schedule>>,
    pub(super) phases: Phases,
    /// Offset 0 of the schedule.
    pub(super) start: Instant,
    /// Length of a tick.
    pub(super) tick: Duration,
    pub(super) control: watch::Receiver<Control>,
    /// The way to the thread of RUM events.
    pub(super) rum: Option<Feed>,
}

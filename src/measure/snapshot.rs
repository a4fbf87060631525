//! What a run looks like at this moment: plain data for progress lines and live views.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::{Arrivals, Cell, Times};

/// Windows kept for charts.
pub const HISTORY: usize = 600;

/// One tick of the run, all workers together.
#[derive(Debug, Clone, Default)]
pub struct Tick {
    /// End of the tick since the run began.
    pub at: Duration,
    /// Length of the tick.
    pub length: Duration,
    /// Journeys a second that were planned.
    pub rate_planned: f64,
    /// Journeys a second that began.
    pub rate_achieved: f64,
    /// All steps together.
    pub all: Cell,
    /// By figure.
    pub figures: Vec<Cell>,
    /// The generator's lateness.
    pub start_lag: Times,
    /// Shoppers in the shop.
    pub shoppers: u32,
    /// Open connections.
    pub connections: u32,
}

/// The state of a run at a tick.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// Time since the run began.
    pub elapsed: Duration,
    /// Planned length of the run, if it has one.
    pub planned: Option<Duration>,
    /// Name of the current phase.
    pub phase: String,
    /// Arrivals so far.
    pub arrivals: Arrivals,
    /// Steps so far, all together, warm-up left out.
    pub all: Cell,
    /// Steps so far by figure, warm-up left out.
    pub figures: Vec<Cell>,
    /// The generator's lateness so far.
    pub start_lag: Times,
    /// Business counters so far, in the scenario's order.
    pub counters: Vec<u64>,
    /// Errors so far by figure and name.
    pub errors: Vec<(u16, String, u64)>,
    /// Reasons why the run is not valid so far.
    pub invalid: Vec<String>,
    /// Whether the run is over.
    pub finished: bool,
    /// The last ticks, at most [`HISTORY`].
    pub history: VecDeque<Arc<Tick>>,
}

/// Where the collector publishes and views look.
#[derive(Debug, Clone, Default)]
pub struct Board(Arc<Mutex<Arc<Snapshot>>>);

impl Board {
    /// The newest snapshot.
    pub fn read(&self) -> Arc<Snapshot> {
        match self.0.lock() {
            Ok(current) => current.clone(),
            Err(poisoned) => poisoned.into_inner().clone(),
        }
    }

    /// Replaces it.
    pub fn publish(&self, snapshot: Snapshot) {
        let snapshot = Arc::new(snapshot);
        match self.0.lock() {
            Ok(mut current) => *current = snapshot,
            Err(poisoned) => *poisoned.into_inner() = snapshot,
        }
    }
}

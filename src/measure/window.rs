//! What one worker recorded between two ticks.

use std::collections::BTreeMap;

use super::histogram::LatencyHistogram;
use super::phases::PhaseId;
use super::samples::{Example, Sample, Slowest};
use super::stats::{Arrivals, JourneyStats, StepStats};
use crate::scenario::{CounterId, StepNameId};

/// Everything that one worker recorded between two ticks. Sparse: most phases are not active at the time.
#[derive(Debug, Default)]
pub struct Window {
    /// By phase and figure.
    pub cells: BTreeMap<(PhaseId, StepNameId), Box<StepStats>>,
    /// By phase and index of the journey.
    pub journeys: BTreeMap<(PhaseId, u16), Box<JourneyStats>>,
    /// The generator's own lateness, by phase.
    pub start_lag: BTreeMap<PhaseId, LatencyHistogram>,
    /// Business counters by phase.
    pub counters: BTreeMap<(PhaseId, CounterId), u64>,
    /// Foreseen outcomes by phase, figure and name.
    pub outcomes: BTreeMap<(PhaseId, StepNameId, String), u64>,
    /// Errors by phase, figure and name.
    pub errors: BTreeMap<(PhaseId, StepNameId, String), u64>,
    /// Shoppers who came to a step, by index of the journey and place in its funnel.
    pub reached: BTreeMap<(u16, u8), u64>,
    /// Arrivals by second of intended time.
    pub arrivals: BTreeMap<u32, Arrivals>,
    /// Reasons of dropped arrivals.
    pub dropped: BTreeMap<&'static str, u64>,
    /// The slowest of the window.
    pub slowest: Slowest,
    /// First examples of errors.
    pub examples: Vec<Example>,
    /// A fair draw from all samples (only in a worker's last window).
    pub reservoir: Vec<Sample>,
    /// Promises to clients, lines for `orders.jsonl`.
    pub promises: Vec<String>,
    /// Shoppers at the tick.
    pub shoppers: u32,
    /// Open connections at the tick.
    pub connections: u32,
    /// Answers by protocol.
    pub protocols: BTreeMap<&'static str, u64>,
}

impl Window {
    /// Empties it and keeps the large pieces of memory for use again.
    pub fn clear(&mut self) {
        self.cells.retain(|_, cell| !cell.is_empty());
        self.cells.values_mut().for_each(|cell| cell.clear());
        self.journeys.retain(|_, cell| cell.total() > 0);
        self.journeys.values_mut().for_each(|cell| cell.clear());
        self.start_lag
            .values_mut()
            .for_each(LatencyHistogram::clear);
        self.counters.clear();
        self.outcomes.clear();
        self.errors.clear();
        self.reached.clear();
        self.arrivals.clear();
        self.dropped.clear();
        self.slowest.clear();
        self.examples.clear();
        self.reservoir.clear();
        self.promises.clear();
        self.protocols.clear();
    }
}

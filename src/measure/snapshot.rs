//! What a run looks like at this moment: plain data for progress lines and live views.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::{Arrivals, Cell, Times};

/// Windows kept for charts.
pub const HISTORY: usize = 600;

/// Rows of a heat map: eight a decade from [`HEAT_FROM`].
pub const HEAT_ROWS: usize = 56;

/// Lower edge of the lowest row of a heat map; what is faster is counted there, too.
pub const HEAT_FROM: Duration = Duration::from_micros(10);

/// The row of a heat map that a time belongs to; row `r` begins at `HEAT_FROM · 10^(r/8)`.
pub fn heat_row(time: Duration) -> usize {
    let ratio = time.as_secs_f64() / HEAT_FROM.as_secs_f64();
    if ratio <= 1.0 {
        0
    } else {
        ((ratio.log10() * 8.0) as usize).min(HEAT_ROWS - 1)
    }
}

/// One tick of the run, all workers together: small, because hundreds of them are kept.
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
    pub all: Brief,
    /// By figure.
    pub figures: Vec<Brief>,
    /// The generator's lateness.
    pub start_lag: Quantiles,
    /// CPU cores used by the generator.
    pub cpu: f64,
    /// Shoppers in the shop.
    pub shoppers: u32,
    /// Open connections.
    pub connections: u32,
}

/// One figure in one tick.
#[derive(Debug, Clone, Default)]
pub struct Brief {
    /// Steps that ended well.
    pub ok: u64,
    /// Steps that ended in a foreseen outcome.
    pub outcomes: u64,
    /// Steps that failed, time-outs among them.
    pub errors: u64,
    /// Response time.
    pub response: Quantiles,
    /// Service time.
    pub service: Quantiles,
    /// Response times by row of the heat map; empty without steps.
    pub heat: Vec<u32>,
}

/// A few quantiles of a histogram; `None` without readings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Quantiles {
    /// Readings.
    pub count: u64,
    /// Median.
    pub p50: Option<Duration>,
    /// 90th percentile.
    pub p90: Option<Duration>,
    /// 99th percentile.
    pub p99: Option<Duration>,
    /// 99.9th percentile.
    pub p99_9: Option<Duration>,
    /// Maximum.
    pub max: Option<Duration>,
}

impl Quantiles {
    /// Reads them off a histogram.
    pub fn of(times: &Times) -> Self {
        Self {
            count: times.count(),
            p50: times.quantile(0.5),
            p90: times.quantile(0.9),
            p99: times.quantile(0.99),
            p99_9: times.quantile(0.999),
            max: times.quantile(1.0),
        }
    }
}

impl Brief {
    /// Sums a cell up.
    pub fn of(cell: &Cell) -> Self {
        Self {
            ok: cell.ok,
            outcomes: cell.outcomes,
            errors: cell.errors(),
            response: Quantiles::of(&cell.response),
            service: Quantiles::of(&cell.service),
            heat: heat(&cell.response),
        }
    }

    /// Steps that came to an end.
    pub fn finished(&self) -> u64 {
        self.ok + self.outcomes + self.errors
    }
}

fn heat(times: &Times) -> Vec<u32> {
    if times.count() == 0 {
        return Vec::new();
    }
    let mut rows = vec![0_u32; HEAT_ROWS];
    for value in times.histogram().iter_recorded() {
        let count = u32::try_from(value.count_at_value()).unwrap_or(u32::MAX);
        let row = &mut rows[heat_row(Duration::from_micros(value.value_iterated_to()))];
        *row = row.saturating_add(count);
    }
    rows
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

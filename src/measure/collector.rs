//! One thread that takes the workers' windows, adds them up, writes the journal and publishes snapshots.
//!
//! It owns all disk work of a run, so that no worker ever waits for a disk. Must not know: sockets, shoppers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::gallery::Gallery;
use super::samples::Sample;
use super::snapshot::{Board, Snapshot};
use super::ticks::OpenTicks;
pub use super::ticks::TickSum;
use super::{Arrivals, Cell, JourneyCell, PhaseId, Phases, Times, Window};
use crate::control::Control;
use crate::scenario::{CounterId, FigureId, Scenario};
use crate::schedule::Schedule;

/// Slowest samples kept per step over the whole run.
const SLOWEST_PER_STEP: usize = 20;

/// Examples of errors kept over the whole run.
const EXAMPLES_MAX: usize = 300;

/// A worker's report at a tick.
#[derive(Debug)]
pub struct Handover {
    /// Which worker.
    pub worker: usize,
    /// Number of the tick, from 0.
    pub tick: u32,
    /// When it handed over, since the run began.
    pub at: Duration,
    /// What it recorded since the one before.
    pub window: Window,
    /// Whether it is the worker's last.
    pub last: bool,
}

/// Everything measured, added up. Histograms are added bucket for bucket, so that segments of a run can be, too.
#[derive(Debug, Clone, Default)]
pub struct Totals {
    /// By phase and figure.
    pub cells: BTreeMap<(PhaseId, FigureId), Cell>,
    /// By phase and journey.
    pub journeys: BTreeMap<(PhaseId, u16), JourneyCell>,
    /// By phase.
    pub start_lag: BTreeMap<PhaseId, Times>,
    /// By phase and counter.
    pub counters: BTreeMap<(PhaseId, CounterId), u64>,
    /// By phase, figure and name.
    pub outcomes: BTreeMap<(PhaseId, FigureId, String), u64>,
    /// By phase, figure and name.
    pub errors: BTreeMap<(PhaseId, FigureId, String), u64>,
    /// Shoppers who came to a step, by index of the journey and place in its funnel. Warm-up counts here.
    pub reached: BTreeMap<(u16, u8), u64>,
    /// By second of intended time.
    pub arrivals: Vec<Arrivals>,
    /// Dropped arrivals by reason.
    pub dropped: BTreeMap<String, u64>,
    /// Kept whole.
    pub samples: Vec<Sample>,
    /// Most shoppers at one tick.
    pub shoppers_max: u32,
    /// Most open connections at one tick.
    pub connections_max: u32,
}

impl Totals {
    /// Adds one window.
    pub fn add(&mut self, window: &Window) {
        for (key, cell) in &window.cells {
            self.cells.entry(*key).or_default().add(cell);
        }
        for (key, cell) in &window.journeys {
            self.journeys.entry(*key).or_default().add(cell);
        }
        for (phase, lag) in &window.start_lag {
            self.start_lag.entry(*phase).or_default().add(lag);
        }
        add_counts(&mut self.counters, &window.counters);
        add_counts(&mut self.outcomes, &window.outcomes);
        add_counts(&mut self.errors, &window.errors);
        add_counts(&mut self.reached, &window.reached);
        for (reason, count) in &window.dropped {
            *self.dropped.entry((*reason).to_owned()).or_default() += count;
        }
        self.add_arrivals(window);
        self.add_samples(window);
    }

    fn add_arrivals(&mut self, window: &Window) {
        for (second, arrivals) in &window.arrivals {
            let index = *second as usize;
            if self.arrivals.len() <= index {
                self.arrivals.resize(index + 1, Arrivals::default());
            }
            self.arrivals[index].add(arrivals);
        }
    }

    fn add_samples(&mut self, window: &Window) {
        let room =
            EXAMPLES_MAX.saturating_sub(self.samples.iter().filter(|s| s.kept == "failed").count());
        self.samples
            .extend(window.examples.iter().take(room).cloned());
        self.samples.extend(window.reservoir.iter().cloned());
        for sample in window.slowest.iter() {
            self.offer_slowest(sample);
        }
    }

    fn offer_slowest(&mut self, sample: &Sample) {
        let same = |kept: &Sample| kept.kept == "slowest" && kept.figure == sample.figure;
        if self.samples.iter().filter(|kept| same(kept)).count() >= SLOWEST_PER_STEP {
            let fastest = self
                .samples
                .iter()
                .enumerate()
                .filter(|(_, kept)| same(kept))
                .min_by_key(|(_, kept)| kept.response_us());
            match fastest {
                Some((_, kept)) if kept.response_us() >= sample.response_us() => return,
                Some((index, _)) => drop(self.samples.swap_remove(index)),
                None => return,
            }
        }
        self.samples.push(sample.clone());
    }

    /// One figure over the phases that `take` accepts.
    pub fn figure(&self, figure: FigureId, take: impl Fn(PhaseId) -> bool) -> Cell {
        self.cells_where(|phase, of| of == figure && take(phase))
    }

    /// The sum of all cells that `take` accepts.
    pub fn cells_where(&self, take: impl Fn(PhaseId, FigureId) -> bool) -> Cell {
        let mut sum = Cell::default();
        for ((phase, figure), cell) in &self.cells {
            if take(*phase, *figure) {
                sum.add(cell);
            }
        }
        sum
    }

    /// Start lag over the phases that `take` accepts.
    pub fn start_lag_where(&self, take: impl Fn(PhaseId) -> bool) -> Times {
        let mut sum = Times::default();
        for (phase, lag) in &self.start_lag {
            if take(*phase) {
                sum.add(lag);
            }
        }
        sum
    }

    /// All arrivals.
    pub fn arrivals_all(&self) -> Arrivals {
        self.arrivals
            .iter()
            .fold(Arrivals::default(), |mut sum, one| {
                sum.add(one);
                sum
            })
    }
}

fn add_counts<K: Ord + Clone>(to: &mut BTreeMap<K, u64>, from: &BTreeMap<K, u64>) {
    for (key, count) in from {
        *to.entry(key.clone()).or_default() += count;
    }
}

/// Where ticks and promises are written.
pub trait Journal: Send {
    /// One tick of the run.
    fn tick(&mut self, tick: &TickSum);
    /// Promises to clients, one line of JSON each.
    fn promises(&mut self, lines: &[String]);
    /// Samples kept so far.
    fn samples(&mut self, samples: &[Sample]);
    /// The state of the run at a tick, for views in other processes.
    fn snapshot(&mut self, snapshot: &Snapshot);
    /// What could not be written and why, if so; it was left alone after that.
    fn failure(&self) -> Option<String>;
}

/// How the generator itself fared.
#[derive(Debug, Clone, Default)]
pub struct OwnHealth {
    /// CPU seconds used in each tick, and the tick's length.
    pub cpu: Vec<(Duration, Duration)>,
    /// Highest resident memory seen, bytes.
    pub memory_bytes_max: u64,
    /// Why the journal is incomplete, if it is.
    pub journal_failure: Option<String>,
}

/// What the collector needs to know of the run.
pub struct Setup {
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
    pub board: Board,
    /// Where ticks are written.
    pub journal: Box<dyn Journal>,
}

/// Runs until every worker has handed over its last window (or is gone), and returns the sums.
pub fn collect(
    mut setup: Setup,
    inbox: &Receiver<Handover>,
    spares: &[SyncSender<Window>],
) -> (Totals, OwnHealth) {
    let mut state = State::new(&setup);
    while !state.ticks.all_done() {
        // Workers that are gone without a word have nothing more to tell.
        let Ok(report) = inbox.recv() else { break };
        let spare = spares.get(report.worker);
        let mut window = state.accept(report, &mut setup);
        if let Some(spare) = spare {
            window.clear();
            // A full channel means that the worker has spares enough.
            let _ = spare.try_send(window);
        }
    }
    state.close(&mut setup);
    (state.totals, state.health)
}

struct State {
    totals: Totals,
    health: OwnHealth,
    ticks: OpenTicks,
    gallery: Gallery,
    last_tick_at: Duration,
    published: u32,
    cpu_before: Duration,
}

impl State {
    fn new(setup: &Setup) -> Self {
        Self {
            totals: Totals::default(),
            health: OwnHealth::default(),
            ticks: OpenTicks::new(setup.workers, setup.scenario.figures.len()),
            gallery: Gallery::new(setup),
            last_tick_at: Duration::ZERO,
            published: 0,
            cpu_before: crate::own::cpu_time(),
        }
    }

    /// Adds up a worker's window and gives it back.
    fn accept(&mut self, report: Handover, setup: &mut Setup) -> Window {
        self.totals.add(&report.window);
        self.gallery.add(&report.window, &setup.phases);
        setup.journal.promises(&report.window.promises);
        self.ticks.add(&report);
        while let Some(sum) = self.ticks.take_complete() {
            self.publish(sum, setup);
        }
        report.window
    }

    fn close(&mut self, setup: &mut Setup) {
        while let Some(sum) = self.ticks.take_any() {
            self.publish(sum, setup);
        }
        setup.journal.samples(&self.totals.samples);
        self.show(setup, true);
    }

    fn publish(&mut self, mut tick: TickSum, setup: &mut Setup) {
        let before = std::mem::replace(&mut self.last_tick_at, tick.at);
        tick.length = tick.at.saturating_sub(before).max(Duration::from_millis(1));
        tick.rate_achieved /= tick.length.as_secs_f64();
        let now = crate::own::cpu_time();
        let used = now.saturating_sub(self.cpu_before);
        self.cpu_before = now;
        self.health.cpu.push((used, tick.length));
        self.health.memory_bytes_max = self.health.memory_bytes_max.max(crate::own::memory_bytes());
        let seconds = tick.length.as_secs_f64();
        self.gallery.follow_control(setup);
        if let Some(schedule) = self.gallery.schedule() {
            tick.rate_planned =
                schedule.planned_between(before, tick.at) as f64 * setup.share / seconds;
        }
        self.totals.shoppers_max = self.totals.shoppers_max.max(tick.shoppers);
        self.totals.connections_max = self.totals.connections_max.max(tick.connections);
        tick.cpu = used.as_secs_f64() / seconds;
        setup.journal.tick(&tick);
        if self.published % 10 == 9 {
            setup.journal.samples(&self.totals.samples);
        }
        self.published += 1;
        self.gallery.hang(tick.brief());
        self.show(setup, false);
    }

    fn show(&mut self, setup: &mut Setup, finished: bool) {
        self.health.journal_failure = setup.journal.failure();
        let snapshot = self
            .gallery
            .snapshot(setup, &self.totals, &self.health, finished);
        let snapshot = Arc::new(snapshot);
        setup.journal.snapshot(&snapshot);
        setup.board.publish(snapshot);
    }
}

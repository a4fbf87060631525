//! Samples in, histograms out.
//!
//! Each worker records into its own [`Recorder`], which nothing else touches; at every tick it hands the [`Window`] since the
//! last one to the collector and gets an empty one back. Memory depends on the number of steps and phases, never on the
//! number of samples. Must not know: how samples come about.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::scenario::{CounterId, FigureId};

pub mod collector;
mod gallery;
pub mod phases;
pub mod samples;
pub mod snapshot;
mod ticks;

pub use phases::{PhaseId, Phases};
use samples::{Example, Sample, Slowest};

/// Highest time that a histogram holds; a longer one is recorded as this (and the request has timed out long before).
pub const TIME_MAX: Duration = Duration::from_secs(3600);

/// Significant decimal digits of every histogram.
pub const SIGNIFICANT_DIGITS: u8 = 3;

/// An arrival whose first step begins within this long of its intended time has been achieved.
pub const ON_TIME: Duration = Duration::from_millis(100);

/// A latency histogram in microseconds.
#[derive(Debug, Clone)]
pub struct Times(Histogram<u64>);

impl Default for Times {
    fn default() -> Self {
        // Three digits are always valid.
        let mut histogram = Histogram::new(SIGNIFICANT_DIGITS)
            .unwrap_or_else(|_| unreachable!("3 digits are within 0..=5"));
        histogram.auto(true);
        Self(histogram)
    }
}

impl Times {
    /// Wraps a decoded histogram. It grows like any other: a decoded one is only as wide as its own readings, and readings
    /// of another one added to it would be lost.
    pub fn from_histogram(mut histogram: Histogram<u64>) -> Self {
        histogram.auto(true);
        Self(histogram)
    }

    /// Adds one reading, rounded to the nearest microsecond.
    pub fn record(&mut self, time: Duration) {
        let nanos = time.min(TIME_MAX).as_nanos();
        let micros = u64::try_from((nanos + 500) / 1000).unwrap_or(u64::MAX);
        // Cannot fail: the histogram grows as needed (`saturating_record` would cut the value off instead).
        let _ = self.0.record(micros);
    }

    /// Adds all readings of another histogram: exact, bucket for bucket.
    pub fn add(&mut self, other: &Self) {
        // Cannot fail: this histogram grows as needed.
        let _ = self.0.add(&other.0);
    }

    /// The value at a quantile (0…1; 1 is the maximum), or `None` without readings.
    ///
    /// The answer is the bucket's middle, so that the error is at most half a bucket (0.05 %) to either side.
    pub fn quantile(&self, q: f64) -> Option<Duration> {
        if self.0.is_empty() {
            return None;
        }
        let micros = if q >= 1.0 {
            self.0.max()
        } else {
            self.0.median_equivalent(self.0.value_at_quantile(q))
        };
        Some(Duration::from_micros(micros))
    }

    /// Number of readings.
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// Forgets all readings and keeps the memory.
    pub fn clear(&mut self) {
        self.0.reset();
    }

    /// The histogram itself, for encoding.
    pub fn histogram(&self) -> &Histogram<u64> {
        &self.0
    }
}

/// How one step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending<'a> {
    /// As hoped.
    Ok,
    /// In a foreseen way that is neither success nor error, by its name.
    Outcome(&'a str),
    /// With an error of this name.
    Failed(&'a str),
    /// Without an answer within the time limit.
    TimedOut,
    /// Still in flight when the run ended; its times are what had passed until then.
    InFlight,
}

/// What an answer was to a request with an idempotency key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Replay {
    /// The request had no key, or there was no answer.
    #[default]
    Unkeyed,
    /// The target did what was asked.
    Fresh,
    /// It said again what it had done for this shopper: the key was sent before.
    Foreseen,
    /// It said again what it had done for someone else: the key was sent for the first time.
    Unforeseen,
}

/// Answers to requests with an idempotency key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Replays {
    /// All of them.
    pub keyed: u64,
    /// Of these, answers that the target gave from memory.
    pub replayed: u64,
    /// Of these, answers to a key's first use.
    pub unforeseen: u64,
}

impl Replays {
    /// Adds another count.
    pub fn add(&mut self, other: &Self) {
        self.keyed += other.keyed;
        self.replayed += other.replayed;
        self.unforeseen += other.unforeseen;
    }

    fn count(&mut self, replay: Replay) {
        self.keyed += u64::from(replay != Replay::Unkeyed);
        self.replayed += u64::from(matches!(replay, Replay::Foreseen | Replay::Unforeseen));
        self.unforeseen += u64::from(replay == Replay::Unforeseen);
    }
}

/// What is kept of one figure (a step's name) in one phase.
#[derive(Debug, Clone, Default)]
pub struct Cell {
    /// Done − intended.
    pub response: Times,
    /// Done − sent.
    pub service: Times,
    /// Sent − asked for a connection.
    pub connection_wait: Times,
    /// Steps that ended well.
    pub ok: u64,
    /// Steps that ended in a foreseen outcome.
    pub outcomes: u64,
    /// Steps that failed, time-outs not among them.
    pub failed: u64,
    /// Steps without an answer in time.
    pub timed_out: u64,
    /// Steps still in flight at the end of the run.
    pub in_flight: u64,
    /// Bytes of response bodies.
    pub bytes: u64,
    /// Answers to requests with an idempotency key.
    pub replays: Replays,
}

impl Cell {
    /// Steps that were answered as hoped or foreseen.
    pub fn succeeded(&self) -> u64 {
        self.ok + self.outcomes
    }

    /// Steps that came to an end.
    pub fn finished(&self) -> u64 {
        self.ok + self.outcomes + self.errors()
    }

    /// Failures and time-outs.
    pub fn errors(&self) -> u64 {
        self.failed + self.timed_out
    }

    /// Adds another cell.
    pub fn add(&mut self, other: &Self) {
        self.response.add(&other.response);
        self.service.add(&other.service);
        self.connection_wait.add(&other.connection_wait);
        self.ok += other.ok;
        self.outcomes += other.outcomes;
        self.failed += other.failed;
        self.timed_out += other.timed_out;
        self.in_flight += other.in_flight;
        self.bytes += other.bytes;
        self.replays.add(&other.replays);
    }

    fn clear(&mut self) {
        self.response.clear();
        self.service.clear();
        self.connection_wait.clear();
        (
            self.ok,
            self.outcomes,
            self.failed,
            self.timed_out,
            self.in_flight,
            self.bytes,
        ) = (0, 0, 0, 0, 0, 0);
        self.replays = Replays::default();
    }

    fn is_empty(&self) -> bool {
        self.finished() + self.in_flight == 0
    }
}

/// How a journey ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JourneyEnding {
    /// It reached its last step, or the shopper left as people do.
    Completed,
    /// A step failed and the shopper gave up.
    Failed,
    /// A step had no answer in time.
    TimedOut,
    /// The run ended first.
    InFlight,
}

/// What is kept of one journey in one phase.
#[derive(Debug, Clone, Default)]
pub struct JourneyCell {
    /// From arrival to the end, think times taken out.
    pub response: Times,
    /// Completed, or left by choice.
    pub completed: u64,
    /// Ended by a failed step.
    pub failed: u64,
    /// Ended by a time-out.
    pub timed_out: u64,
    /// Cut off by the end of the run.
    pub in_flight: u64,
}

impl JourneyCell {
    /// Adds another cell.
    pub fn add(&mut self, other: &Self) {
        self.response.add(&other.response);
        self.completed += other.completed;
        self.failed += other.failed;
        self.timed_out += other.timed_out;
        self.in_flight += other.in_flight;
    }

    /// Journeys of this kind.
    pub fn total(&self) -> u64 {
        self.completed + self.failed + self.timed_out + self.in_flight
    }

    fn clear(&mut self) {
        self.response.clear();
        (self.completed, self.failed, self.timed_out, self.in_flight) = (0, 0, 0, 0);
    }
}

/// Arrivals of one second of intended time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Arrivals {
    /// Due.
    pub planned: u64,
    /// Whose shopper began.
    pub started: u64,
    /// Of these, begun within [`ON_TIME`].
    pub on_time: u64,
    /// Not begun, with a reason.
    pub dropped: u64,
}

impl Arrivals {
    /// Adds another count.
    pub fn add(&mut self, other: &Self) {
        self.planned += other.planned;
        self.started += other.started;
        self.on_time += other.on_time;
        self.dropped += other.dropped;
    }
}

/// Everything that one worker recorded between two ticks. Sparse: most phases are not active at the time.
#[derive(Debug, Default)]
pub struct Window {
    /// By phase and figure.
    pub cells: BTreeMap<(PhaseId, FigureId), Box<Cell>>,
    /// By phase and index of the journey.
    pub journeys: BTreeMap<(PhaseId, u16), Box<JourneyCell>>,
    /// The generator's own lateness, by phase.
    pub start_lag: BTreeMap<PhaseId, Times>,
    /// Business counters by phase.
    pub counters: BTreeMap<(PhaseId, CounterId), u64>,
    /// Foreseen outcomes by phase, figure and name.
    pub outcomes: BTreeMap<(PhaseId, FigureId, String), u64>,
    /// Errors by phase, figure and name.
    pub errors: BTreeMap<(PhaseId, FigureId, String), u64>,
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
}

impl Window {
    /// Empties it and keeps the large pieces of memory for use again.
    pub fn clear(&mut self) {
        self.cells.retain(|_, cell| !cell.is_empty());
        self.cells.values_mut().for_each(|cell| cell.clear());
        self.journeys.retain(|_, cell| cell.total() > 0);
        self.journeys.values_mut().for_each(|cell| cell.clear());
        self.start_lag.values_mut().for_each(Times::clear);
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
    }
}

/// The clock readings of one step, as offsets since the run began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// When it should have begun.
    pub intended: Duration,
    /// When a connection was asked for.
    pub asked: Duration,
    /// When it was sent.
    pub sent: Duration,
    /// When it was done.
    pub done: Duration,
}

impl Timing {
    /// Done − intended: what a person would have waited.
    pub fn response(&self) -> Duration {
        self.done.saturating_sub(self.intended)
    }

    /// Done − sent.
    pub fn service(&self) -> Duration {
        self.done.saturating_sub(self.sent)
    }

    /// Sent − asked for a connection.
    pub fn connection_wait(&self) -> Duration {
        self.sent.saturating_sub(self.asked)
    }
}

/// One finished step, as the shopper saw it.
#[derive(Debug, Clone, Copy)]
pub struct StepSample<'a> {
    /// Which step.
    pub figure: FigureId,
    /// Phase of its intended time.
    pub phase: PhaseId,
    /// When all of it happened.
    pub timing: Timing,
    /// How it ended.
    pub ending: Ending<'a>,
    /// HTTP status, 0 without an answer.
    pub status: u16,
    /// Bytes of the body.
    pub bytes: u64,
    /// The Datadog trace id (low 64 bits), 0 without trace headers.
    pub trace_id: u64,
    /// The shopper's number.
    pub shopper: u64,
    /// Whether the target did what was asked, if the request had an idempotency key.
    pub replay: Replay,
}

/// What one worker records into.
#[derive(Debug, Default)]
pub struct Recorder {
    window: Window,
    reservoir: samples::Reservoir,
    examples: samples::ExampleBudget,
}

impl Recorder {
    /// A recorder whose reservoir draws from the given seed.
    pub fn new(seed: u64) -> Self {
        Self {
            reservoir: samples::Reservoir::new(seed),
            ..Self::default()
        }
    }

    /// One finished (or cut off) step.
    pub fn step(&mut self, sample: &StepSample<'_>) {
        let cell = self
            .window
            .cells
            .entry((sample.phase, sample.figure))
            .or_default();
        let response = sample.timing.response();
        match sample.ending {
            Ending::Ok => cell.ok += 1,
            Ending::Outcome(_) => cell.outcomes += 1,
            Ending::Failed(_) => cell.failed += 1,
            Ending::TimedOut => cell.timed_out += 1,
            Ending::InFlight => cell.in_flight += 1,
        }
        cell.response.record(response);
        cell.service.record(sample.timing.service());
        cell.connection_wait.record(sample.timing.connection_wait());
        cell.bytes += sample.bytes;
        cell.replays.count(sample.replay);
        self.named(sample);
        self.window.slowest.offer(response, sample);
        self.reservoir.offer(sample);
    }

    fn named(&mut self, sample: &StepSample<'_>) {
        let tally = match sample.ending {
            Ending::Ok | Ending::InFlight => return,
            Ending::Outcome(name) => {
                self.window
                    .outcomes
                    .entry((sample.phase, sample.figure, name.to_owned()))
            }
            Ending::Failed(name) => {
                self.window
                    .errors
                    .entry((sample.phase, sample.figure, name.to_owned()))
            }
            Ending::TimedOut => {
                self.window
                    .errors
                    .entry((sample.phase, sample.figure, "timeout".to_owned()))
            }
        };
        *tally.or_default() += 1;
    }

    /// Whether another example of this error is wanted: the first few of each kind are kept whole.
    pub fn wants_example(&mut self, figure: FigureId, error: &str) -> bool {
        self.examples.take(figure, error)
    }

    /// Keeps an example.
    pub fn example(&mut self, example: Example) {
        self.window.examples.push(example);
    }

    /// An arrival that was due at the offset.
    pub fn planned(&mut self, intended: Duration) {
        self.arrivals(intended).planned += 1;
    }

    /// A shopper that began, `late` after its intended time.
    pub fn started(&mut self, intended: Duration, late: Duration) {
        let arrivals = self.arrivals(intended);
        arrivals.started += 1;
        arrivals.on_time += u64::from(late <= ON_TIME);
    }

    /// How late the first step of a journey was sent, waits for a connection not counted.
    pub fn start_lag(&mut self, phase: PhaseId, lag: Duration) {
        self.window.start_lag.entry(phase).or_default().record(lag);
    }

    /// An arrival that could not begin.
    pub fn dropped(&mut self, intended: Duration, reason: &'static str) {
        self.arrivals(intended).dropped += 1;
        *self.window.dropped.entry(reason).or_default() += 1;
    }

    fn arrivals(&mut self, intended: Duration) -> &mut Arrivals {
        let second = u32::try_from(intended.as_secs()).unwrap_or(u32::MAX);
        self.window.arrivals.entry(second).or_default()
    }

    /// A journey that ended; `response` is its time without think times.
    pub fn journey(
        &mut self,
        phase: PhaseId,
        journey: u16,
        ending: JourneyEnding,
        response: Duration,
    ) {
        let cell = self.window.journeys.entry((phase, journey)).or_default();
        match ending {
            JourneyEnding::Completed => cell.completed += 1,
            JourneyEnding::Failed => cell.failed += 1,
            JourneyEnding::TimedOut => cell.timed_out += 1,
            JourneyEnding::InFlight => cell.in_flight += 1,
        }
        cell.response.record(response);
    }

    /// A shopper came to a place in a journey's funnel for the first time.
    pub fn reached(&mut self, journey: u16, place: u8) {
        *self.window.reached.entry((journey, place)).or_default() += 1;
    }

    /// A business event.
    pub fn count(&mut self, phase: PhaseId, counter: CounterId) {
        *self.window.counters.entry((phase, counter)).or_default() += 1;
    }

    /// A promise made to a client: one line of JSON.
    pub fn promise(&mut self, line: String) {
        self.window.promises.push(line);
    }

    /// Hands over what was recorded since the last call, and goes on in `spare`.
    pub fn take(&mut self, spare: Window) -> Window {
        std::mem::replace(&mut self.window, spare)
    }

    /// Hands over the rest, the fair draw included.
    pub fn finish(mut self) -> Window {
        self.window.reservoir = self.reservoir.into_samples();
        self.window
    }
}

#[cfg(test)]
mod tests {
    use super::{TIME_MAX, Times};
    use std::time::Duration;

    #[test]
    fn times_of_any_length_keep_three_digits() {
        let mut times = Times::default();
        for micros in [1_u64, 999, 2_047, 2_048, 123_456, 9_876_543, 3_599_000_000] {
            times.clear();
            times.record(Duration::from_micros(micros));
            let found = times.quantile(0.5).unwrap().as_micros() as f64;
            assert!(
                (found / micros as f64 - 1.0).abs() <= 0.001,
                "{micros} came back as {found}"
            );
        }
        times.record(TIME_MAX * 2);
        assert!(times.quantile(1.0).unwrap() <= TIME_MAX.mul_f64(1.001));
    }
}

//! What one worker records into; nothing else touches it.

use std::time::Duration;

use super::phases::PhaseId;
use super::samples::{Example, ExampleBudget, Reservoir};
use super::stats::Arrivals;
use super::step_sample::{Ending, JourneyEnding, StepSample};
use super::window::Window;
use crate::scenario::{CounterId, StepNameId};

/// An arrival whose first step begins within this long of its intended time has been achieved.
pub const ON_TIME: Duration = Duration::from_millis(100);

/// What one worker records into.
#[derive(Debug, Default)]
pub struct Recorder {
    window: Window,
    reservoir: Reservoir,
    examples: ExampleBudget,
}

impl Recorder {
    /// A recorder whose reservoir draws from the given seed.
    pub fn new(seed: u64) -> Self {
        Self {
            reservoir: Reservoir::new(seed),
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
        if let Ending::Failed(_) = sample.ending {
            cell.failure.record(response);
        } else {
            cell.response.record(response);
            cell.service.record(sample.timing.service());
            cell.connection_wait.record(sample.timing.connection_wait());
        }
        cell.bytes += sample.bytes;
        cell.decoded_bytes += sample.decoded_bytes;
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
    pub fn wants_example(&mut self, figure: StepNameId, error: &str) -> bool {
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
        match ending {
            JourneyEnding::Failed => cell.failure.record(response),
            _ => cell.response.record(response),
        }
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

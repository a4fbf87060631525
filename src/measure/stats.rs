//! Running sums and histograms of steps, journeys and arrivals.

use super::histogram::LatencyHistogram;
use super::step_sample::Replay;

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

    pub(super) fn count(&mut self, replay: Replay) {
        self.keyed += u64::from(replay != Replay::Unkeyed);
        self.replayed += u64::from(matches!(replay, Replay::Foreseen | Replay::Unforeseen));
        self.unforeseen += u64::from(replay == Replay::Unforeseen);
    }
}

/// What is kept of one figure (a step's name) in one phase.
#[derive(Debug, Clone, Default)]
pub struct StepStats {
    /// Done − intended, of all steps but failed ones: how soon something fails says nothing about how fast the system is. Who was
    /// timed out or cut off has waited at least so long, and is among them.
    pub response: LatencyHistogram,
    /// Done − sent, of the same steps.
    pub service: LatencyHistogram,
    /// Sent − asked for a connection, of the same steps.
    pub connection_wait: LatencyHistogram,
    /// Done − intended of failed steps.
    pub failure: LatencyHistogram,
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
    /// Bytes of response bodies, as they came.
    pub bytes: u64,
    /// Bytes of response bodies without their content codings.
    pub decoded_bytes: u64,
    /// Answers to requests with an idempotency key.
    pub replays: Replays,
}

impl StepStats {
    /// Steps that were answered as hoped or foreseen.
    pub fn succeeded(&self) -> u64 {
        self.ok + self.outcomes
    }

    /// Steps that came to an end.
    pub fn finished(&self) -> u64 {
        self.ok + self.outcomes + self.errors()
    }

    /// Steps in the histograms: those that came to an end, and those cut off.
    pub fn readings(&self) -> u64 {
        self.response.count() + self.failure.count()
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
        self.failure.add(&other.failure);
        self.ok += other.ok;
        self.outcomes += other.outcomes;
        self.failed += other.failed;
        self.timed_out += other.timed_out;
        self.in_flight += other.in_flight;
        self.bytes += other.bytes;
        self.decoded_bytes += other.decoded_bytes;
        self.replays.add(&other.replays);
    }

    pub(super) fn clear(&mut self) {
        self.response.clear();
        self.service.clear();
        self.connection_wait.clear();
        self.failure.clear();
        (
            self.ok,
            self.outcomes,
            self.failed,
            self.timed_out,
            self.in_flight,
            self.bytes,
            self.decoded_bytes,
        ) = (0, 0, 0, 0, 0, 0, 0);
        self.replays = Replays::default();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.finished() + self.in_flight == 0
    }
}

/// What is kept of one journey in one phase.
#[derive(Debug, Clone, Default)]
pub struct JourneyStats {
    /// From arrival to the end, think times taken out; of all journeys but failed ones.
    pub response: LatencyHistogram,
    /// The same of failed ones.
    pub failure: LatencyHistogram,
    /// Completed, or left by choice.
    pub completed: u64,
    /// Ended by a failed step.
    pub failed: u64,
    /// Ended by a time-out.
    pub timed_out: u64,
    /// Cut off by the end of the run.
    pub in_flight: u64,
}

impl JourneyStats {
    /// Adds another cell.
    pub fn add(&mut self, other: &Self) {
        self.response.add(&other.response);
        self.failure.add(&other.failure);
        self.completed += other.completed;
        self.failed += other.failed;
        self.timed_out += other.timed_out;
        self.in_flight += other.in_flight;
    }

    /// Journeys of this kind.
    pub fn total(&self) -> u64 {
        self.completed + self.failed + self.timed_out + self.in_flight
    }

    pub(super) fn clear(&mut self) {
        self.response.clear();
        self.failure.clear();
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

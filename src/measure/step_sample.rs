//! One finished step as the shopper saw it, and how steps and journeys end.

use std::time::Duration;

use super::phases::PhaseId;
use crate::scenario::StepNameId;

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

/// The clock readings of one step, as offsets since the run began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// When it should have begun: by the schedule, or at the end of the step before, plus think time and the time that the generator
    /// took over a long answer.
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
    pub figure: StepNameId,
    /// Phase of its intended time.
    pub phase: PhaseId,
    /// When all of it happened.
    pub timing: Timing,
    /// How it ended.
    pub ending: Ending<'a>,
    /// HTTP status, 0 without an answer.
    pub status: u16,
    /// Bytes of the body, as it came.
    pub bytes: u64,
    /// Bytes of the body without its content codings.
    pub decoded_bytes: u64,
    /// The Datadog trace id (low 64 bits), 0 without trace headers.
    pub trace_id: u64,
    /// The shopper's number.
    pub shopper: u64,
    /// Whether the target did what was asked, if the request had an idempotency key.
    pub replay: Replay,
}

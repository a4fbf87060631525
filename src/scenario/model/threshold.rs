//! Thresholds: what must hold at the end of a run. Must not know how it is judged.

use std::time::Duration;

use alerting::query::Expression;

use super::ids::{CounterId, StepNameId};

/// Something that must hold.
#[derive(Debug, Clone)]
pub struct Threshold {
    /// As written.
    pub text: String,
    /// Which figure.
    pub measure: Measure,
    /// Of what.
    pub subject: Subject,
    /// The comparison.
    pub op: Op,
    /// The limit in base units: seconds, ratio, count, arrivals a second; for queries the metric's own unit.
    pub limit: f64,
    /// Over which part of the run.
    pub over: Over,
}

/// A measurable figure.
#[derive(Debug, Clone, PartialEq)]
pub enum Measure {
    /// Quantile (0…1; 1 is the maximum) of response time.
    Response(f64),
    /// Quantile of service time.
    Service(f64),
    /// Quantile of the response time of what failed.
    Failure(f64),
    /// Quantile of the generator's own start lag.
    StartLag(f64),
    /// Quantile of the wait for a connection.
    ConnectionWait(f64),
    /// Errors / finished steps (foreseen outcomes are not errors).
    ErrorShare,
    /// Finished steps a second.
    Rate,
    /// A business counter's value.
    Count(CounterId),
    /// A business counter's value a minute.
    CountPerMinute(CounterId),
    /// Steps that ended in the named outcome.
    Outcome(String),
    /// Error share divided by the budget `1 − target`.
    Burn {
        /// Objective as ratio, for example 0.999.
        target: f64,
    },
    /// A query over what the system tells of itself.
    Telemetry(Expression),
}

/// What a figure is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// All steps together.
    Run,
    /// One step.
    Step(StepNameId),
    /// One journey (index), measured from arrival to end minus think times.
    Journey(usize),
    /// All steps answered by this service.
    Service(String),
    /// All steps with this tag.
    Tag(String),
}

/// Comparison in a threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `==` or `is`
    Equal,
}

/// Over which part of a run a threshold holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Over {
    /// All of it, warm-up left out.
    Run,
    /// One phase, by index.
    Phase(usize),
    /// Every sliding window of this length.
    Every(Duration),
}

//! The few samples that are kept whole: the slowest, the failed, and a fair draw. All bounded.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::step_sample::{Ending, StepSample};
use crate::redact::Shown;
use crate::scenario::StepNameId;

/// Slowest samples kept per step and window.
const SLOWEST_PER_WINDOW: usize = 2;

/// Samples in a worker's fair draw.
const RESERVOIR: usize = 500;

/// Examples kept per step and kind of error, for each worker.
const EXAMPLES_PER_KIND: u8 = 3;

/// Kinds of errors of which examples are kept, for each worker.
const EXAMPLE_KINDS_MAX: usize = 200;

/// One step of one shopper. Times are microseconds since the run began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// Why it was kept: `slowest`, `failed` or `drawn`.
    pub kept: String,
    /// Index of the figure; the writer replaces it by the name.
    #[serde(skip)]
    pub figure: u16,
    /// The step's name.
    pub step: String,
    /// The shopper's number.
    pub shopper: u64,
    /// When it should have begun.
    pub intended_us: u64,
    /// When it was sent.
    pub sent_us: u64,
    /// When it was done.
    pub done_us: u64,
    /// HTTP status, 0 without an answer.
    pub status: u16,
    /// `ok`, `in_flight`, or the name of the outcome or error.
    pub ending: String,
    /// The trace's Datadog id in decimal, if it carried one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub trace_id: Option<String>,
    /// For examples of errors: what was expected and what came, in a sentence, secrets removed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub why: Option<Shown>,
    /// For examples of errors: the request and the response, secrets removed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub exchange: Option<Box<ExchangeText>>,
}

/// Request and response as text, secrets removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExchangeText {
    /// Request line, headers and body.
    pub request: Shown,
    /// Status line, headers and the first part of the body; or what went wrong.
    pub response: Shown,
}

/// An error's example.
pub type Example = Sample;

impl Sample {
    /// A sample kept for the given reason.
    pub fn of(sample: &StepSample<'_>, kept: &str) -> Self {
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        Self {
            kept: kept.to_owned(),
            figure: sample.figure.0,
            step: String::new(),
            shopper: sample.shopper,
            intended_us: micros(sample.timing.intended),
            sent_us: micros(sample.timing.sent),
            done_us: micros(sample.timing.done),
            status: sample.status,
            ending: match sample.ending {
                Ending::Ok => "ok".to_owned(),
                Ending::Outcome(name) | Ending::Failed(name) => name.to_owned(),
                Ending::TimedOut => "timeout".to_owned(),
                Ending::InFlight => "in_flight".to_owned(),
            },
            trace_id: (sample.trace_id != 0).then(|| sample.trace_id.to_string()),
            why: None,
            exchange: None,
        }
    }

    /// Response time in microseconds.
    pub fn response_us(&self) -> u64 {
        self.done_us.saturating_sub(self.intended_us)
    }
}

/// The slowest samples of each step.
#[derive(Debug, Default)]
pub struct Slowest(BTreeMap<StepNameId, Vec<(Duration, Sample)>>);

impl Slowest {
    /// Keeps the sample if it is among the slowest of its step.
    pub fn offer(&mut self, response: Duration, sample: &StepSample<'_>) {
        let kept = self.0.entry(sample.figure).or_default();
        if kept.len() == SLOWEST_PER_WINDOW {
            // The common case: one comparison and no allocation.
            match kept.iter().enumerate().min_by_key(|(_, (time, _))| *time) {
                Some((_, (time, _))) if *time >= response => return,
                Some((fastest, _)) => kept.remove(fastest),
                None => return,
            };
        }
        kept.push((response, Sample::of(sample, "slowest")));
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.0.values_mut().for_each(Vec::clear);
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Sample> {
        self.0.values().flatten().map(|(_, sample)| sample)
    }
}

/// Every sample has the same chance to be kept (Vitter's algorithm R).
#[derive(Debug, Default)]
pub struct Reservoir {
    kept: Vec<Sample>,
    seen: u64,
    state: u64,
}

impl Reservoir {
    /// Draws from the given seed.
    pub fn new(seed: u64) -> Self {
        Self {
            state: seed,
            ..Self::default()
        }
    }

    /// Offers one sample.
    pub fn offer(&mut self, sample: &StepSample<'_>) {
        self.seen += 1;
        if self.kept.len() < RESERVOIR {
            self.kept.push(Sample::of(sample, "drawn"));
            return;
        }
        let at = self.next() % self.seen;
        if let Some(place) = usize::try_from(at)
            .ok()
            .and_then(|at| self.kept.get_mut(at))
        {
            *place = Sample::of(sample, "drawn");
        }
    }

    /// SplitMix64 (Steele, Lea, Flood 2014): one addition and three multiplications; which samples are shown needs no better.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// What was kept.
    pub fn into_samples(self) -> Vec<Sample> {
        self.kept
    }
}

/// How many examples of which error are still wanted.
#[derive(Debug, Default)]
pub struct ExampleBudget(BTreeMap<(StepNameId, String), u8>);

impl ExampleBudget {
    /// Whether one more is wanted; if so it is counted.
    pub fn take(&mut self, figure: StepNameId, error: &str) -> bool {
        let kinds = self.0.len();
        match self.0.get_mut(&(figure, error.to_owned())) {
            Some(taken) if *taken < EXAMPLES_PER_KIND => {
                *taken += 1;
                true
            }
            Some(_) => false,
            None if kinds < EXAMPLE_KINDS_MAX => {
                self.0.insert((figure, error.to_owned()), 1);
                true
            }
            None => false,
        }
    }
}

//! Trouble on demand: latency, failures of every kind that clients meet, and silence from a chosen request on. Must
//! not know what requests are about.

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// What goes wrong. What is absent when it is sent to the control route takes its default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Faults {
    /// Milliseconds before every answer.
    pub latency_ms: u64,
    /// The share of requests that fail, 0 to 1.
    pub fail: f64,
    /// How they fail, each kind equally often.
    pub kinds: Vec<Failure>,
    /// Milliseconds that a slow answer takes.
    pub slow_ms: u64,
    /// Nothing is answered any more from this request on, counted from 1 since the last change.
    pub stop_at: Option<u64>,
    /// Whether the request at `stop_at` still takes effect.
    pub stop_after_effect: bool,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            latency_ms: 0,
            fail: 0.0,
            kinds: Failure::ALL.to_vec(),
            slow_ms: 2000,
            stop_at: None,
            stop_after_effect: false,
        }
    }
}

/// One way to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Failure {
    /// Too many requests, with the headers that say when to come back.
    #[serde(rename = "429")]
    TooMany,
    /// An error in JSON; nothing happened.
    #[serde(rename = "500")]
    Internal,
    /// An error in JSON with `status`; the request may have taken effect.
    #[serde(rename = "502")]
    BadGateway,
    /// An error in HTML; the request may have taken effect.
    #[serde(rename = "504")]
    Timeout,
    /// The connection closes; the request may have taken effect.
    #[serde(rename = "drop")]
    Drop,
    /// A right answer, late.
    #[serde(rename = "slow")]
    Slow,
}

impl Failure {
    /// Every way to fail.
    pub const ALL: [Self; 6] = [
        Self::TooMany,
        Self::Internal,
        Self::BadGateway,
        Self::Timeout,
        Self::Drop,
        Self::Slow,
    ];

    /// Reads the name used on the command line and in the control route.
    pub fn parse(text: &str) -> Option<Self> {
        serde_json::from_value(serde_json::Value::from(text)).ok()
    }
}

/// What becomes of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Injection {
    pub(super) failure: Option<Failure>,
    /// Whether the request is carried out although the client learns of a failure.
    pub(super) takes_effect: bool,
    /// Whether it is never answered.
    pub(super) silent: bool,
}

/// Decides what is injected; the same seed and order of requests give the same.
#[derive(Debug)]
pub(super) struct Injector {
    faults: Faults,
    rng: ChaCha8Rng,
    seen: u64,
}

impl Injector {
    pub(super) fn new(faults: Faults, seed: u64) -> Self {
        Self {
            faults,
            rng: ChaCha8Rng::seed_from_u64(seed),
            seen: 0,
        }
    }

    pub(super) fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Changes what goes wrong and counts requests from 1 again.
    pub(super) fn set(&mut self, faults: Faults) {
        self.faults = faults;
        self.seen = 0;
    }

    pub(super) fn next(&mut self) -> Injection {
        self.seen += 1;
        let fine = Injection {
            failure: None,
            takes_effect: true,
            silent: false,
        };
        if let Some(stop) = self.faults.stop_at
            && self.seen >= stop
        {
            let takes_effect = self.seen == stop && self.faults.stop_after_effect;
            return Injection {
                failure: None,
                takes_effect,
                silent: true,
            };
        }
        if self.faults.kinds.is_empty() || self.rng.random::<f64>() >= self.faults.fail {
            return fine;
        }
        let failure = self.faults.kinds[self.rng.random_range(0..self.faults.kinds.len())];
        let takes_effect = match failure {
            Failure::TooMany | Failure::Internal => false,
            Failure::BadGateway | Failure::Timeout | Failure::Drop => self.rng.random(),
            Failure::Slow => true,
        };
        Injection {
            failure: Some(failure),
            takes_effect,
            silent: false,
        }
    }
}

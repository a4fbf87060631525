//! Replays: answers that a target gave from memory, because it had seen the request's idempotency key before.
//!
//! A shopper that sends a key again asks for a replay. One for a key that it sends for the first time means that someone else
//! has used it, and that the target did no work for the answer.

use std::collections::VecDeque;

use http::{HeaderMap, HeaderName};

use crate::measure::Replay;
use crate::scenario::{Step, Test};

/// The header that carries a key (IETF draft-ietf-httpapi-idempotency-key-header).
const KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The header that marks a replay.
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// Keys that one shopper remembers; the oldest are forgotten first.
const KEYS_MAX: usize = 64;

/// The keys that one shopper has sent.
#[derive(Debug, Default)]
pub(super) struct SentKeys(VecDeque<u64>);

impl SentKeys {
    /// Takes note of the key that a request carries; returns it in short.
    pub(super) fn note(&mut self, headers: &HeaderMap) -> Option<u64> {
        let key = crate::rng::hash(headers.get(&KEY)?.as_bytes());
        if self.0.len() == KEYS_MAX {
            self.0.pop_front();
        }
        self.0.push_back(key);
        Some(key)
    }

    /// What the answer to a request with this key is. `resent`: the request went out again after an attempt was lost.
    pub(super) fn judge(
        &self,
        key: Option<u64>,
        resent: bool,
        step: &Step,
        answer: &HeaderMap,
    ) -> Replay {
        let Some(key) = key else {
            return Replay::Unkeyed;
        };
        if !is_replayed(answer) {
            return Replay::Fresh;
        }
        let sent = self.0.iter().filter(|known| **known == key).count();
        match resent || sent > 1 || foresees_replays(step) {
            true => Replay::Foreseen,
            false => Replay::Unforeseen,
        }
    }
}

fn is_replayed(answer: &HeaderMap) -> bool {
    let value = answer.get(&REPLAYED);
    value.is_some_and(|value| !value.as_bytes().eq_ignore_ascii_case(b"false"))
}

/// Whether the scenario looks at the header itself, and so knows what to make of it.
fn foresees_replays(step: &Step) -> bool {
    let looks =
        |test: &Test| matches!(test, Test::Header { name, .. } if REPLAYED == name.as_str());
    let outcomes = step.outcomes.iter().flat_map(|outcome| &outcome.tests);
    outcomes
        .chain(step.checks.iter().map(|check| &check.test))
        .any(looks)
}

//! Where batches go: a file of the run folder, or an intake. One trait, so that there may be others.

use std::collections::BTreeMap;

use super::batch::Payload;

pub mod endpoint;
pub mod file;
pub mod intake;
mod queue;

/// Takes batches, never waits, and says at the end what became of them.
pub trait Sink: Send {
    /// Takes a batch over.
    fn deliver(&mut self, payload: Payload);

    /// Whether there is room for more than what is under way.
    fn takes_new_sessions(&self) -> bool {
        true
    }

    /// Delivers what waits, for a bounded time.
    fn finish(self: Box<Self>) -> Delivered;
}

/// What became of batches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delivered {
    /// Where they went, without secrets.
    pub place: String,
    /// Events that arrived.
    pub events: u64,
    /// Events that did not, by reason.
    pub dropped: BTreeMap<String, u64>,
    /// Batches that were sent again.
    pub retries: u64,
}

impl Delivered {
    /// Of a place.
    pub fn at(place: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            ..Self::default()
        }
    }

    pub(super) fn lose(&mut self, reason: impl Into<String>, payload: &Payload) {
        *self.dropped.entry(reason.into()).or_default() += u64::from(payload.events);
    }
}

//! How long the generator itself takes over an answer: reading it, asking it, letting go of it.
//!
//! All other shoppers of the worker wait meanwhile, but this one does not wait for the system, so its next step should begin that
//! much later. The clock is read only where that can be seen: most answers are judged in a few microseconds.

use std::time::{Duration, Instant};

use crate::response::Response;

/// An answer of so many bytes may take long.
const LONG_BYTES_MIN: usize = 16 * 1024;

/// Time that is measured, if it may be long.
pub(super) struct Judging(Option<Instant>);

impl Judging {
    /// Begins now.
    pub(super) fn begin(may_be_long: bool) -> Self {
        Self(may_be_long.then(Instant::now))
    }

    /// Begins now to look at what is kept of the last answer.
    pub(super) fn of(last: Option<&Response>) -> Self {
        Self::begin(last.is_some_and(is_long))
    }

    /// How long it took; zero if that could not be long.
    pub(super) fn took(&self) -> Duration {
        self.0.map_or(Duration::ZERO, |begun| begun.elapsed())
    }
}

/// Whether looking at an answer may take long.
pub(super) fn is_long(response: &Response) -> bool {
    response.body.len() >= LONG_BYTES_MIN
}

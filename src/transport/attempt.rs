//! What became of one attempt to send a request, whatever the version of HTTP.

use std::time::Instant;

use super::{Answer, Failure};

/// An answer, when its last byte came, and whether the connection may be used again.
pub(super) struct Answered {
    pub(super) answer: Answer,
    pub(super) done: Instant,
    pub(super) reusable: bool,
}

/// How an attempt on one connection failed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Attempt {
    /// The connection was gone before anything was written, or the target says that it has not looked at the request.
    NotProcessed(Failure),
    /// The connection was lost after the request was written and before an answer began.
    Unanswered(Failure),
    /// It failed in a way that must be counted.
    Failed(Failure),
}

impl Attempt {
    /// What is counted when it is the last.
    pub(super) fn failure(self) -> Failure {
        match self {
            Self::NotProcessed(failure) | Self::Unanswered(failure) | Self::Failed(failure) => {
                failure
            }
        }
    }
}

//! What is wrong with a text that is no query.

use std::ops::Range;

use thiserror::Error;

/// Where a text stops being a query.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct QueryError {
    /// The offending bytes of the text; empty at its end.
    pub at: Range<usize>,
    /// What is wrong there and what may stand there.
    pub message: String,
}

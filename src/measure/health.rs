//! How the generator itself fared.

use std::time::Duration;

/// How the generator itself fared.
#[derive(Debug, Clone, Default)]
pub struct OwnHealth {
    /// CPU seconds used in each tick, and the tick's length.
    pub cpu: Vec<(Duration, Duration)>,
    /// Highest resident memory seen, bytes.
    pub memory_bytes_max: u64,
    /// Why the journal is incomplete, if it is.
    pub journal_failure: Option<String>,
}

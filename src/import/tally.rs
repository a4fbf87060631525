//! What was left out of an import, counted by its reason.

use std::fmt;

use indexmap::IndexMap;

/// Reasons, each with how often it held, in the order in which they came up.
#[derive(Debug, Clone, Default)]
pub struct Tally(IndexMap<String, usize>);

impl Tally {
    /// One more.
    pub fn add(&mut self, reason: impl Into<String>) {
        self.add_many(reason, 1);
    }

    /// So many more.
    pub fn add_many(&mut self, reason: impl Into<String>, count: usize) {
        if count > 0 {
            *self.0.entry(reason.into()).or_default() += count;
        }
    }

    /// How many in all.
    pub fn total(&self) -> usize {
        self.0.values().sum()
    }

    /// A line for each reason.
    pub fn lines(&self) -> Vec<String> {
        self.0
            .iter()
            .map(|(reason, count)| format!("{count} {reason}"))
            .collect()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines().join(", "))
    }
}

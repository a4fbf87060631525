//! What no documentation says and a value depends on (section 11 of the rules): carried to whoever reads the value.

use std::fmt;

/// An assumption behind a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Assumption {
    /// A1: which width buckets have.
    Buckets,
    /// A4: percentiles from bins are within 1/128 of a true value; the rank is (n − 1)·q.
    Sketch,
    /// A5: an ungrouped operand stands for every group.
    MixedOperands,
    /// A6: how gaps, moving windows and weighted averages begin.
    Function,
    /// Counts without `as_count()` or `as_rate()`: whether they are interpolated is described in two ways.
    BareCount,
    /// `default_zero` where a group has no point at all: described in two ways, evaluated as 0.
    EmptyDefaultZero,
}

impl Assumption {
    /// Short, as in a table: `sketch`.
    pub fn label(self) -> &'static str {
        match self {
            Self::Buckets => "bucket-sensitive",
            Self::Sketch => "sketch",
            Self::MixedOperands => "mixed operands",
            Self::Function => "function",
            Self::BareCount => "bare count",
            Self::EmptyDefaultZero => "empty default_zero",
        }
    }

    /// What is assumed.
    pub fn explanation(self) -> &'static str {
        match self {
            Self::Buckets => "the width of a server's buckets is not documented",
            Self::Sketch => "percentiles of many values are within 0.8 % of a true value",
            Self::MixedOperands => "an operand without groups stands for every group",
            Self::Function => {
                "where gaps, moving windows and weighted averages begin is not documented"
            }
            Self::BareCount => {
                "a count without as_count() or as_rate() is averaged over time, and interpolated"
            }
            Self::EmptyDefaultZero => "default_zero is 0 for a group without any point in the time",
        }
    }
}

impl fmt::Display for Assumption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.label(), self.explanation())
    }
}

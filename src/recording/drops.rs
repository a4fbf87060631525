//! What was not recorded, counted by reason. Cheap to clone and to count in.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Why something is not in the recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The recorder was behind: its queue was full.
    Behind,
    /// The file had its full size.
    Full,
    /// There were as many series as are recorded.
    Series,
    /// A point was of a time that is not recorded any more.
    Late,
    /// A line or message that says nothing understandable.
    Malformed,
    /// A kind of signal that is understood and not recorded.
    Unsupported,
    /// A span beyond those of its trace, or of a trace that was judged already.
    Span,
    /// A log line, check or event beyond those that are kept.
    Rows,
    /// SQLite could not write.
    Write,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 9] = [
        Self::Behind,
        Self::Full,
        Self::Series,
        Self::Late,
        Self::Malformed,
        Self::Unsupported,
        Self::Span,
        Self::Rows,
        Self::Write,
    ];

    /// In `meta`, after `dropped.`, and in reports.
    pub fn text(self) -> &'static str {
        match self {
            Self::Behind => "behind",
            Self::Full => "full",
            Self::Series => "series",
            Self::Late => "late",
            Self::Malformed => "malformed",
            Self::Unsupported => "unsupported",
            Self::Span => "spans",
            Self::Rows => "rows",
            Self::Write => "write",
        }
    }
}

/// The counts.
#[derive(Debug, Clone, Default)]
pub struct Drops(Arc<[AtomicU64; Reason::ALL.len()]>);

impl Drops {
    /// Counts so many.
    pub fn add(&self, reason: Reason, count: u64) {
        self.0[reason as usize].fetch_add(count, Ordering::Relaxed);
    }

    /// What was counted so far; reasons that never were are left out.
    pub fn counted(&self) -> BTreeMap<&'static str, u64> {
        let all = Reason::ALL.into_iter();
        let counted = all.map(|reason| {
            let count = self.0[reason as usize].load(Ordering::Relaxed);
            (reason.text(), count)
        });
        counted.filter(|(_, count)| *count > 0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Drops, Reason};

    #[test]
    fn each_reason_is_counted_by_itself() {
        let drops = Drops::default();
        for (reason, count) in Reason::ALL.into_iter().zip(1..) {
            drops.add(reason, count);
        }
        let counted = drops.counted();
        assert_eq!(counted.len(), Reason::ALL.len());
        assert_eq!(counted["behind"], 1);
        assert_eq!(counted["write"], 9);
    }
}

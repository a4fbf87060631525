//! What was sent at the same time, and the pauses between.

use std::ops::Range;
use std::time::Duration;

use super::exchange::Exchange;

/// Most requests at the same time, as the language has it.
const TOGETHER_MAX: usize = 64;
/// Shortest pause that is somebody's and not the machine's, milliseconds.
const THINK_MS_MIN: f64 = 500.0;
/// Longest pause, milliseconds: who is away for longer has left.
const THINK_MS_MAX: f64 = 3_600_000.0;
/// Pauses below are rounded to tenths of a second, others to seconds.
const TENTHS_MS_MAX: f64 = 10_000.0;

/// Requests at the same time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    /// Index of the first.
    pub(super) first: usize,
    /// Index after the last.
    pub(super) end: usize,
    /// The pause before.
    pub(super) think: Option<Duration>,
}

impl Group {
    /// Indices of all.
    pub(super) fn members(&self) -> Range<usize> {
        self.first..self.end
    }
}

/// Groups of requests of which each was under way when the others were. A page stands alone: what it consists of is asked for
/// because of it, even if its last bytes come later.
pub(super) fn groups(exchanges: &[Exchange]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    // When the first of the group ended, and when the last of all so far did.
    let (mut group_end, mut all_end) = (f64::NEG_INFINITY, f64::NEG_INFINITY);
    for (index, exchange) in exchanges.iter().enumerate() {
        let joins = groups.last().filter(|group| {
            let is_small = group.end - group.first < TOGETHER_MAX;
            let is_page = exchange.document || exchanges[group.first].document;
            is_small && !is_page && exchange.start < group_end
        });
        if joins.is_some() {
            group_end = group_end.min(exchange.end);
            if let Some(group) = groups.last_mut() {
                group.end = index + 1;
            }
        } else {
            groups.push(Group {
                first: index,
                end: index + 1,
                think: think(exchange.start - all_end),
            });
            group_end = exchange.end;
        }
        all_end = all_end.max(exchange.end);
    }
    groups
}

fn think(millis: f64) -> Option<Duration> {
    if !millis.is_finite() || millis < THINK_MS_MIN {
        return None;
    }
    let grain = if millis < TENTHS_MS_MAX {
        100.0
    } else {
        1000.0
    };
    let rounded = (millis.min(THINK_MS_MAX) / grain).round() * grain;
    Some(Duration::from_millis(rounded as u64))
}

//! What several rules on thresholds need. Must not know any of them.

use crate::query::tree::Comparator;

/// On which side of `limit` a milder value has to be, if `value` is not there.
pub(super) fn wrong_side(comparator: Comparator, value: f64, limit: f64) -> Option<&'static str> {
    if comparator.is_above() && value >= limit {
        Some("less")
    } else if comparator.is_below() && value <= limit {
        Some("greater")
    } else {
        None
    }
}

//! Of several values that were found: which is taken, and what is compared.

use crate::json_path::Found;
use crate::scenario::{Comparison, Pick, Quantity};
use crate::template::Scalar;

/// The value that is kept, unset if there is none; `None` if all are too large together. `draw` gives a number below another one.
pub(super) fn picked<'t>(
    found: &Found<'t>,
    pick: Pick,
    draw: impl FnOnce(u64) -> u64,
) -> Option<Scalar<'t>> {
    let value = match pick {
        Pick::First => found.first(),
        Pick::Last => found.last(),
        Pick::Random => match found.set_len() as u64 {
            0 => None,
            count => found.nth_set(draw(count) as usize),
        },
        Pick::All => return found.list(),
        Pick::Count => Some(Scalar::Int(found.len() as i64)),
    };
    Some(value.unwrap_or(Scalar::Unset))
}

/// The first value; unset if there is none.
pub(super) fn first<'t>(found: Option<&Found<'t>>) -> Scalar<'t> {
    found.and_then(Found::first).unwrap_or(Scalar::Unset)
}

/// Whether the values compare so; `None` where nothing could be looked into.
pub(super) fn holds(found: Option<&Found<'_>>, of: Quantity, comparison: &Comparison) -> bool {
    let mut values = found.into_iter().flat_map(Found::iter);
    let each = |value: Scalar<'_>| comparison.holds(&value);
    match (of, comparison) {
        (Quantity::Count, _) => each(Scalar::Int(found.map_or(0, Found::len) as i64)),
        (Quantity::Any, _) | (Quantity::First, Comparison::Exists | Comparison::Contains(_)) => {
            values.any(each)
        }
        (Quantity::Every, _) => found.is_some_and(|found| found.len() > 0) && values.all(each),
        (Quantity::First, Comparison::Missing) => values.all(each),
        (Quantity::First, _) => each(first(found)),
    }
}

/// The first value that does not compare so.
pub(super) fn first_that_fails<'t>(
    found: Option<&Found<'t>>,
    comparison: &Comparison,
) -> Scalar<'t> {
    let mut values = found.into_iter().flat_map(Found::iter);
    values
        .find(|value| !comparison.holds(value))
        .unwrap_or(Scalar::Unset)
}

//! What an expression comes to: a series a group, all over the same buckets.

use super::grid::Grid;

/// Buckets, and which of them anything was sent in.
#[derive(Debug, Clone)]
pub(super) struct Timeline {
    pub(super) grid: Grid,
    /// Seconds by which the grid was moved from the one that was asked for.
    pub(super) shift: i64,
    /// Whether any series of the whole expression has a point there. Where nothing was sent nothing is made up, except by
    /// `default_zero`.
    pub(super) active: Vec<bool>,
}

/// One group's values.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// `key:value` for each key of `by`, sorted by key; empty if nothing is grouped.
    pub tags: Vec<String>,
    /// A value for each bucket; NaN where there is none.
    pub values: Vec<f64>,
}

impl Group {
    /// As people read it: `service:cart,route:/x`, or `*`.
    pub fn name(&self) -> String {
        match self.tags.is_empty() {
            true => "*".to_owned(),
            false => self.tags.join(","),
        }
    }

    /// The values that there are.
    pub fn present(&self) -> impl DoubleEndedIterator<Item = f64> {
        self.values.iter().copied().filter(|value| !value.is_nan())
    }
}

/// A number, or a series a group.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Scalar(f64),
    Groups(Vec<Group>),
}

impl Value {
    pub(super) fn map(self, each: impl Fn(&[f64]) -> Vec<f64>) -> Self {
        match self {
            Self::Scalar(number) => Self::Scalar(each(&[number])[0]),
            Self::Groups(groups) => Self::Groups(mapped(groups, each)),
        }
    }
}

/// Each group's values changed.
pub(super) fn mapped(groups: Vec<Group>, each: impl Fn(&[f64]) -> Vec<f64>) -> Vec<Group> {
    let change = |group: Group| Group {
        values: each(&group.values),
        tags: group.tags,
    };
    groups.into_iter().map(change).collect()
}

//! Gaps in one series (rules S10, S11): how far and how they are filled.

use super::grid::Grid;

/// Seconds after a real point for which gaps are filled unless a query says otherwise.
pub(super) const LIMIT_S: i64 = 300;

/// How gaps are filled, and up to how many seconds after a real point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Fill {
    pub(super) how: How,
    pub(super) limit_s: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    Linear,
    Last,
    Zero,
    Null,
}

impl Fill {
    /// What combining several sources does by itself.
    pub(super) const DEFAULT: Self = Self {
        how: How::Linear,
        limit_s: LIMIT_S,
    };

    /// The values with their gaps filled. Nothing stands before the first real point; after the last one its value goes on.
    pub(super) fn apply(self, grid: &Grid, values: &[f64]) -> Vec<f64> {
        let mut before: Option<usize> = None;
        let mut filled = Vec::with_capacity(values.len());
        let mut next = next_real(values);
        for (index, value) in values.iter().enumerate() {
            let after = next.pop().flatten();
            if !value.is_nan() {
                before = Some(index);
                filled.push(*value);
                continue;
            }
            let reached = before.filter(|at| grid.at(index) - grid.at(*at) <= self.limit_s);
            filled.push(reached.map_or(f64::NAN, |at| self.between(values, at, index, after)));
        }
        filled
    }

    /// Whether a gap on a straight line is longer than what is filled of it [A6].
    pub(super) fn reaches_not_far(self, grid: &Grid, values: &[f64]) -> bool {
        let real = values
            .iter()
            .enumerate()
            .filter(|(_, value)| !value.is_nan());
        let at = real.map(|(index, _)| grid.at(index));
        let later = at.clone().skip(1);
        self.how == How::Linear && at.zip(later).any(|(a, b)| b - a > self.limit_s)
    }

    fn between(self, values: &[f64], before: usize, index: usize, after: Option<usize>) -> f64 {
        match (self.how, after) {
            (How::Null, _) => f64::NAN,
            (How::Zero, _) => 0.0,
            (How::Last, _) | (How::Linear, None) => values[before],
            (How::Linear, Some(after)) => {
                let share = (index - before) as f64 / (after - before) as f64;
                values[before] + (values[after] - values[before]) * share
            }
        }
    }
}

/// For each bucket the next one with a value, the last bucket first, so that they can be popped in order.
fn next_real(values: &[f64]) -> Vec<Option<usize>> {
    let mut next = None;
    let from_the_end = values.iter().enumerate().rev();
    from_the_end
        .map(|(index, value)| {
            if !value.is_nan() {
                next = Some(index);
            }
            next
        })
        .collect()
}

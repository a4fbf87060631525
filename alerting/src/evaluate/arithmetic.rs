//! Two operands made into one, bucket by bucket and group by group (rules P2, P4).

use std::collections::BTreeSet;

use crate::query::tree::Operator;

use super::assumption::Assumption;
use super::frame::{Group, Timeline, Value};

pub(super) struct Operand {
    pub(super) value: Value,
    /// Whether nothing sent means 0.
    pub(super) of_counts: bool,
}

impl Operand {
    /// A number beside counts changes nothing about them.
    fn is_counted(&self) -> bool {
        self.of_counts || matches!(self.value, Value::Scalar(_))
    }

    fn tags(&self) -> impl Iterator<Item = &[String]> {
        let groups: &[Group] = match &self.value {
            Value::Groups(groups) => groups,
            Value::Scalar(_) => &[],
        };
        groups.iter().map(|group| group.tags.as_slice())
    }

    fn is_for_all_of(&self, other: &Self) -> bool {
        self.tags().any(<[String]>::is_empty) && other.tags().any(|tags| !tags.is_empty())
    }

    /// The values for a group. Counts that are missing are 0 where anything was sent (rules S9, P4).
    fn row(&self, tags: &[String], time: &Timeline) -> Option<Vec<f64>> {
        let groups = match &self.value {
            Value::Scalar(number) => return Some(vec![*number; time.grid.count]),
            Value::Groups(groups) => groups,
        };
        let own = groups.iter().find(|group| group.tags == tags);
        let own = own.or_else(|| groups.iter().find(|group| group.tags.is_empty()));
        let values = own.map(|group| group.values.clone());
        if !self.of_counts {
            return values;
        }
        let mut values = values.unwrap_or_else(|| vec![f64::NAN; time.grid.count]);
        let empty = values.iter_mut().zip(&time.active);
        empty
            .filter(|(value, active)| value.is_nan() && **active)
            .for_each(|(value, _)| *value = 0.0);
        Some(values)
    }
}

/// What comes of two operands.
pub(super) fn combined(
    operator: Operator,
    left: &Operand,
    right: &Operand,
    time: &Timeline,
    assumed: &mut BTreeSet<Assumption>,
) -> Operand {
    if left.is_for_all_of(right) || right.is_for_all_of(left) {
        assumed.insert(Assumption::MixedOperands);
    }
    let value = match (&left.value, &right.value) {
        (Value::Scalar(left), Value::Scalar(right)) => {
            Value::Scalar(calculated(operator, *left, *right))
        }
        _ => Value::Groups(by_group(operator, left, right, time)),
    };
    Operand {
        value,
        of_counts: left.is_counted() && right.is_counted(),
    }
}

fn by_group(operator: Operator, left: &Operand, right: &Operand, time: &Timeline) -> Vec<Group> {
    let tags: BTreeSet<&[String]> = left.tags().chain(right.tags()).collect();
    // Beside groups the one without tags stands for all of them.
    let grouped = tags.iter().any(|tags| !tags.is_empty());
    let tags = tags.into_iter().filter(|tags| !grouped || !tags.is_empty());
    tags.filter_map(|tags| {
        let (left, right) = (left.row(tags, time)?, right.row(tags, time)?);
        let values = left.iter().zip(&right);
        let values = values.map(|(left, right)| calculated(operator, *left, *right));
        Some(Group {
            tags: tags.to_vec(),
            values: values.collect(),
        })
    })
    .collect()
}

/// Nothing where an operand is missing or the divisor is 0 (rule P2).
fn calculated(operator: Operator, left: f64, right: f64) -> f64 {
    let value = match operator {
        Operator::Add => left + right,
        Operator::Subtract => left - right,
        Operator::Multiply => left * right,
        Operator::Divide => left / right,
    };
    if value.is_finite() { value } else { f64::NAN }
}

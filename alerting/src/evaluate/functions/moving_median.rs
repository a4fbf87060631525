//! `median_N(q)`: median of the last N values; of fewer at the beginning [A6].

use std::collections::VecDeque;

use super::{Applied, Function};

pub(super) const FUNCTION: Function = Function {
    names: &["median_3", "median_5", "median_7", "median_9"],
    read: |arguments| {
        arguments.exactly(1, &format!("{}(query)", arguments.name()))?;
        let span: usize = arguments.name()[7..].parse().unwrap_or(3);
        Ok(Applied::Each(Box::new(move |_, values| {
            let mut last = VecDeque::with_capacity(span + 1);
            let mut next = |value: f64| {
                last.push_back(value);
                if last.len() > span {
                    last.pop_front();
                }
                median(last.iter().copied().collect())
            };
            let each = values.iter();
            each.map(|value| match value.is_nan() {
                true => f64::NAN,
                false => next(*value),
            })
            .collect()
        })))
    },
};

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() % 2 {
        1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

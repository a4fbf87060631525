//! `ewma_N(q)`: exponentially weighted average of a span of N, hence α = 2 / (N + 1); begins with the first value [A6].

use super::{Applied, Function};

pub(super) const FUNCTION: Function = Function {
    names: &["ewma_3", "ewma_5", "ewma_7", "ewma_10", "ewma_20"],
    read: |arguments| {
        arguments.exactly(1, &format!("{}(query)", arguments.name()))?;
        let span: f64 = arguments.name()[5..].parse().unwrap_or(3.0);
        let alpha = 2.0 / (span + 1.0);
        Ok(Applied::Each(Box::new(move |_, values| {
            let mut average: Option<f64> = None;
            let mut next = |value: f64| {
                let last = average.unwrap_or(value);
                *average.insert(last + alpha * (value - last))
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

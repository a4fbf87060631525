//! `clamp_min(q, x)`, `clamp_max(q, x)`: limits values; where something was sent but there is no value, it is x.

use super::{Applied, Function};

pub(super) const FUNCTION: Function = Function {
    names: &["clamp_min", "clamp_max"],
    read: |arguments| {
        arguments.exactly(2, "clamp_min(query, number) or clamp_max(query, number)")?;
        let limit = arguments.number(1)?;
        // Of NaN and a number both give the number.
        let clamp = match arguments.name() {
            "clamp_min" => f64::max,
            _ => f64::min,
        };
        Ok(Applied::Each(Box::new(move |time, values| {
            let each = values.iter().zip(&time.active);
            each.map(|(value, active)| match value.is_nan() && !active {
                true => f64::NAN,
                false => clamp(*value, limit),
            })
            .collect()
        })))
    },
};

//! `diff(q)` and what is made of it: a value and the one before it.

use super::{Applied, Function};

pub(super) const FUNCTION: Function = Function {
    names: &[
        "diff",
        "monotonic_diff",
        "dt",
        "derivative",
        "per_second",
        "per_minute",
        "per_hour",
    ],
    read: |arguments| {
        arguments.exactly(1, &format!("{}(query)", arguments.name()))?;
        // Of the difference and the seconds between the two values.
        let made: fn(f64, f64) -> f64 = match arguments.name() {
            "diff" => |more, _| more,
            "monotonic_diff" => |more, _| if more > 0.0 { more } else { f64::NAN },
            "dt" => |_, seconds| seconds,
            "per_minute" => |more, seconds| more / seconds * 60.0,
            "per_hour" => |more, seconds| more / seconds * 3_600.0,
            _ => |more, seconds| more / seconds,
        };
        Ok(Applied::EachSource(Box::new(move |time, values| {
            let mut before: Option<usize> = None;
            let mut of = |index: usize, value: f64| {
                let last = before.replace(index)?;
                let seconds = (time.grid.at(index) - time.grid.at(last)) as f64;
                Some(made(value - values[last], seconds))
            };
            let each = values.iter().enumerate();
            each.map(|(index, value)| match value.is_nan() {
                true => f64::NAN,
                false => of(index, *value).unwrap_or(f64::NAN),
            })
            .collect()
        })))
    },
};

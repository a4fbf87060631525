//! `count_nonzero(q)`, `count_not_null(q)`: in how many groups there is something, as one series.

use super::{Applied, Function};
use crate::evaluate::frame::Group;

pub(super) const FUNCTION: Function = Function {
    names: &["count_nonzero", "count_not_null"],
    read: |arguments| {
        arguments.exactly(1, &format!("{}(query)", arguments.name()))?;
        let counts: fn(f64) -> bool = match arguments.name() {
            "count_nonzero" => |value| !value.is_nan() && value != 0.0,
            _ => |value| !value.is_nan(),
        };
        Ok(Applied::Groups {
            ungroups: true,
            apply: Box::new(move |time, groups| {
                let count = |index: usize| {
                    let counted = groups.iter().filter(|group| counts(group.values[index]));
                    counted.count() as f64
                };
                let values = time.active.iter().enumerate();
                let values = values.map(|(index, active)| match active {
                    true => count(index),
                    false => f64::NAN,
                });
                vec![Group {
                    tags: Vec::new(),
                    values: values.collect(),
                }]
            }),
        })
    },
};

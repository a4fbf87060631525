//! `cutoff_min(q, x)`, `cutoff_max(q, x)`: values below or above x vanish; x itself stays.

use super::{Function, each_value};

pub(super) const FUNCTION: Function = Function {
    names: &["cutoff_min", "cutoff_max"],
    read: |arguments| {
        arguments.exactly(2, "cutoff_min(query, number) or cutoff_max(query, number)")?;
        let limit = arguments.number(1)?;
        let is_min = arguments.name() == "cutoff_min";
        Ok(each_value(move |value| {
            let beyond = if is_min { value < limit } else { value > limit };
            if beyond { f64::NAN } else { value }
        }))
    },
};

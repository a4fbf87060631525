//! `round(q)`, `ceil(q)`, `floor(q)`.

use super::{Function, each_value};

pub(super) const FUNCTION: Function = Function {
    names: &["round", "ceil", "floor"],
    read: |arguments| {
        arguments.exactly(1, "round(query), ceil(query) or floor(query)")?;
        Ok(each_value(match arguments.name() {
            "round" => f64::round,
            "ceil" => f64::ceil,
            _ => f64::floor,
        }))
    },
};

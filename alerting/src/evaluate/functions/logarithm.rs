//! `log2(q)`, `log10(q)`: nothing where there is no logarithm.

use super::{Function, each_value};

pub(super) const FUNCTION: Function = Function {
    names: &["log2", "log10"],
    read: |arguments| {
        arguments.exactly(1, "log2(query) or log10(query)")?;
        let log = match arguments.name() {
            "log2" => f64::log2,
            _ => f64::log10,
        };
        Ok(each_value(move |value| {
            let found = log(value);
            if found.is_finite() { found } else { f64::NAN }
        }))
    },
};

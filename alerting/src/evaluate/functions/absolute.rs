//! `abs(q)`.

use super::{Function, each_value};

pub(super) const FUNCTION: Function = Function {
    names: &["abs"],
    read: |arguments| {
        arguments.exactly(1, "abs(query)")?;
        Ok(each_value(f64::abs))
    },
};

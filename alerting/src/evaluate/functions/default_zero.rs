//! `default_zero(q)` (rule S11).

use super::{Applied, Function};

pub(super) const FUNCTION: Function = Function {
    names: &["default_zero"],
    read: |arguments| {
        arguments.exactly(1, "default_zero(query)")?;
        Ok(Applied::DefaultZero)
    },
};

//! `exclude_null(q)`: series that lack a key of `by` are in no group anyway (rule S4).

use super::{Applied, Function};

pub(super) const FUNCTION: Function = Function {
    names: &["exclude_null"],
    read: |arguments| {
        arguments.exactly(1, "exclude_null(query)")?;
        Ok(Applied::Same)
    },
};

//! `throughput(q)`: a value by the seconds of its bucket.

use super::{Applied, Function};

pub(super) const FUNCTION: Function = Function {
    names: &["throughput"],
    read: |arguments| {
        arguments.exactly(1, "throughput(query)")?;
        Ok(Applied::Each(Box::new(|time, values| {
            let seconds = time.grid.width as f64;
            values.iter().map(|value| value / seconds).collect()
        })))
    },
};

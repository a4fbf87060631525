//! `moving_rollup(q, s, 'agg')`: aggregate of the values in (t − s, t] [A6].

use super::{Applied, Function};
use crate::evaluate::space::Combine;

pub(super) const FUNCTION: Function = Function {
    names: &["moving_rollup"],
    read: |arguments| {
        arguments.exactly(3, "moving_rollup(query, seconds, 'avg')")?;
        let seconds = arguments.whole(1, 1, 2_592_000)?;
        let combine = Combine::parse(arguments.text(2)?)
            .ok_or("its aggregator is none of avg, sum, min, max, count")?;
        Ok(Applied::Each(Box::new(move |time, values| {
            let span = seconds.div_euclid(time.grid.width);
            let span = usize::try_from(span).unwrap_or(usize::MAX).max(1);
            let ends = 0..values.len();
            ends.map(|end| match values[end].is_nan() {
                true => f64::NAN,
                false => {
                    let window = &values[(end + 1).saturating_sub(span)..=end];
                    combine.of(window.iter().copied())
                }
            })
            .collect()
        })))
    },
};

//! Durations and counts in the options.

use super::finding::Finding;
use super::rule::{Check, Rule};
use super::view::{Everything, MonitorView};
use crate::query::tree::Span;

pub(super) const RULE: Rule = Rule {
    name: "duration",
    demands: "Durations and counts in the options are within the API's bounds.",
    waivable: true,
    check: Check::Monitor(check),
};

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

/// Options with a number, their least and greatest value and what they count.
const DURATIONS: &[(&str, u64, u64, &str)] = &[
    ("evaluation_delay", 0, 86_400, "seconds"),
    ("new_group_delay", 0, 86_400, "seconds"),
    ("new_host_delay", 0, 86_400, "seconds"),
    ("no_data_timeframe", 2, 1_440 * 7, "minutes"),
    ("renotify_interval", 10, 1_440, "minutes"),
    ("renotify_occurrences", 1, 1_000, "repetitions"),
    ("timeout_h", 1, 24, "hours"),
];

fn check(view: &MonitorView<'_>, _: &Everything<'_>) -> Vec<Finding> {
    let bounded = DURATIONS
        .iter()
        .filter_map(|(name, least, most, unit)| duration(view, name, *least..=*most, unit));
    bounded.chain(retention(view)).collect()
}

fn duration(
    view: &MonitorView<'_>,
    name: &'static str,
    bounds: std::ops::RangeInclusive<u64>,
    unit: &str,
) -> Option<Finding> {
    let value = view
        .item
        .object
        .payload
        .get("options")?
        .get(name)?
        .as_u64()?;
    if bounds.contains(&value) {
        return None;
    }
    let (least, most) = bounds.into_inner();
    let message = format!("{name} is {value} {unit}, outside of what the API takes");
    Some(
        RULE.finding(view.option_place(name), message)
            .help(format!("use {least} to {most} {unit}")),
    )
}

fn retention(view: &MonitorView<'_>) -> Option<Finding> {
    let text = view
        .definition
        .options
        .group_retention_duration
        .as_deref()?;
    let sound = Span::parse(text).is_some_and(|span| (HOUR..=3 * DAY).contains(&span.seconds()));
    let message = format!("group_retention_duration `{text}` is not a duration that the API takes");
    let place = view.option_place("group_retention_duration");
    (!sound).then(|| {
        RULE.finding(place, message)
            .help("use 1h to 72h, such as `2h`")
    })
}

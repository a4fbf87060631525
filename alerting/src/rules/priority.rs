//! The priority of a monitor.

use super::finding::Finding;
use super::rule::{Check, Rule};
use super::view::{Everything, MonitorView};
use crate::set::item::Item;

pub(super) const RULE: Rule = Rule {
    name: "priority",
    demands: "A monitor has a priority, an integer from 1 to 5.",
    waivable: true,
    check: Check::Monitor(check),
};

fn check(view: &MonitorView<'_>, _: &Everything<'_>) -> Vec<Finding> {
    wrong(view.item).into_iter().collect()
}

fn wrong(item: &Item) -> Option<Finding> {
    let (message, place) = match item.object.payload.get("priority") {
        None => {
            let finding = RULE.finding(item.place.clone(), "the monitor has no priority");
            let help =
                "add `priority: 1` (wake someone) to 5 (for information), here or under `defaults`";
            return Some(finding.help(help).house());
        }
        Some(value) if value.as_u64().is_some_and(|value| (1..=5).contains(&value)) => return None,
        Some(value) => (
            format!("the priority is {value}"),
            item.place.key("priority"),
        ),
    };
    Some(
        RULE.finding(place, message)
            .help("use an integer from 1 (wake someone) to 5 (for information)"),
    )
}

//! Thresholds: the critical one is there.

use super::finding::Finding;
use super::rule::{Check, Rule};
use super::view::{Everything, MonitorView};

pub(super) const RULE: Rule = Rule {
    name: "threshold-critical",
    demands: "An alert with a comparison has a critical threshold.",
    waivable: true,
    check: Check::Monitor(check),
};

fn check(view: &MonitorView<'_>, _: &Everything<'_>) -> Vec<Finding> {
    let Some(comparison) = view.comparison() else {
        return Vec::new();
    };
    if view.threshold_value("critical").is_some() {
        return Vec::new();
    }
    let in_query = comparison.threshold;
    let message = "the monitor has no critical threshold";
    let help = format!(
        "add `thresholds: {{ critical: {in_query} }}`; the API takes the number from both places"
    );
    vec![RULE.finding(view.item.place.clone(), message).help(help)]
}

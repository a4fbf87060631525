//! Thresholds: numbers.

use super::finding::Finding;
use super::rule::{Check, Rule};
use super::view::{Everything, MonitorView};

pub(super) const RULE: Rule = Rule {
    name: "threshold-number",
    demands: "A threshold is a number.",
    waivable: false,
    check: Check::Monitor(check),
};

fn check(view: &MonitorView<'_>, _: &Everything<'_>) -> Vec<Finding> {
    let names = view
        .definition
        .thresholds
        .each()
        .into_iter()
        .map(|(name, _)| name);
    let texts = names.filter_map(|name| Some((name, view.threshold_value(name)?.as_str()?)));
    texts
        .map(|(name, text)| {
            let message = format!("the {name} threshold is `{text}`, which is not a number");
            RULE.finding(view.threshold_place(name), message)
                .help("write a number, or a variable that holds one")
        })
        .collect()
}

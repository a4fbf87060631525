//! Messages: the dashboard to look at first.

use super::finding::Finding;
use super::rule::{Check, Rule};
use super::view::{Everything, MonitorView};

pub(super) const RULE: Rule = Rule {
    name: "dashboard-link",
    demands: "The message links to the dashboard to look at first.",
    waivable: true,
    check: Check::Monitor(check),
};

fn check(view: &MonitorView<'_>, _: &Everything<'_>) -> Vec<Finding> {
    if view.message().contains("/dashboard/") {
        return Vec::new();
    }
    let message = "the message links to no dashboard";
    let help = "name one with `dashboard: <name>` and write `${dashboard}` in the message";
    let finding = RULE.finding(view.place("message"), message);
    vec![finding.help(help).house()]
}

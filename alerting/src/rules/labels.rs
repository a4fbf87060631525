//! The tags by which a monitor is found.

use super::finding::Finding;
use super::rule::{Check, Rule};
use super::view::{Everything, MonitorView};

pub(super) const RULE: Rule = Rule {
    name: "labels",
    demands: "A monitor has the tags service, env and severity.",
    waivable: true,
    check: Check::Monitor(check),
};

fn check(view: &MonitorView<'_>, _: &Everything<'_>) -> Vec<Finding> {
    let missing: Vec<&str> = ["service", "env", "severity"]
        .into_iter()
        .filter(|key| !view.tags().any(|tag| tag.starts_with(&format!("{key}:"))))
        .collect();
    if missing.is_empty() {
        return Vec::new();
    }
    let message = format!("the monitor has no tag {}", missing.join(", "));
    let finding = RULE.finding(view.item.place.clone(), message);
    vec![finding.help(
        "add `service:` and `severity:`, and `env:${env}` to the tags, here or under `defaults`",
    )
    .house()]
}

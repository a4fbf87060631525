//! Repeated notifications: options that go together.

use super::finding::Finding;
use super::rule::{Check, Rule};
use super::view::{Everything, MonitorView};

pub(super) const RULE: Rule = Rule {
    name: "renotify",
    demands: "Options about repeated notifications go together.",
    waivable: true,
    check: Check::Monitor(check),
};

fn check(view: &MonitorView<'_>, _: &Everything<'_>) -> Vec<Finding> {
    let options = &view.definition.options;
    let mut findings = Vec::new();
    let needs = [
        (
            "renotify_occurrences",
            options.renotify_occurrences.is_some(),
        ),
        ("renotify_statuses", options.renotify_statuses.is_some()),
        (
            "escalation_message",
            options
                .escalation_message
                .as_ref()
                .is_some_and(|text| !text.is_empty()),
        ),
    ];
    for (name, _) in needs
        .into_iter()
        .filter(|(_, set)| *set && options.renotify_interval.is_none())
    {
        let message = format!("{name} has no effect without renotify_interval");
        let finding = RULE.finding(view.option_place(name), message);
        findings.push(finding.help("add renotify_interval in minutes, or remove it"));
    }
    for (at, status) in options.renotify_statuses.iter().flatten().enumerate() {
        if !["alert", "warn", "no data"].contains(&status.as_str()) {
            let place = view.option_place("renotify_statuses").index(at);
            let finding = RULE.finding(place, format!("there is no status `{status}`"));
            findings.push(finding.help("use `alert`, `warn` or `no data`"));
        }
    }
    findings
}

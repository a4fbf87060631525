//! Composites: what they combine.

use std::collections::BTreeSet;

use super::finding::Finding;
use super::rule::{Check, Rule};
use super::view::{Everything, MonitorView};
use crate::definition::MonitorType;
use crate::query::tree::{Alert, Reference};
use crate::set::item::Definition;

pub(super) const RULE: Rule = Rule {
    name: "composite-members",
    demands: "A composite combines 2 to 10 different monitors, none of them a composite.",
    waivable: true,
    check: Check::Monitor(check),
};

/// What the API takes.
const MEMBERS_MAX: usize = 10;

fn check(view: &MonitorView<'_>, everything: &Everything<'_>) -> Vec<Finding> {
    let Some(Alert::Composite(condition)) = view.alert() else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    let mut find = |message: String, help: &str| {
        findings.push(RULE.finding(view.place("query"), message).help(help));
    };
    let references = condition.references();
    let different: BTreeSet<&str> = references
        .iter()
        .map(|reference| match reference {
            Reference::Id(name) | Reference::Key(name) => name.as_str(),
        })
        .collect();
    if different.len() < 2 || different.len() > MEMBERS_MAX {
        let members = different.len();
        let noun = if members == 1 { "member" } else { "members" };
        find(
            format!("the composite has {members} {noun}"),
            "combine 2 to 10 different monitors",
        );
    }
    for name in different {
        if is_composite(name, everything) {
            find(
                format!("`{name}` is a composite itself"),
                "combine plain monitors; repeat its condition here",
            );
        }
    }
    if !view.definition.thresholds.is_empty() {
        let message = "a composite has no thresholds";
        let finding = RULE.finding(view.place("thresholds"), message);
        findings.push(finding.help("remove them; its members have theirs"));
    }
    findings
}

fn is_composite(name: &str, everything: &Everything<'_>) -> bool {
    everything
        .items
        .iter()
        .filter(|item| item.name() == name)
        .any(|item| match &item.definition {
            Definition::Monitor(monitor) => monitor.kind == MonitorType::Composite,
            _ => false,
        })
}

//! Dashboards: the tags that the API takes.

use super::finding::Finding;
use super::rule::{Check, Rule};
use super::view::ItemView;
use crate::definition::Dashboard;

pub(super) const RULE: Rule = Rule {
    name: "dashboard-tags",
    demands: "A dashboard has `team:` tags alone.",
    waivable: false,
    check: Check::Dashboard(check),
};

fn check(view: &ItemView<'_>, dashboard: &Dashboard) -> Vec<Finding> {
    let item = view.item;
    let mut findings = Vec::new();
    for (index, tag) in dashboard
        .tags
        .iter()
        .enumerate()
        .filter(|(_, tag)| !tag.starts_with("team:"))
    {
        let message = format!("a dashboard cannot have the tag `{tag}`");
        let finding = RULE.finding(item.place.key("tags").index(index), message);
        findings.push(finding.help("the API takes `team:…` alone"));
    }
    findings
}

//! Service checks: what they group by and how many answers they look at.

use super::finding::Finding;
use super::rule::{Check, Rule};
use super::view::{Everything, MonitorView};
use crate::query::tree::{Alert, CheckAlert, Operand, texts};

pub(super) const RULE: Rule = Rule {
    name: "check-by",
    demands: "A service check has `.by(…)`, `.last(…)` and enough answers for its thresholds.",
    waivable: true,
    check: Check::Monitor(check),
};

fn check(view: &MonitorView<'_>, _: &Everything<'_>) -> Vec<Finding> {
    match view.alert() {
        Some(Alert::Check(check)) => service_check(view, check),
        _ => Vec::new(),
    }
}

fn service_check(view: &MonitorView<'_>, check: &CheckAlert) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut find = |message: String, help: &str| {
        findings.push(RULE.finding(view.place("query"), message).help(help));
    };
    if texts(&check.chain, "by").is_none_or(|keys| keys.is_empty()) {
        find(
            "the service check has no `.by(…)`".to_owned(),
            "add `.by(\"host\")`, or `.by(\"*\")` for every combination of tags; without it all hosts count as one",
        );
    }
    let last = check
        .chain
        .iter()
        .find(|link| link.name == "last")
        .and_then(|link| match link.args.first() {
            Some(Operand::Number(last)) => Some(*last),
            _ => None,
        });
    let most = ["critical", "warning", "ok"]
        .iter()
        .filter_map(|name| view.threshold(name))
        .fold(0.0, f64::max);
    let counts = check
        .chain
        .iter()
        .any(|link| link.name == "count_by_status");
    match last {
        None => find(
            "the service check has no `.last(…)`".to_owned(),
            "add `.last(n)` with n above the highest threshold: so many answers are looked at",
        ),
        Some(last) if counts && last <= most => find(
            format!("`.last({last})` looks at too few answers for a threshold of {most}"),
            "make it larger than the highest threshold",
        ),
        Some(_) => {}
    }
    findings
}

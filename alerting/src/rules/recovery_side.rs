//! Thresholds: recovery is on the good side.

use super::finding::Finding;
use super::rule::{Check, Rule};
use super::thresholds::wrong_side;
use super::view::{Everything, MonitorView};
use crate::query::tree::Comparator;

pub(super) const RULE: Rule = Rule {
    name: "recovery-side",
    demands: "A recovery threshold is on the good side of its threshold.",
    waivable: false,
    check: Check::Monitor(check),
};

fn check(view: &MonitorView<'_>, _: &Everything<'_>) -> Vec<Finding> {
    let comparison = view.comparison();
    comparison.map_or_else(Vec::new, |comparison| recovery(view, comparison.comparator))
}

fn recovery(view: &MonitorView<'_>, comparator: Comparator) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (level, word) in [("critical", "alert"), ("warning", "warning")] {
        let name = format!("{level}_recovery");
        let (Some(limit), Some(recovery)) = (view.threshold(level), view.threshold(&name)) else {
            continue;
        };
        // `>= 5` with recovery at 5 and `> 5` with recovery at 5 are both legal edges only when they exclude each other.
        let overlaps = comparator.holds(recovery, limit)
            || wrong_side(comparator, recovery, limit).is_some() && recovery != limit;
        if overlaps {
            let message = format!(
                "{word} and {word} recovery criteria are such that the monitor can be simultaneously in {word} and \
                 {word} recovery states"
            );
            let side = if comparator.is_above() {
                "below"
            } else {
                "above"
            };
            let finding = RULE.finding(view.threshold_place(&name), message);
            findings.push(finding.help(format!("choose a recovery threshold {side} {limit}")));
        }
    }
    findings
}

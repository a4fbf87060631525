//! Thresholds: the critical one is the number of the query.

use super::finding::Finding;
use super::rule::{Check, Rule};
use super::view::{Everything, MonitorView};

pub(super) const RULE: Rule = Rule {
    name: "threshold-matches-query",
    demands: "The critical threshold is the query's number.",
    waivable: false,
    check: Check::Monitor(check),
};

fn check(view: &MonitorView<'_>, _: &Everything<'_>) -> Vec<Finding> {
    let (Some(comparison), Some(critical)) = (view.comparison(), view.threshold("critical")) else {
        return Vec::new();
    };
    let in_query = comparison.threshold;
    if critical == in_query {
        return Vec::new();
    }
    // The API's own words.
    let message =
        format!("Alert threshold ({critical}) does not match that used in the query ({in_query}).");
    let finding = RULE.finding(view.threshold_place("critical"), message);
    vec![finding.help("write `${critical}` in the query, so that the number stands once")]
}

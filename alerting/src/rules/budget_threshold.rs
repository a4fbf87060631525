//! Error budgets: how far they can be used up.

use super::finding::Finding;
use super::rule::{Check, Rule};
use super::view::{Everything, MonitorView};
use crate::query::tree::Alert;

pub(super) const RULE: Rule = Rule {
    name: "budget-threshold",
    demands: "An error budget alert is above 0 and at most 100 %.",
    waivable: false,
    check: Check::Monitor(check),
};

fn check(view: &MonitorView<'_>, _: &Everything<'_>) -> Vec<Finding> {
    let Some(Alert::Slo(alert)) = view.alert() else {
        return Vec::new();
    };
    let threshold = alert.comparison.threshold;
    if alert.burn_rate || (threshold > 0.0 && threshold <= 100.0) {
        return Vec::new();
    }
    let message = format!("an error budget cannot be used up to {threshold} %");
    let finding = RULE.finding(view.place("query"), message);
    vec![finding.help("use per cent above 0 and at most 100")]
}

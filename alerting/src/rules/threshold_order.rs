//! Thresholds: the warning comes first.

use super::finding::Finding;
use super::rule::{Check, Rule};
use super::thresholds::wrong_side;
use super::view::{Everything, MonitorView};
use crate::query::tree::Comparator;

pub(super) const RULE: Rule = Rule {
    name: "threshold-order",
    demands: "The warning threshold is reached before the critical one.",
    waivable: false,
    check: Check::Monitor(check),
};

fn check(view: &MonitorView<'_>, _: &Everything<'_>) -> Vec<Finding> {
    let comparison = view.comparison();
    comparison
        .and_then(|comparison| order(view, comparison.comparator))
        .into_iter()
        .collect()
}

fn order(view: &MonitorView<'_>, comparator: Comparator) -> Option<Finding> {
    let (warning, critical) = (view.threshold("warning")?, view.threshold("critical")?);
    let side = wrong_side(comparator, warning, critical)?;
    let sign = comparator.text();
    let message = format!(
        "Warning threshold ({warning:?}) must be {side} than the alert threshold ({critical:?}) with {sign} comparison."
    );
    let finding = RULE.finding(view.threshold_place("warning"), message);
    Some(finding.help(format!(
        "choose a warning threshold that is {side} than {critical}"
    )))
}

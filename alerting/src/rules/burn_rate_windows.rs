//! Burn rates: their two windows.

use super::finding::Finding;
use super::rule::{Check, Rule};
use super::view::{Everything, MonitorView};
use crate::query::tree::{Alert, SloAlert, Span, span};

pub(super) const RULE: Rule = Rule {
    name: "burn-rate-windows",
    demands: "A burn rate's windows are legal and the long one is not shorter than the short one.",
    waivable: false,
    check: Check::Monitor(check),
};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

fn check(view: &MonitorView<'_>, _: &Everything<'_>) -> Vec<Finding> {
    match view.alert() {
        Some(Alert::Slo(alert)) if alert.burn_rate => windows(view, alert).into_iter().collect(),
        _ => Vec::new(),
    }
}

fn windows(view: &MonitorView<'_>, alert: &SloAlert) -> Option<Finding> {
    let finding =
        |message: String, help: &str| Some(RULE.finding(view.place("query"), message).help(help));
    let long = span(&alert.chain, "long_window").map(Span::seconds);
    let short = span(&alert.chain, "short_window").map(Span::seconds);
    match (long, short) {
        (Some(long), _) if !(HOUR..=48 * HOUR).contains(&long) => finding(
            format!("a long window of {} minutes is not taken", long / MINUTE),
            "use 1h to 48h",
        ),
        (Some(_), Some(short)) if !(5 * MINUTE..=24 * HOUR).contains(&short) => finding(
            format!("a short window of {} minutes is not taken", short / MINUTE),
            "use 5m to 24h, a twelfth of the long one",
        ),
        (Some(long), Some(short)) if long < short => finding(
            "the long window is shorter than the short one".to_owned(),
            "exchange them, or make the short one a twelfth of the long one",
        ),
        (Some(_), Some(_)) => None,
        _ => finding(
            "a burn rate needs a long and a short window".to_owned(),
            "add `.long_window(\"1h\").short_window(\"5m\")`",
        ),
    }
}

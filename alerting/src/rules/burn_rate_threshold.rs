//! Burn rates: they can be reached.

use super::finding::Finding;
use super::rule::{Check, Rule};
use super::slo_alert::{slo_of, timeframe};
use super::view::{Everything, MonitorView};
use crate::query::tree::{Alert, SloAlert};

pub(super) const RULE: Rule = Rule {
    name: "burn-rate-threshold",
    demands: "A burn rate can be reached: at most 1 / (1 − target).",
    waivable: false,
    check: Check::Monitor(check),
};

fn check(view: &MonitorView<'_>, everything: &Everything<'_>) -> Vec<Finding> {
    match view.alert() {
        Some(Alert::Slo(alert)) if alert.burn_rate => {
            reachable(view, alert, everything).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// Above 1 / (1 − target) not even a total outage burns.
fn reachable(
    view: &MonitorView<'_>,
    alert: &SloAlert,
    everything: &Everything<'_>,
) -> Option<Finding> {
    let over = timeframe(alert)?;
    let target = slo_of(alert, everything)?
        .thresholds
        .iter()
        .find(|target| target.timeframe == over)?
        .target;
    let most = 100.0 / (100.0 - target);
    let asked = alert.comparison.threshold;
    // The target's decimals are not exact; a hair above is no mistake of the author.
    if asked > 0.0 && asked <= most * (1.0 + 1e-9) {
        return None;
    }
    let message = format!("a burn rate of {asked} cannot be reached with a target of {target} %");
    let help = format!("use a number above 0 and at most 1 / (1 − target) = {most:.2}");
    Some(RULE.finding(view.place("query"), message).help(help))
}

//! Rules on alerts about error budgets and burn rates.

use super::Finding;
use super::view::{Everything, MonitorView};
use crate::definition::{Slo, Timeframe};
use crate::query::tree::{Alert, Reference, SloAlert, Span, span};
use crate::set::Definition;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

pub(super) fn check(view: &MonitorView<'_>, everything: &Everything<'_>) -> Vec<Finding> {
    let Some(Alert::Slo(alert)) = view.alert() else {
        return Vec::new();
    };
    let mut findings = over(view, alert, everything);
    if alert.burn_rate {
        findings.extend(windows(view, alert));
        findings.extend(reachable(view, alert, everything));
    } else if !(alert.comparison.threshold > 0.0 && alert.comparison.threshold <= 100.0) {
        let message = format!(
            "an error budget cannot be used up to {} %",
            alert.comparison.threshold
        );
        let finding = Finding::new("budget-threshold", view.place("query"), message);
        findings.push(finding.help("use per cent above 0 and at most 100"));
    }
    findings
}

fn slo_of<'a>(alert: &SloAlert, everything: &Everything<'a>) -> Option<&'a Slo> {
    let Reference::Key(name) = &alert.slo else {
        return None;
    };
    everything
        .items
        .iter()
        .filter(|item| item.name() == name)
        .find_map(|item| match &item.definition {
            Definition::Slo(slo) => Some(&**slo),
            _ => None,
        })
}

/// The time frame must be one of the SLO's targets.
fn over(view: &MonitorView<'_>, alert: &SloAlert, everything: &Everything<'_>) -> Vec<Finding> {
    let find = |message: String, help: String| {
        vec![Finding::new("window", view.place("query"), message).help(help)]
    };
    let Some(over) = timeframe(alert) else {
        return find(
            "the alert has no legal time frame".to_owned(),
            "add `.over(\"7d\")`, `30d` or `90d`".to_owned(),
        );
    };
    match slo_of(alert, everything) {
        Some(slo) if slo.thresholds.iter().all(|target| target.timeframe != over) => find(
            "the SLO has no target for this time frame".to_owned(),
            "use a time frame of the SLO's thresholds, or add one there".to_owned(),
        ),
        _ => Vec::new(),
    }
}

fn timeframe(alert: &SloAlert) -> Option<Timeframe> {
    match span(&alert.chain, "over")?.seconds() / (24 * HOUR) {
        7 => Some(Timeframe::SevenDays),
        30 => Some(Timeframe::ThirtyDays),
        90 => Some(Timeframe::NinetyDays),
        _ => None,
    }
}

fn windows(view: &MonitorView<'_>, alert: &SloAlert) -> Option<Finding> {
    let finding = |message: String, help: &str| {
        Some(Finding::new("burn-rate-windows", view.place("query"), message).help(help))
    };
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
    Some(Finding::new("burn-rate-threshold", view.place("query"), message).help(help))
}

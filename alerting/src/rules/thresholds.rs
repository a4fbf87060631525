//! Rules on thresholds, in the API's own words where it has some.

use super::Finding;
use super::view::{Everything, MonitorView};
use crate::query::tree::{Alert, Comparator, Comparison};

pub(super) fn check(view: &MonitorView<'_>, _: &Everything<'_>) -> Vec<Finding> {
    let mut findings = not_numbers(view);
    if let Some(comparison) = view.alert().and_then(comparison) {
        findings.extend(matches_query(view, comparison));
        findings.extend(order(view, comparison.comparator));
        findings.extend(recovery(view, comparison.comparator));
    }
    findings
}

pub(super) fn comparison(alert: &Alert) -> Option<Comparison> {
    match alert {
        Alert::Metric(metric) => Some(metric.comparison),
        Alert::Check(check) => check.comparison,
        Alert::Search(search) => Some(search.comparison),
        Alert::Formula(formula) => Some(formula.comparison),
        Alert::Slo(slo) => Some(slo.comparison),
        Alert::Composite(_) => None,
    }
}

fn not_numbers(view: &MonitorView<'_>) -> Vec<Finding> {
    let names = view
        .definition
        .thresholds
        .each()
        .into_iter()
        .map(|(name, _)| name);
    let texts = names.filter_map(|name| Some((name, view.threshold_value(name)?.as_str()?)));
    texts
        .map(|(name, text)| {
            let message = format!("the {name} threshold is `{text}`, which is not a number");
            Finding::new("threshold-number", view.threshold_place(name), message)
                .help("write a number, or a variable that holds one")
        })
        .collect()
}

fn matches_query(view: &MonitorView<'_>, comparison: Comparison) -> Option<Finding> {
    let in_query = comparison.threshold;
    let Some(critical) = view.threshold("critical") else {
        if view.threshold_value("critical").is_some() {
            return None;
        }
        let message = "the monitor has no critical threshold";
        let help = format!(
            "add `thresholds: {{ critical: {in_query} }}`; the API takes the number from both places"
        );
        return Some(
            Finding::new("threshold-critical", view.item.place.clone(), message).help(help),
        );
    };
    if critical == in_query {
        return None;
    }
    let message =
        format!("Alert threshold ({critical}) does not match that used in the query ({in_query}).");
    let finding = Finding::new(
        "threshold-matches-query",
        view.threshold_place("critical"),
        message,
    );
    Some(finding.help("write `${critical}` in the query, so that the number stands once"))
}

fn order(view: &MonitorView<'_>, comparator: Comparator) -> Option<Finding> {
    let (warning, critical) = (view.threshold("warning")?, view.threshold("critical")?);
    let side = wrong_side(comparator, warning, critical)?;
    let sign = comparator.text();
    let message = format!(
        "Warning threshold ({warning:?}) must be {side} than the alert threshold ({critical:?}) with {sign} comparison."
    );
    let finding = Finding::new("threshold-order", view.threshold_place("warning"), message);
    Some(finding.help(format!(
        "choose a warning threshold that is {side} than {critical}"
    )))
}

/// On which side of `limit` a milder value has to be, if `value` is not there.
fn wrong_side(comparator: Comparator, value: f64, limit: f64) -> Option<&'static str> {
    if comparator.is_above() && value >= limit {
        Some("less")
    } else if comparator.is_below() && value <= limit {
        Some("greater")
    } else {
        None
    }
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
            let finding = Finding::new("recovery-side", view.threshold_place(&name), message);
            findings.push(finding.help(format!("choose a recovery threshold {side} {limit}")));
        }
    }
    findings
}

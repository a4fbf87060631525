//! Anomaly monitors: their windows.

use super::finding::Finding;
use super::rule::{Check, Rule};
use super::view::{Everything, MonitorView};
use crate::query::tree::{Alert, Call, Value};

pub(super) const RULE: Rule = Rule {
    name: "anomaly-windows",
    demands: "An anomaly monitor sets its trigger window like its alert window, and a recovery window.",
    waivable: true,
    check: Check::Monitor(check),
};

fn check(view: &MonitorView<'_>, _: &Everything<'_>) -> Vec<Finding> {
    let Some(Alert::Metric(metric)) = view.alert() else {
        return Vec::new();
    };
    let calls = metric.expr.calls().into_iter();
    calls
        .filter_map(|call| anomaly_windows(view, call))
        .collect()
}

/// The window in the query and the one in the options must be the same, or the API refuses.
fn anomaly_windows(view: &MonitorView<'_>, call: &Call) -> Option<Finding> {
    if call.function != "anomalies" {
        return None;
    }
    let alert_window = call.named("alert_window").and_then(|value| match value {
        Value::Text(text) => Some(text.content.as_str()),
        _ => None,
    });
    let windows = view.definition.options.threshold_windows.as_ref();
    let trigger = windows.and_then(|windows| windows.trigger_window.as_deref());
    let recovery = windows.and_then(|windows| windows.recovery_window.as_deref());
    if trigger.is_some()
        && recovery.is_some()
        && (alert_window.is_none() || alert_window == trigger)
    {
        return None;
    }
    let message = match (alert_window, trigger) {
        (Some(asked), Some(trigger)) if asked != trigger => {
            format!("the query's alert_window is {asked}, the trigger_window {trigger}")
        }
        _ => "an anomaly monitor needs a trigger and a recovery window".to_owned(),
    };
    let window = alert_window.unwrap_or("last_15m");
    let help = format!(
        "set `threshold_windows: {{ trigger_window: {window}, recovery_window: {window} }}`"
    );
    Some(
        RULE.finding(view.option_place("threshold_windows"), message)
            .help(help),
    )
}

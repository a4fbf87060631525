//! Rules on lengths of time: the query's windows and the durations in the options.

use super::Finding;
use super::view::{Everything, MonitorView};
use crate::definition::MonitorType;
use crate::query::tree::{
    Alert, Call, Link, MetricAlert, Span, TimeUnit, Value, Window, span, texts,
};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Longest window of a metric monitor; a month counts as 31 days.
const METRIC_WINDOW_MAX: u64 = 31 * DAY;
/// Longest window of a search.
const SEARCH_WINDOW_MAX: u64 = 2 * DAY;
/// Options with a number, their least and greatest value and what they count.
const DURATIONS: &[(&str, u64, u64, &str)] = &[
    ("evaluation_delay", 0, 86_400, "seconds"),
    ("new_group_delay", 0, 86_400, "seconds"),
    ("new_host_delay", 0, 86_400, "seconds"),
    ("no_data_timeframe", 2, 1_440 * 7, "minutes"),
    ("renotify_interval", 10, 1_440, "minutes"),
    ("renotify_occurrences", 1, 1_000, "repetitions"),
    ("timeout_h", 1, 24, "hours"),
];

pub(super) fn check(view: &MonitorView<'_>, _: &Everything<'_>) -> Vec<Finding> {
    let mut findings = match view.alert() {
        Some(Alert::Metric(metric)) => {
            let mut findings = metric_windows(view, metric);
            findings.extend(
                metric
                    .expr
                    .calls()
                    .into_iter()
                    .filter_map(|call| anomaly_windows(view, call)),
            );
            findings
        }
        Some(Alert::Search(search)) => chain_window(view, &search.chain),
        Some(Alert::Formula(formula)) => chain_window(view, &formula.chain),
        _ => Vec::new(),
    };
    findings.extend(
        DURATIONS
            .iter()
            .filter_map(|(name, least, most, unit)| duration(view, name, *least..=*most, unit)),
    );
    findings.extend(retention(view));
    findings.extend(renotify(view));
    findings
}

fn metric_windows(view: &MonitorView<'_>, metric: &MetricAlert) -> Vec<Finding> {
    let mut findings: Vec<Finding> = window(view, metric.window.span(), METRIC_WINDOW_MAX)
        .into_iter()
        .collect();
    if let Some(change) = &metric.change {
        findings.extend(window(view, change.against.span(), METRIC_WINDOW_MAX));
    }
    let forecast = metric
        .expr
        .calls()
        .iter()
        .any(|call| call.function == "forecast");
    if forecast != matches!(metric.window, Window::Next(_)) {
        let message = "a forecast looks at `next_…`, and nothing else does";
        let finding = Finding::new("window", view.place("query"), message);
        findings
            .push(finding.help("write `max(next_1w):forecast(…)`, or `last_…` without a forecast"));
    }
    findings
}

fn window(view: &MonitorView<'_>, span: Span, most: u64) -> Option<Finding> {
    let length = span.seconds();
    if span.unit != TimeUnit::Second && (MINUTE..=most).contains(&length) {
        return None;
    }
    let (count, unit) = (span.count, span.unit.text());
    let message = format!("a window of {count}{unit} is not taken for this kind of query");
    let help = format!(
        "use whole minutes (m), hours (h) or days (d), from 1m to {}d",
        most / DAY
    );
    Some(Finding::new("window", view.place("query"), message).help(help))
}

/// What is counted in days is looked at for longer than what is searched.
fn longest(kind: MonitorType) -> u64 {
    match kind {
        MonitorType::Cost | MonitorType::DataJobs | MonitorType::DataQuality => METRIC_WINDOW_MAX,
        _ => SEARCH_WINDOW_MAX,
    }
}

fn chain_window(view: &MonitorView<'_>, chain: &[Link]) -> Vec<Finding> {
    if texts(chain, "current").is_some() {
        return Vec::new();
    }
    match span(chain, "last") {
        Some(last) => window(view, last, longest(view.definition.kind))
            .into_iter()
            .collect(),
        None => {
            let message = "the query has no window that can be read";
            vec![
                Finding::new("window", view.place("query"), message)
                    .help("add `.last(\"5m\")` before the comparison"),
            ]
        }
    }
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
        Finding::new(
            "anomaly-windows",
            view.option_place("threshold_windows"),
            message,
        )
        .help(help),
    )
}

fn duration(
    view: &MonitorView<'_>,
    name: &'static str,
    bounds: std::ops::RangeInclusive<u64>,
    unit: &str,
) -> Option<Finding> {
    let value = view
        .item
        .object
        .payload
        .get("options")?
        .get(name)?
        .as_u64()?;
    if bounds.contains(&value) {
        return None;
    }
    let (least, most) = bounds.into_inner();
    let message = format!("{name} is {value} {unit}, outside of what the API takes");
    Some(
        Finding::new("duration", view.option_place(name), message)
            .help(format!("use {least} to {most} {unit}")),
    )
}

fn retention(view: &MonitorView<'_>) -> Option<Finding> {
    let text = view
        .definition
        .options
        .group_retention_duration
        .as_deref()?;
    let sound = Span::parse(text).is_some_and(|span| (HOUR..=3 * DAY).contains(&span.seconds()));
    let message = format!("group_retention_duration `{text}` is not a duration that the API takes");
    let place = view.option_place("group_retention_duration");
    (!sound).then(|| Finding::new("duration", place, message).help("use 1h to 72h, such as `2h`"))
}

fn renotify(view: &MonitorView<'_>) -> Vec<Finding> {
    let options = &view.definition.options;
    let mut findings = Vec::new();
    let needs = [
        (
            "renotify_occurrences",
            options.renotify_occurrences.is_some(),
        ),
        ("renotify_statuses", options.renotify_statuses.is_some()),
        (
            "escalation_message",
            options
                .escalation_message
                .as_ref()
                .is_some_and(|text| !text.is_empty()),
        ),
    ];
    for (name, _) in needs
        .into_iter()
        .filter(|(_, set)| *set && options.renotify_interval.is_none())
    {
        let message = format!("{name} has no effect without renotify_interval");
        let finding = Finding::new("renotify", view.option_place(name), message);
        findings.push(finding.help("add renotify_interval in minutes, or remove it"));
    }
    for (at, status) in options.renotify_statuses.iter().flatten().enumerate() {
        if !["alert", "warn", "no data"].contains(&status.as_str()) {
            let place = view.option_place("renotify_statuses").index(at);
            let finding = Finding::new("renotify", place, format!("there is no status `{status}`"));
            findings.push(finding.help("use `alert`, `warn` or `no data`"));
        }
    }
    findings
}

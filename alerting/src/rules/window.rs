//! Windows: of a length and unit that the API takes.

use super::finding::Finding;
use super::rule::{Check, Rule};
use super::slo_alert::{slo_of, timeframe};
use super::view::{Everything, MonitorView};
use crate::definition::MonitorType;
use crate::query::tree::{Alert, Link, MetricAlert, SloAlert, Span, TimeUnit, Window, span, texts};

pub(super) const RULE: Rule = Rule {
    name: "window",
    demands: "Windows are of a length and unit that the API takes for this kind of query.",
    waivable: true,
    check: Check::Monitor(check),
};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// Longest window of a metric monitor; a month counts as 31 days.
const METRIC_WINDOW_MAX: u64 = 31 * DAY;
/// Longest window of a search.
const SEARCH_WINDOW_MAX: u64 = 2 * DAY;

fn check(view: &MonitorView<'_>, everything: &Everything<'_>) -> Vec<Finding> {
    match view.alert() {
        Some(Alert::Metric(metric)) => metric_windows(view, metric),
        Some(Alert::Search(search)) => chain_window(view, &search.chain),
        Some(Alert::Formula(formula)) => chain_window(view, &formula.chain),
        Some(Alert::Slo(alert)) => over(view, alert, everything),
        _ => Vec::new(),
    }
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
        let finding = RULE.finding(view.place("query"), message);
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
    Some(RULE.finding(view.place("query"), message).help(help))
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
                RULE.finding(view.place("query"), message)
                    .help("add `.last(\"5m\")` before the comparison"),
            ]
        }
    }
}

/// The time frame must be one of the SLO's targets.
fn over(view: &MonitorView<'_>, alert: &SloAlert, everything: &Everything<'_>) -> Vec<Finding> {
    let find =
        |message: String, help: String| vec![RULE.finding(view.place("query"), message).help(help)];
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

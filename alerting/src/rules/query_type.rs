//! Queries of monitors: their kind fits the monitor's type.

use super::finding::Finding;
use super::rule::{Check, Rule};
use super::view::{Everything, MonitorView};
use crate::definition::MonitorType;
use crate::query::tree::Alert;

pub(super) const RULE: Rule = Rule {
    name: "query-type",
    demands: "The query's kind fits the monitor's type.",
    waivable: true,
    check: Check::Monitor(check),
};

fn check(view: &MonitorView<'_>, _: &Everything<'_>) -> Vec<Finding> {
    view.alert()
        .and_then(|alert| kind(view, alert))
        .into_iter()
        .collect()
}

fn kind(view: &MonitorView<'_>, alert: &Alert) -> Option<Finding> {
    let fitting = fitting(alert);
    if fitting.is_empty() || fitting.contains(&view.definition.kind) {
        return None;
    }
    let word = |kind: &MonitorType| {
        serde_json::to_value(kind)
            .ok()?
            .as_str()
            .map(|word| format!("`{word}`"))
    };
    let expected: Vec<String> = fitting.iter().filter_map(word).collect();
    let message = format!(
        "the query is one of a monitor of type {}",
        expected.join(" or ")
    );
    Some(
        RULE.finding(view.place("type"), message)
            .help("correct the type, or the query"),
    )
}

/// The types that take such a query; empty means that the table does not know.
fn fitting(alert: &Alert) -> &'static [MonitorType] {
    match alert {
        Alert::Metric(_) => &[MonitorType::Query, MonitorType::Metric],
        Alert::Check(_) => &[MonitorType::ServiceCheck],
        Alert::Composite(_) => &[MonitorType::Composite],
        Alert::Slo(_) => &[MonitorType::Slo],
        Alert::Formula(_) => &[],
        Alert::Search(search) => match search.source.as_str() {
            "logs" => &[MonitorType::Log],
            "rum" | "product-analytics" => &[MonitorType::Rum],
            "events" => &[MonitorType::EventV2, MonitorType::Event],
            "trace-analytics" | "spans" => &[MonitorType::TraceAnalytics],
            "audits" => &[MonitorType::Audit],
            "ci-pipelines" => &[MonitorType::CiPipelines],
            "ci-tests" => &[MonitorType::CiTests],
            "database-monitoring" => &[MonitorType::DatabaseMonitoring],
            "network" | "network-performance" => &[MonitorType::NetworkPerformance],
            "processes" => &[MonitorType::Process],
            "cost" => &[MonitorType::Cost],
            source if source.starts_with("error-tracking") => &[MonitorType::ErrorTracking],
            _ => &[],
        },
    }
}

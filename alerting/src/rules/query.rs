//! Rules on what a query is: its kind, its service check, its counting.

use super::Finding;
use super::view::{Everything, MonitorView};
use crate::definition::MonitorType;
use crate::query::tree::{
    Alert, CheckAlert, MethodName, MetricAlert, Operand, SpaceAggregator, TimeAggregator, texts,
};
use crate::set::text_at;

pub(super) fn check(view: &MonitorView<'_>, _: &Everything<'_>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = line_break(view).into_iter().collect();
    let Some(alert) = view.alert() else {
        return findings;
    };
    findings.extend(kind(view, alert));
    match alert {
        Alert::Check(check) => findings.extend(service_check(view, check)),
        Alert::Metric(metric) => findings.extend(counting(view, metric)),
        _ => {}
    }
    findings
}

/// The API refuses what a literal block (`|`) makes of a long query.
fn line_break(view: &MonitorView<'_>) -> Option<Finding> {
    let query = text_at(&view.item.object.payload, "query");
    query.contains(['\n', '\r']).then(|| {
        Finding::new(
            "query-line",
            view.place("query"),
            "the query has a line break",
        )
        .help("write `query: >-`, with all lines at one indent: that joins them with spaces")
    })
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
        Finding::new("query-type", view.place("type"), message)
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

fn service_check(view: &MonitorView<'_>, check: &CheckAlert) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut find = |message: String, help: &str| {
        findings.push(Finding::new("check-by", view.place("query"), message).help(help));
    };
    if texts(&check.chain, "by").is_none_or(|keys| keys.is_empty()) {
        find(
            "the service check has no `.by(…)`".to_owned(),
            "add `.by(\"host\")`, or `.by(\"*\")` for every combination of tags; without it all hosts count as one",
        );
    }
    let last = check
        .chain
        .iter()
        .find(|link| link.name == "last")
        .and_then(|link| match link.args.first() {
            Some(Operand::Number(last)) => Some(*last),
            _ => None,
        });
    let most = ["critical", "warning", "ok"]
        .iter()
        .filter_map(|name| view.threshold(name))
        .fold(0.0, f64::max);
    let counts = check
        .chain
        .iter()
        .any(|link| link.name == "count_by_status");
    match last {
        None => find(
            "the service check has no `.last(…)`".to_owned(),
            "add `.last(n)` with n above the highest threshold: so many answers are looked at",
        ),
        Some(last) if counts && last <= most => find(
            format!("`.last({last})` looks at too few answers for a threshold of {most}"),
            "make it larger than the highest threshold",
        ),
        Some(_) => {}
    }
    findings
}

/// Arithmetic on counts happens after the sum over the window; an average of counts depends on the interval.
fn counting(view: &MonitorView<'_>, metric: &MetricAlert) -> Option<Finding> {
    let queries = metric.expr.metrics();
    let counted = queries
        .iter()
        .find(|query| query.has(MethodName::AsCount))?;
    let summed = metric.aggregator == TimeAggregator::Sum
        || metric.expr.calls().iter().any(|call| {
            matches!(
                call.function.as_str(),
                "anomalies" | "outliers" | "forecast"
            )
        });
    let added = queries.iter().all(|query| {
        !query.has(MethodName::AsCount)
            || matches!(
                query.aggregator,
                Some(
                    SpaceAggregator::Sum | SpaceAggregator::Count | SpaceAggregator::CountWhere(_)
                )
            )
    });
    if summed && added {
        return None;
    }
    let message = format!(
        "`{}` is counted with `as_count` and not summed",
        counted.name
    );
    let help =
        "write sum(last_…):sum:… so that the counts of the window are added up, or use as_rate()";
    Some(Finding::new("as-count-sum", view.place("query"), message).help(help))
}

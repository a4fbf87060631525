//! Counts: summed over the window.

use super::finding::Finding;
use super::rule::{Check, Rule};
use super::view::{Everything, MonitorView};
use crate::query::tree::{Alert, MethodName, MetricAlert, SpaceAggregator, TimeAggregator};

pub(super) const RULE: Rule = Rule {
    name: "as-count-sum",
    demands: "Counts are summed over the window: `as_count` goes with `sum` and `sum(last_…)`.",
    waivable: true,
    check: Check::Monitor(check),
};

fn check(view: &MonitorView<'_>, _: &Everything<'_>) -> Vec<Finding> {
    match view.alert() {
        Some(Alert::Metric(metric)) => counting(view, metric).into_iter().collect(),
        _ => Vec::new(),
    }
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
    Some(RULE.finding(view.place("query"), message).help(help))
}

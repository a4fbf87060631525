//! Cloud metrics: they are waited for.

use super::finding::Finding;
use super::rule::{Check, Rule};
use super::view::{Everything, MonitorView};
use crate::query::tree::{Alert, MetricAlert};

pub(super) const RULE: Rule = Rule {
    name: "evaluation-delay-cloud",
    demands: "A cloud metric is evaluated with a delay of at least 900 s.",
    waivable: true,
    check: Check::Monitor(check),
};

/// Cloud providers' metrics arrive up to a quarter of an hour late.
const CLOUD_DELAY_MIN: u64 = 900;
const CLOUD_PREFIXES: [&str; 3] = ["aws.", "azure.", "gcp."];

fn check(view: &MonitorView<'_>, _: &Everything<'_>) -> Vec<Finding> {
    match view.alert() {
        Some(Alert::Metric(metric)) => late(view, metric).into_iter().collect(),
        _ => Vec::new(),
    }
}

fn late(view: &MonitorView<'_>, metric: &MetricAlert) -> Option<Finding> {
    let queries = metric.expr.metrics();
    let cloud = queries.iter().find(|query| {
        CLOUD_PREFIXES
            .iter()
            .any(|prefix| query.name.starts_with(prefix))
    })?;
    let delay = view.definition.options.evaluation_delay.unwrap_or_default();
    if delay >= CLOUD_DELAY_MIN {
        return None;
    }
    let message = format!(
        "`{}` arrives late, and the monitor is evaluated after {delay} s",
        cloud.name
    );
    let place = view.option_place("evaluation_delay");
    Some(
        RULE.finding(place, message)
            .help("set `evaluation_delay: 900` in the options"),
    )
}

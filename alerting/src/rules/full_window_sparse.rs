//! Sparse metrics: nothing waits for a full window of them.

use super::finding::Finding;
use super::rule::{Check, Rule};
use super::view::{Everything, MonitorView};
use crate::query::tree::{Alert, MethodName, MetricAlert};

pub(super) const RULE: Rule = Rule {
    name: "full-window-sparse",
    demands: "A sparse metric does not require a full window.",
    waivable: true,
    check: Check::Monitor(check),
};

fn check(view: &MonitorView<'_>, everything: &Everything<'_>) -> Vec<Finding> {
    match view.alert() {
        Some(Alert::Metric(metric)) => sparse(view, metric, everything).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// A counter that reports nothing while nothing happens never fills a window.
fn sparse(
    view: &MonitorView<'_>,
    metric: &MetricAlert,
    everything: &Everything<'_>,
) -> Option<Finding> {
    let queries = metric.expr.metrics();
    let sparse = queries.iter().find(|query| {
        query.has(MethodName::AsCount)
            || everything
                .catalogue
                .find(&query.name)
                .is_some_and(|known| known.sparse)
    })?;
    if view.definition.options.require_full_window == Some(false) {
        return None;
    }
    let message = format!(
        "`{}` is sparse, and the monitor may wait for a full window",
        sparse.name
    );
    let place = view.option_place("require_full_window");
    Some(
        RULE.finding(place, message)
            .help("set `require_full_window: false` in the options"),
    )
}

//! Rules on missing and late data.

use super::Finding;
use super::view::{Everything, MonitorView};
use crate::definition::{MissingData, MonitorType};
use crate::query::tree::{Alert, MethodName, MetricAlert};

/// Cloud providers' metrics arrive up to a quarter of an hour late.
const CLOUD_DELAY_MIN: u64 = 900;
const CLOUD_PREFIXES: [&str; 3] = ["aws.", "azure.", "gcp."];

pub(super) fn check(view: &MonitorView<'_>, everything: &Everything<'_>) -> Vec<Finding> {
    let mut findings = combinations(view);
    if let Some(Alert::Metric(metric)) = view.alert() {
        findings.extend(sparse(view, metric, everything));
        findings.extend(late(view, metric));
    }
    findings
}

fn combinations(view: &MonitorView<'_>) -> Vec<Finding> {
    let options = &view.definition.options;
    let notifies = options.notify_no_data == Some(true);
    let timed = options.no_data_timeframe.is_some();
    let newer = options.on_missing_data.is_some();
    let stateful = matches!(
        view.definition.kind,
        MonitorType::Composite | MonitorType::Slo | MonitorType::ServiceCheck
    );
    let plain_default = options.on_missing_data == Some(MissingData::Default);
    // Which option, whether it is wrong, what is wrong with it, what to do.
    let table = [
        (
            "on_missing_data",
            newer && (notifies || timed),
            "on_missing_data cannot be used with notify_no_data or no_data_timeframe",
            "keep on_missing_data alone: show_and_notify_no_data is the newer notify_no_data",
        ),
        (
            "notify_no_data",
            notifies && !timed,
            "notify_no_data needs no_data_timeframe",
            "add the minutes, at least twice the window",
        ),
        (
            "no_data_timeframe",
            timed && !notifies,
            "no_data_timeframe has no effect without notify_no_data: true",
            "add it, or remove this",
        ),
        (
            "on_missing_data",
            newer && !plain_default && stateful,
            "on_missing_data is not taken for this type of monitor",
            "remove it",
        ),
        (
            "require_full_window",
            options.require_full_window.is_some() && !view.is_metric(),
            "require_full_window is for metric monitors",
            "remove it",
        ),
    ];
    let wrong = table.into_iter().filter(|(_, wrong, _, _)| *wrong);
    wrong
        .map(|(name, _, message, help)| {
            Finding::new("missing-data", view.option_place(name), message).help(help)
        })
        .collect()
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
        Finding::new("full-window-sparse", place, message)
            .help("set `require_full_window: false` in the options"),
    )
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
        Finding::new("evaluation-delay-cloud", place, message)
            .help("set `evaluation_delay: 900` in the options"),
    )
}

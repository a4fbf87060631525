//! Missing data: options that go together.

use super::finding::Finding;
use super::rule::{Check, Rule};
use super::view::{Everything, MonitorView};
use crate::definition::{MissingData, MonitorType};

pub(super) const RULE: Rule = Rule {
    name: "missing-data",
    demands: "The options about missing data go together.",
    waivable: true,
    check: Check::Monitor(check),
};

fn check(view: &MonitorView<'_>, _: &Everything<'_>) -> Vec<Finding> {
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
        .map(|(name, _, message, help)| RULE.finding(view.option_place(name), message).help(help))
        .collect()
}

//! Queries of monitors: one line each.

use super::finding::Finding;
use super::rule::{Check, Rule};
use super::view::{Everything, MonitorView};
use crate::set::item::text_at;

pub(super) const RULE: Rule = Rule {
    name: "query-line",
    demands: "A monitor's query stands on one line.",
    waivable: true,
    check: Check::Monitor(check),
};

fn check(view: &MonitorView<'_>, _: &Everything<'_>) -> Vec<Finding> {
    line_break(view).into_iter().collect()
}

/// The API refuses what a literal block (`|`) makes of a long query.
fn line_break(view: &MonitorView<'_>) -> Option<Finding> {
    let query = text_at(&view.item.object.payload, "query");
    query.contains(['\n', '\r']).then(|| {
        RULE.finding(view.place("query"), "the query has a line break")
            .help("write `query: >-`, with all lines at one indent: that joins them with spaces")
    })
}

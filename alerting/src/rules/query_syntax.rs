//! Queries of monitors, SLOs and dashboards: they can be read.

use super::finding::Finding;
use super::rule::{Check, Rule};
use super::view::{Everything, ItemView, WrittenQuery};
use crate::query::QueryError;

pub(super) const RULE: Rule = Rule {
    name: "query-syntax",
    demands: "A query is of the grammar.",
    waivable: true,
    check: Check::Item(check),
};

fn check(view: &ItemView<'_>, _: &Everything<'_>) -> Vec<Finding> {
    let wrong = |query: &WrittenQuery<'_>| Some(syntax(query, query.parsed.as_ref().err()?));
    view.queries.iter().filter_map(wrong).collect()
}

/// A query that does not parse, at the offending bytes if the file has them as they are.
fn syntax(query: &WrittenQuery<'_>, error: &QueryError) -> Finding {
    let text = query.text;
    let finding = RULE.finding(query.place.clone(), error.message.clone());
    let near = text.get(error.at.clone()).filter(|near| !near.is_empty());
    let column = text[..error.at.start.min(text.len())].chars().count() + 1;
    let finding = match near {
        Some(near) => finding.help(format!(
            "correct the query at `{near}`, its column {column}"
        )),
        None => finding.help("complete the query at its end"),
    };
    if text == query.written && near.is_some() {
        finding.within(error.at.clone())
    } else {
        finding
    }
}

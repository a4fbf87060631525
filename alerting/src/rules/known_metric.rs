//! Metric queries: the metric exists.

use checked_yaml::Place;

use super::finding::Finding;
use super::rule::{Check, Rule};
use super::view::Everything;
use crate::catalogue::Catalogue;
use crate::query::tree::MetricQuery;

pub(super) const RULE: Rule = Rule {
    name: "known-metric",
    demands: "A metric is in the catalogue or the table of provided metrics.",
    waivable: true,
    check: Check::Metric(check),
};

fn check(query: &MetricQuery, place: &Place, everything: &Everything<'_>) -> Vec<Finding> {
    match everything.catalogue.find(&query.name) {
        Some(_) => Vec::new(),
        None => vec![unknown(query, place, everything.catalogue)],
    }
}

fn unknown(query: &MetricQuery, place: &Place, catalogue: &Catalogue) -> Finding {
    let close = checked_yaml::did_you_mean(&query.name, catalogue.names());
    let finding = RULE.finding(
        place.clone(),
        format!("there is no metric `{}`", query.name),
    );
    let finding = finding.containing(&query.name).help(
        "list it in the project's metrics.yaml, or waive the rule for one that others send; `monitors metrics` lists \
         the known ones",
    );
    // Without a list of its own a project cannot have misspelt anything on it.
    let finding = if catalogue.is_empty() {
        finding.house()
    } else {
        finding
    };
    close.into_iter().fold(finding, Finding::help)
}

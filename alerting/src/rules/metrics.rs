//! Rules on metric queries: the metric exists and has the tags and the kind that are asked of it.

use checked_yaml::Place;

use super::Finding;
use super::view::{Everything, MonitorView};
use crate::catalogue::Catalogue;
use crate::provided::EVERYWHERE;
use crate::query::Expression;
use crate::query::tree::{MetricQuery, SpaceAggregator};

pub(super) fn check(view: &MonitorView<'_>, everything: &Everything<'_>) -> Vec<Finding> {
    let catalogue = everything.catalogue;
    let Some(query) = &view.query else {
        return Vec::new();
    };
    let mut findings = check_metrics(&query.metrics(), &view.place("query"), catalogue);
    let variables = view
        .definition
        .options
        .variables
        .iter()
        .flatten()
        .enumerate();
    for (index, variable) in variables {
        let place = view.option_place("variables").index(index).key("query");
        let Some(text) = variable.get("query").and_then(|query| query.as_str()) else {
            continue;
        };
        match Expression::parse(text) {
            Ok(expression) => {
                findings.extend(check_metrics(&expression.metrics(), &place, catalogue))
            }
            Err(error) => findings.push(super::view::syntax(place, &error, text, text)),
        }
    }
    findings
}

pub(super) fn check_metrics(
    queries: &[&MetricQuery],
    place: &Place,
    catalogue: &Catalogue,
) -> Vec<Finding> {
    queries
        .iter()
        .flat_map(|query| check_one(query, place, catalogue))
        .collect()
}

fn check_one(query: &MetricQuery, place: &Place, catalogue: &Catalogue) -> Vec<Finding> {
    let Some(known) = catalogue.find(&query.name) else {
        return vec![unknown(query, place, catalogue)];
    };
    let mut findings = Vec::new();
    let keys = query
        .filter
        .keys()
        .into_iter()
        .chain(query.by.iter().map(String::as_str));
    let own = known.tags.as_deref();
    let has = |key: &str| own.is_none_or(|tags| tags.iter().any(|tag| tag == key));
    for key in keys.filter(|key| !has(key) && !EVERYWHERE.contains(key)) {
        let tags = own.unwrap_or_default().iter().map(String::as_str);
        let tags: Vec<&str> = tags.chain(["service", "env", "version"]).collect();
        let finding = Finding::new(
            "known-tag",
            place.clone(),
            format!("`{}` has no tag `{key}`", query.name),
        );
        findings.push(
            finding
                .containing(key)
                .help(format!("its tags: {}", tags.join(", "))),
        );
    }
    if matches!(query.aggregator, Some(SpaceAggregator::Percentile(_))) && !known.distribution {
        let finding = Finding::new(
            "percentile-of-distribution",
            place.clone(),
            format!("`{}` has no percentiles", query.name),
        );
        findings.push(
            finding
                .containing(&query.name)
                .help("ask avg, max, min or sum, or use a distribution"),
        );
    }
    findings
}

fn unknown(query: &MetricQuery, place: &Place, catalogue: &Catalogue) -> Finding {
    let close = checked_yaml::did_you_mean(&query.name, catalogue.names());
    let finding = Finding::new(
        "known-metric",
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

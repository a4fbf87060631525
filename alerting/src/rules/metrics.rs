//! Rules on metric queries: the metric exists and has the tags and the kind that are asked of it.

use checked_yaml::Place;
use telemetry::catalogue::{Kind, Metric};

use super::Finding;
use super::view::{Everything, MonitorView};
use crate::provided::{self, EVERYWHERE, PROVIDED};
use crate::query::Expression;
use crate::query::tree::{MetricQuery, SpaceAggregator};

/// What is known of a metric, whoever sends it.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    /// Its own tags.
    pub tags: &'static [&'static str],
    /// Reports nothing while nothing happens.
    pub sparse: bool,
    /// Percentiles can be asked of it.
    pub distribution: bool,
}

/// Finds a metric in the catalogue or among the provided ones.
pub fn known_metric(name: &str) -> Option<Known> {
    if let Some(metric) = Metric::by_name(name) {
        let definition = metric.definition();
        let distribution = matches!(definition.kind, Kind::Histogram | Kind::Distribution);
        let sparse = definition.kind != Kind::Gauge;
        return Some(Known {
            tags: definition.tags,
            sparse,
            distribution,
        });
    }
    let provided = provided::by_name(name)?;
    Some(Known {
        tags: provided.tags,
        sparse: provided.sparse,
        distribution: provided.distribution,
    })
}

pub(super) fn check(view: &MonitorView<'_>, _: &Everything<'_>) -> Vec<Finding> {
    let Some(query) = &view.query else {
        return Vec::new();
    };
    let mut findings = check_metrics(&query.metrics(), &view.place("query"));
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
            Ok(expression) => findings.extend(check_metrics(&expression.metrics(), &place)),
            Err(error) => findings.push(super::view::syntax(place, &error, text, text)),
        }
    }
    findings
}

pub(super) fn check_metrics(queries: &[&MetricQuery], place: &Place) -> Vec<Finding> {
    queries
        .iter()
        .flat_map(|query| check_one(query, place))
        .collect()
}

fn check_one(query: &MetricQuery, place: &Place) -> Vec<Finding> {
    let Some(known) = known_metric(&query.name) else {
        return vec![unknown(query, place)];
    };
    let mut findings = Vec::new();
    let keys = query
        .filter
        .keys()
        .into_iter()
        .chain(query.by.iter().map(String::as_str));
    for key in keys.filter(|key| !known.tags.contains(key) && !EVERYWHERE.contains(key)) {
        let tags: Vec<&str> = known
            .tags
            .iter()
            .chain(&["service", "env", "version"])
            .copied()
            .collect();
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

fn unknown(query: &MetricQuery, place: &Place) -> Finding {
    let names = Metric::ALL
        .iter()
        .map(|metric| metric.name())
        .chain(PROVIDED.iter().map(|provided| provided.name));
    let close = checked_yaml::did_you_mean(&query.name, names);
    let finding = Finding::new(
        "known-metric",
        place.clone(),
        format!("there is no metric `{}`", query.name),
    );
    let finding = finding
        .containing(&query.name)
        .help("docs/metrics.md lists the metrics; add it to the catalogue, or waive the rule for one from elsewhere");
    close.into_iter().fold(finding, Finding::help)
}

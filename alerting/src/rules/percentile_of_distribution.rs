//! Metric queries: percentiles are asked of what has them.

use checked_yaml::Place;

use super::finding::Finding;
use super::rule::{Check, Rule};
use super::view::Everything;
use crate::query::tree::{MetricQuery, SpaceAggregator};

pub(super) const RULE: Rule = Rule {
    name: "percentile-of-distribution",
    demands: "A percentile is asked of a distribution only.",
    waivable: true,
    check: Check::Metric(check),
};

fn check(query: &MetricQuery, place: &Place, everything: &Everything<'_>) -> Vec<Finding> {
    let percentile = matches!(query.aggregator, Some(SpaceAggregator::Percentile(_)));
    let known = everything.catalogue.find(&query.name);
    if !percentile || known.is_none_or(|known| known.distribution) {
        return Vec::new();
    }
    let finding = RULE.finding(
        place.clone(),
        format!("`{}` has no percentiles", query.name),
    );
    vec![
        finding
            .containing(&query.name)
            .help("ask avg, max, min or sum, or use a distribution"),
    ]
}

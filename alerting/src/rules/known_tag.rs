//! Metric queries: the metric has the tags that are asked of it.

use checked_yaml::Place;

use super::finding::Finding;
use super::rule::{Check, Rule};
use super::view::Everything;
use crate::provided::EVERYWHERE;
use crate::query::tree::MetricQuery;

pub(super) const RULE: Rule = Rule {
    name: "known-tag",
    demands: "A tag key in a scope or group exists on the metric.",
    waivable: true,
    check: Check::Metric(check),
};

fn check(query: &MetricQuery, place: &Place, everything: &Everything<'_>) -> Vec<Finding> {
    let Some(known) = everything.catalogue.find(&query.name) else {
        return Vec::new();
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
        let finding = RULE.finding(
            place.clone(),
            format!("`{}` has no tag `{key}`", query.name),
        );
        findings.push(
            finding
                .containing(key)
                .help(format!("its tags: {}", tags.join(", "))),
        );
    }
    findings
}

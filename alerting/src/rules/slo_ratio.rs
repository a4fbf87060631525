//! Metric SLOs: both sides count the same things.

use checked_yaml::Place;

use super::finding::Finding;
use super::rule::{Check, Rule};
use super::view::ItemView;
use crate::definition::Slo;
use crate::query::Expression;
use crate::query::tree::MethodName;

pub(super) const RULE: Rule = Rule {
    name: "slo-ratio",
    demands: "Both sides of a metric SLO are counts of the same groups.",
    waivable: true,
    check: Check::Slo(check),
};

fn check(view: &ItemView<'_>, slo: &Slo) -> Vec<Finding> {
    let expressions: Vec<_> = view.expressions().collect();
    match expressions.as_slice() {
        [(place, good), (_, all)] if slo.query.is_some() => {
            ratio(place, good, all).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

fn ratio(place: &Place, good: &Expression, all: &Expression) -> Option<Finding> {
    let groups = |side: &Expression| {
        let mut keys: Vec<String> = side
            .metrics()
            .iter()
            .flat_map(|query| query.by.clone())
            .collect();
        keys.sort();
        keys.dedup();
        keys
    };
    let metrics: Vec<_> = good.metrics().into_iter().chain(all.metrics()).collect();
    let message = if let Some(rate) = metrics.iter().find(|query| !query.has(MethodName::AsCount)) {
        format!("`{}` is not counted with `as_count`", rate.name)
    } else if groups(good) != groups(all) {
        "numerator and denominator group by different keys".to_owned()
    } else {
        return None;
    };
    Some(
        RULE.finding(place.clone(), message)
            .help("write sum:….as_count() on both sides, with the same `by`"),
    )
}

//! Dashboards: template variables in queries are defined.

use super::finding::Finding;
use super::rule::{Check, Rule};
use super::view::ItemView;
use crate::definition::Dashboard;
use crate::query::tree::{Filter, Term};

pub(super) const RULE: Rule = Rule {
    name: "dashboard-variable",
    demands: "A template variable in a widget's query is defined.",
    waivable: true,
    check: Check::Dashboard(check),
};

fn check(view: &ItemView<'_>, dashboard: &Dashboard) -> Vec<Finding> {
    let defined: Vec<&str> = dashboard
        .template_variables
        .iter()
        .filter_map(|variable| variable.get("name")?.as_str())
        .collect();
    let mut findings = Vec::new();
    for (place, query) in view.metrics() {
        let used = used_variables(&query.filter).into_iter();
        for name in used.filter(|name| !defined.contains(name)) {
            let message = format!("there is no template variable `${name}`");
            let finding = RULE.finding(place.clone(), message);
            findings.push(
                finding
                    .containing(&format!("${name}"))
                    .help("add it to template_variables, or correct the name"),
            );
        }
    }
    findings
}

fn used_variables(filter: &Filter) -> Vec<&str> {
    let name = |text: &'_ str| -> Option<usize> {
        text.starts_with('$')
            .then(|| text.find('.').unwrap_or(text.len()))
    };
    match filter {
        Filter::Term(Term::Variable(text)) => vec![text.split('.').next().unwrap_or(text)],
        Filter::Term(Term::Tag { value, .. }) => {
            name(value).map(|end| &value[1..end]).into_iter().collect()
        }
        Filter::Term(_) => Vec::new(),
        Filter::In { values, .. } => values
            .iter()
            .filter_map(|value| name(value).map(|end| &value[1..end]))
            .collect(),
        Filter::Not(inner) | Filter::Group(inner) => used_variables(inner),
        Filter::All(items) | Filter::Any(items) => items.iter().flat_map(used_variables).collect(),
    }
}

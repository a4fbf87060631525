//! Rules on dashboards: their queries parse and use known metrics, their variables exist.

use checked_yaml::Place;
use serde_json::{Map, Value};

use super::Finding;
use super::metrics;
use super::view::{Everything, syntax};
use crate::definition::Dashboard;
use crate::query::Expression;
use crate::query::tree::{Filter, Term};
use crate::set::Item;

/// Groups nest once; deeper structures are not dashboards.
const NESTING_MAX: usize = 32;

pub(super) fn check(
    item: &Item,
    dashboard: &Dashboard,
    everything: &Everything<'_>,
) -> Vec<Finding> {
    let mut findings = shape(item, dashboard);
    let variables: Vec<&str> = dashboard
        .template_variables
        .iter()
        .filter_map(|variable| variable.get("name")?.as_str())
        .collect();
    for (place, text) in queries(&item.object.payload["widgets"], &item.place.key("widgets")) {
        match Expression::parse(text) {
            Ok(expression) => findings.extend(widget(&expression, &place, &variables, everything)),
            Err(error) => findings.push(syntax(place, &error, text, text)),
        }
    }
    findings
}

fn shape(item: &Item, dashboard: &Dashboard) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !["ordered", "free"].contains(&dashboard.layout_type.as_str()) {
        let message = format!("there is no layout `{}`", dashboard.layout_type);
        findings.push(
            Finding::new("dashboard-shape", item.place.key("layout_type"), message)
                .help("use `ordered` or `free`"),
        );
    }
    for (index, widget) in dashboard.widgets.iter().enumerate() {
        findings.extend(widget_shape(widget, item.place.key("widgets").index(index)));
    }
    for (index, tag) in dashboard
        .tags
        .iter()
        .enumerate()
        .filter(|(_, tag)| !tag.starts_with("team:"))
    {
        let message = format!("a dashboard cannot have the tag `{tag}`");
        let finding = Finding::new(
            "dashboard-tags",
            item.place.key("tags").index(index),
            message,
        );
        findings.push(finding.help("the API takes `team:…` alone"));
    }
    findings
}

fn widget_shape(widget: &Map<String, Value>, place: Place) -> Option<Finding> {
    let typed = widget
        .get("definition")
        .and_then(|definition| definition.get("type"))
        .is_some_and(Value::is_string);
    let finding = || {
        Finding::new(
            "dashboard-shape",
            place,
            "the widget has no definition with a type",
        )
    };
    (!typed).then(|| finding().help("add `definition: { type: timeseries, … }`"))
}

/// The metric queries of all widgets: `q` of the older form, `query` of the newer one where it is about metrics.
fn queries<'v>(widgets: &'v Value, place: &Place) -> Vec<(Place, &'v str)> {
    let mut found = Vec::new();
    collect(widgets, place, 0, &mut found);
    found
}

fn collect<'v>(value: &'v Value, place: &Place, depth: usize, found: &mut Vec<(Place, &'v str)>) {
    if depth > NESTING_MAX {
        return;
    }
    match value {
        Value::Array(items) => {
            items
                .iter()
                .enumerate()
                .for_each(|(at, item)| collect(item, &place.index(at), depth + 1, found));
        }
        Value::Object(map) => {
            let metrics = map.get("data_source").and_then(Value::as_str) == Some("metrics");
            // Overlays of events have a `q` too, in the language of event searches.
            for (field, item) in map.iter().filter(|(field, _)| *field != "events") {
                match item.as_str() {
                    Some(text) if field == "q" || (field == "query" && metrics) => {
                        found.push((place.key(field), text))
                    }
                    _ => collect(item, &place.key(field), depth + 1, found),
                }
            }
        }
        _ => {}
    }
}

fn widget(
    expression: &Expression,
    place: &Place,
    variables: &[&str],
    everything: &Everything<'_>,
) -> Vec<Finding> {
    let mut findings = metrics::check_metrics(&expression.metrics(), place, everything.catalogue);
    for query in expression.metrics() {
        for name in used_variables(&query.filter)
            .into_iter()
            .filter(|name| !variables.contains(name))
        {
            let finding = Finding::new(
                "dashboard-variable",
                place.clone(),
                format!("there is no template variable `${name}`"),
            );
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

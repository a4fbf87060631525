//! Dashboards: a layout, and widgets with a type.

use checked_yaml::Place;
use serde_json::{Map, Value};

use super::finding::Finding;
use super::rule::{Check, Rule};
use super::view::ItemView;
use crate::definition::Dashboard;

pub(super) const RULE: Rule = Rule {
    name: "dashboard-shape",
    demands: "A dashboard has a known layout and widgets with a type.",
    waivable: false,
    check: Check::Dashboard(check),
};

fn check(view: &ItemView<'_>, dashboard: &Dashboard) -> Vec<Finding> {
    let item = view.item;
    let mut findings = Vec::new();
    if !["ordered", "free"].contains(&dashboard.layout_type.as_str()) {
        let message = format!("there is no layout `{}`", dashboard.layout_type);
        findings.push(
            RULE.finding(item.place.key("layout_type"), message)
                .help("use `ordered` or `free`"),
        );
    }
    for (index, widget) in dashboard.widgets.iter().enumerate() {
        findings.extend(widget_shape(widget, item.place.key("widgets").index(index)));
    }
    findings
}

fn widget_shape(widget: &Map<String, Value>, place: Place) -> Option<Finding> {
    let typed = widget
        .get("definition")
        .and_then(|definition| definition.get("type"))
        .is_some_and(Value::is_string);
    let finding = || RULE.finding(place, "the widget has no definition with a type");
    (!typed).then(|| finding().help("add `definition: { type: timeseries, … }`"))
}

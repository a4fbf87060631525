//! The one form in which local and remote objects are compared: server-added fields, defaults and representation
//! differences removed. Must not know which side an object came from: both go through the same function.

use serde_json::{Map, Number, Value, json};

use crate::object::{self, Kind, Object, Remote};

/// The options that a monitor definition may set. Others are the server's own business and are left alone.
pub const MONITOR_OPTIONS: &[&str] = &[
    "aggregation",
    "device_ids",
    "enable_logs_sample",
    "enable_samples",
    "escalation_message",
    "evaluation_delay",
    "group_retention_duration",
    "groupby_simple_monitor",
    "include_tags",
    "locked",
    "min_failure_duration",
    "min_location_failed",
    "new_group_delay",
    "new_host_delay",
    "no_data_timeframe",
    "notification_preset_name",
    "notify_audit",
    "notify_by",
    "notify_no_data",
    "on_missing_data",
    "renotify_interval",
    "renotify_occurrences",
    "renotify_statuses",
    "require_full_window",
    "scheduling_options",
    "synthetics_check_id",
    "threshold_windows",
    "thresholds",
    "timeout_h",
    "variables",
];

/// The fields that a monitor definition may set.
pub(crate) const MONITOR_FIELDS: &[&str] = &[
    "message", "name", "options", "priority", "query", "tags", "type",
];
/// The thresholds that a monitor definition may set.
pub(crate) const THRESHOLDS: &[&str] = &[
    "critical",
    "critical_recovery",
    "ok",
    "unknown",
    "warning",
    "warning_recovery",
];
/// The windows that a monitor definition may set.
pub(crate) const THRESHOLD_WINDOWS: &[&str] = &["recovery_window", "trigger_window"];
/// What an SLO definition may say of a target.
pub(crate) const TARGET: &[&str] = &["target", "timeframe", "warning"];
/// The two sides of a metric SLO.
pub(crate) const RATIO: &[&str] = &["denominator", "numerator"];

/// The fields that an SLO definition may set.
pub(crate) const SLO_FIELDS: &[&str] = &[
    "description",
    "groups",
    "monitor_ids",
    "name",
    "query",
    "sli_specification",
    "tags",
    "thresholds",
    "type",
];
/// The fields that a dashboard definition may set.
pub(crate) const DASHBOARD_FIELDS: &[&str] = &[
    "description",
    "layout_type",
    "notify_list",
    "reflow_type",
    "tabs",
    "tags",
    "template_variable_presets",
    "template_variables",
    "title",
    "widgets",
];

/// The comparable form of a remote object.
pub fn remote(remote: &Remote) -> Value {
    normalise(remote.kind, &remote.value)
}

/// The comparable form of a local object; resolve its links first where their ids are known.
pub fn local(object: &Object) -> Value {
    normalise(object.kind, &object.payload)
}

/// The comparable form of an object of this kind, whichever side it came from.
pub fn normalise(kind: Kind, value: &Value) -> Value {
    let empty = Map::new();
    let object = value.as_object().unwrap_or(&empty);
    match kind {
        Kind::Monitor => monitor(object),
        Kind::Slo => slo(object),
        Kind::Dashboard => dashboard(object),
    }
}

/// Whether a field says the same on both sides.
pub(crate) fn same_field(
    kind: Kind,
    name: &str,
    have: Option<&Value>,
    wanted: Option<&Value>,
) -> bool {
    normalise(kind, &alone(name, have)) == normalise(kind, &alone(name, wanted))
}

/// Whether one of a monitor's options says the same on both sides.
pub(crate) fn same_option(name: &str, have: Option<&Value>, wanted: Option<&Value>) -> bool {
    let options = |value| json!({ "options": alone(name, value) });
    normalise(Kind::Monitor, &options(have)) == normalise(Kind::Monitor, &options(wanted))
}

fn alone(name: &str, value: Option<&Value>) -> Value {
    let field = value.map(|value| (name.to_owned(), value.clone()));
    Value::Object(field.into_iter().collect())
}

/// Whether two texts say the same to the server, which trims them.
pub(crate) fn same_text(have: &str, wanted: &str) -> bool {
    trimmed(have) == trimmed(wanted)
}

/// A description without its marker line, otherwise to the byte.
pub(crate) fn without_marker(description: &str) -> String {
    description
        .split_inclusive('\n')
        .filter(|line| object::marker_key(line).is_none())
        .collect()
}

/// A dashboard's tabs with widgets named by position.
pub(crate) fn positioned_tabs(dashboard: &Map<String, Value>) -> Option<Vec<Value>> {
    let mut dashboard = dashboard.clone();
    position_tabs(&mut dashboard);
    match dashboard.shift_remove("tabs") {
        Some(Value::Array(tabs)) => Some(tabs),
        _ => None,
    }
}

fn monitor(object: &Map<String, Value>) -> Value {
    let mut normal = pick(object, MONITOR_FIELDS);
    for field in ["name", "message", "query"] {
        trim(&mut normal, field);
    }
    if normal.get("type").and_then(Value::as_str) == Some("metric alert") {
        normal.insert("type".into(), "query alert".into());
    }
    if normal.get("priority").and_then(Value::as_f64) == Some(0.0) {
        normal.remove("priority");
    }
    sort_set(&mut normal, "tags");
    if let Some(Value::Object(options)) = normal.remove("options") {
        let options = monitor_options(options);
        if !options.is_empty() {
            normal.insert("options".into(), Value::Object(options));
        }
    }
    plain(Value::Object(normal))
}

fn monitor_options(options: Map<String, Value>) -> Map<String, Value> {
    let mut normal = pick(&options, MONITOR_OPTIONS);
    for (field, known) in [
        ("thresholds", THRESHOLDS),
        ("threshold_windows", THRESHOLD_WINDOWS),
    ] {
        if let Some(Value::Object(fields)) = normal.get_mut(field) {
            fields.retain(|name, value| known.contains(&name.as_str()) && !value.is_null());
        }
    }
    for field in ["notify_by", "renotify_statuses"] {
        sort_set(&mut normal, field);
    }
    normal.retain(|name, value| !is_option_default(name, value));
    normal
}

/// Whether leaving the option out means the same to the API.
fn is_option_default(name: &str, value: &Value) -> bool {
    match (name, value) {
        ("include_tags", Value::Bool(value)) => *value,
        ("new_host_delay", value) => value.as_f64() == Some(300.0),
        ("on_missing_data", Value::String(value)) => value == "default",
        ("notification_preset_name", Value::String(value)) => value == "show_all",
        ("require_full_window", Value::Bool(_)) => false,
        (_, Value::Bool(value)) => !value,
        ("renotify_interval" | "timeout_h" | "evaluation_delay" | "no_data_timeframe", value) => {
            value.as_f64() == Some(0.0)
        }
        (_, value) => is_empty(value),
    }
}

fn slo(object: &Map<String, Value>) -> Value {
    let mut normal = pick(object, SLO_FIELDS);
    for field in ["name", "description"] {
        trim(&mut normal, field);
    }
    for field in ["tags", "groups", "monitor_ids"] {
        sort_set(&mut normal, field);
    }
    if let Some(Value::Object(query)) = normal.get_mut("query") {
        query.retain(|name, _| RATIO.contains(&name.as_str()));
        trim(query, "numerator");
        trim(query, "denominator");
    }
    if let Some(Value::Array(thresholds)) = normal.get_mut("thresholds") {
        thresholds.iter_mut().for_each(slo_threshold);
        thresholds.sort_by_key(|threshold| threshold["timeframe"].to_string());
    }
    if let Some(slice) = normal
        .get_mut("sli_specification")
        .and_then(|spec| spec.get_mut("time_slice"))
        && slice.get("query_interval_seconds").and_then(Value::as_f64) == Some(300.0)
        && let Some(slice) = slice.as_object_mut()
    {
        slice.shift_remove("query_interval_seconds");
    }
    plain(Value::Object(normal))
}

fn slo_threshold(threshold: &mut Value) {
    if let Some(threshold) = threshold.as_object_mut() {
        threshold.retain(|name, value| TARGET.contains(&name.as_str()) && !value.is_null());
    }
}

fn dashboard(object: &Map<String, Value>) -> Value {
    let mut normal = pick(object, DASHBOARD_FIELDS);
    trim(&mut normal, "title");
    trim(&mut normal, "description");
    sort_set(&mut normal, "notify_list");
    sort_set(&mut normal, "tags");
    position_tabs(&mut normal);
    if let Some(Value::Array(widgets)) = normal.get_mut("widgets") {
        widgets.iter_mut().for_each(strip_widget_id);
    }
    plain(Value::Object(normal))
}

/// Widgets nest in groups; ids are the server's.
fn strip_widget_id(widget: &mut Value) {
    let Some(widget) = widget.as_object_mut() else {
        return;
    };
    widget.shift_remove("id");
    if let Some(Value::Array(nested)) = widget
        .get_mut("definition")
        .and_then(|definition| definition.get_mut("widgets"))
    {
        nested.iter_mut().for_each(strip_widget_id);
    }
}

/// Tabs name their widgets by server id; the API also takes positions (`@1` is the first), which both sides have.
fn position_tabs(dashboard: &mut Map<String, Value>) {
    let ids: Vec<Option<i64>> = dashboard
        .get("widgets")
        .and_then(Value::as_array)
        .map(|widgets| {
            widgets
                .iter()
                .map(|widget| widget.get("id").and_then(Value::as_i64))
                .collect()
        })
        .unwrap_or_default();
    let position = |id: &Value| {
        let found = id
            .as_i64()
            .and_then(|id| ids.iter().position(|known| *known == Some(id)));
        found.map_or_else(
            || id.clone(),
            |index| Value::String(format!("@{}", index + 1)),
        )
    };
    for tab in dashboard
        .get_mut("tabs")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        let Some(tab) = tab.as_object_mut() else {
            continue;
        };
        tab.shift_remove("id");
        if let Some(Value::Array(widgets)) = tab.get_mut("widget_ids") {
            widgets.iter_mut().for_each(|id| *id = position(id));
        }
    }
}

/// The fields that take part, in a fixed order, without the empty ones.
fn pick(object: &Map<String, Value>, fields: &[&str]) -> Map<String, Value> {
    let present = fields
        .iter()
        .filter_map(|name| object.get(*name).map(|value| (*name, value)));
    present
        .filter(|(_, value)| !is_empty(value))
        .map(|(name, value)| (name.to_owned(), value.clone()))
        .collect()
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

fn trim(object: &mut Map<String, Value>, field: &str) {
    if let Some(Value::String(text)) = object.get_mut(field) {
        *text = trimmed(text);
    }
}

fn trimmed(text: &str) -> String {
    text.trim().replace("\r\n", "\n")
}

fn sort_set(object: &mut Map<String, Value>, field: &str) {
    if let Some(Value::Array(items)) = object.get_mut(field) {
        items.sort_by_key(Value::to_string);
        items.dedup();
    }
}

/// Numbers by value, not spelling: 5 and 5.0 are one. Nulls inside objects are absent fields.
fn plain(value: Value) -> Value {
    match value {
        Value::Number(number) => Value::Number(plain_number(number)),
        Value::Array(items) => items.into_iter().map(plain).collect(),
        Value::Object(map) => map
            .into_iter()
            .filter(|(_, item)| !item.is_null())
            .map(|(name, item)| (name, plain(item)))
            .collect(),
        other => other,
    }
}

fn plain_number(number: Number) -> Number {
    /// Above this a float no longer tells neighbouring integers apart.
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    match number.as_f64() {
        Some(value) if number.is_f64() && value.fract() == 0.0 && value.abs() < EXACT_MAX => {
            Number::from(value as i64)
        }
        _ => number,
    }
}

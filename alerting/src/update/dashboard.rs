//! Dashboards: a PUT replaces everything; widgets and tabs keep the ids that the server gave them.

use serde_json::{Map, Value};

use super::{deep, field, merge_set};
use crate::normal::{self, DASHBOARD_FIELDS};
use crate::object::{self, Kind};

/// What the server alone sets.
pub(super) const READ_ONLY: &[&str] = &[
    "author_handle",
    "author_info",
    "author_name",
    "created_at",
    "deleted_at",
    "id",
    "modified_at",
    "url",
];

pub(super) fn merge(
    current: &Map<String, Value>,
    wanted: &Map<String, Value>,
) -> Map<String, Value> {
    let mut merged = current.clone();
    for name in DASHBOARD_FIELDS {
        let wanted = wanted.get(*name);
        match *name {
            "notify_list" | "tags" => field(Kind::Dashboard, name, &mut merged, wanted, merge_set),
            "description" => field(Kind::Dashboard, name, &mut merged, wanted, description),
            "widgets" => field(Kind::Dashboard, name, &mut merged, wanted, widgets),
            "tabs" => {}
            _ => field(Kind::Dashboard, name, &mut merged, wanted, deep::merge),
        }
    }
    merge_tabs(&mut merged, wanted);
    merged
}

/// One of the two ways to restrict who may edit: the older one contradicts the newer one.
pub(super) fn body(mut merged: Map<String, Value>) -> Map<String, Value> {
    let roles = merged.get("restricted_roles").and_then(Value::as_array);
    let redundant = if roles.is_some_and(|roles| !roles.is_empty()) {
        "is_read_only"
    } else {
        "restricted_roles"
    };
    merged.shift_remove(redundant);
    merged
}

/// A text that differs in its marker line alone stays as it is above that line.
fn description(have: &Value, wanted: &Value) -> Value {
    let (Some(have), Some(wanted)) = (have.as_str(), wanted.as_str()) else {
        return wanted.clone();
    };
    let marker = wanted
        .lines()
        .find(|line| object::marker_key(line).is_some());
    let (old, new) = (normal::without_marker(have), normal::without_marker(wanted));
    let same = normal::same_text(&old, &new);
    match marker.filter(|_| same && !old.trim().is_empty()) {
        Some(marker) if old.ends_with("\n\n") => Value::from(format!("{old}{marker}")),
        Some(marker) => Value::from(format!("{old}\n\n{marker}")),
        None => Value::from(wanted),
    }
}

fn widgets(have: &Value, wanted: &Value) -> Value {
    match (have.as_array(), wanted.as_array()) {
        (Some(have), Some(wanted)) => deep::lists(have, wanted, widget),
        _ => wanted.clone(),
    }
}

/// A widget keeps its id; those of a group are merged one by one.
fn widget(have: &Value, wanted: &Value) -> Value {
    let nested = "/definition/widgets";
    let mut wanted = wanted.clone();
    if let Some(object) = wanted.as_object_mut() {
        object.shift_remove("id");
        object.extend(have.get("id").map(|id| ("id".to_owned(), id.clone())));
    }
    if let (Some(old), Some(new)) = (have.pointer(nested), wanted.pointer_mut(nested)) {
        *new = widgets(old, new);
    }
    deep::merge(have, &wanted)
}

/// Tabs name widgets by id, or by position (`@1` is the first) where the server has given no id yet.
fn merge_tabs(merged: &mut Map<String, Value>, wanted: &Map<String, Value>) {
    let positioned = normal::positioned_tabs(wanted);
    let ids: Vec<Option<Value>> = merged
        .get("widgets")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|widget| widget.get("id").cloned())
        .collect();
    let tabs = positioned.map(|mut tabs| {
        for tab in tabs.iter_mut() {
            let named = tab.get_mut("widget_ids").and_then(Value::as_array_mut);
            named.into_iter().flatten().for_each(|id| by_id(id, &ids));
        }
        Value::Array(tabs)
    });
    field(
        Kind::Dashboard,
        "tabs",
        merged,
        tabs.as_ref(),
        |have, wanted| match (have.as_array(), wanted.as_array()) {
            (Some(have), Some(wanted)) => deep::lists(have, wanted, tab),
            _ => wanted.clone(),
        },
    );
}

fn by_id(name: &mut Value, ids: &[Option<Value>]) {
    let position = name.as_str().and_then(|name| name.strip_prefix('@'));
    let position = position.and_then(|position| position.parse::<usize>().ok());
    if let Some(Some(id)) = position.and_then(|position| ids.get(position.checked_sub(1)?)) {
        *name = id.clone();
    }
}

fn tab(have: &Value, wanted: &Value) -> Value {
    let mut wanted = wanted.clone();
    if let Some(object) = wanted.as_object_mut() {
        object.extend(have.get("id").map(|id| ("id".to_owned(), id.clone())));
    }
    deep::merge(have, &wanted)
}

//! Monitors: a PUT merges the fields and replaces the options whole.

use serde_json::{Map, Value, json};

use super::{deep, field, merge_set};
use crate::normal::{MONITOR_FIELDS, MONITOR_OPTIONS, THRESHOLD_WINDOWS, THRESHOLDS, same_option};
use crate::object::Kind;

/// What the server alone sets.
pub(super) const READ_ONLY: &[&str] = &[
    "assets",
    "created",
    "created_at",
    "creator",
    "deleted",
    "id",
    "matching_downtimes",
    "modified",
    "multi",
    "org_id",
    "overall_state",
    "overall_state_modified",
    "restricted",
    "run_as",
    "state",
];

/// Options that the server fills in by itself: leaving them out of a file is no wish to change them.
const SERVER_FILLS: &[&str] = &["aggregation", "no_data_timeframe", "synthetics_check_id"];

pub(super) fn merge(
    current: &Map<String, Value>,
    wanted: &Map<String, Value>,
) -> Map<String, Value> {
    let mut merged = current.clone();
    let no_options = json!({});
    for name in MONITOR_FIELDS {
        let wanted = wanted.get(*name);
        match *name {
            // Some of them are the server's, so that they never go as a whole.
            "options" => {
                let wanted = wanted.or(Some(&no_options));
                field(Kind::Monitor, name, &mut merged, wanted, options);
            }
            "tags" => field(Kind::Monitor, name, &mut merged, wanted, merge_set),
            _ => field(Kind::Monitor, name, &mut merged, wanted, deep::merge),
        }
    }
    merged
}

fn options(have: &Value, wanted: &Value) -> Value {
    let (have, wanted) = (super::fields(have), super::fields(wanted));
    let mut merged = have.clone();
    for name in MONITOR_OPTIONS {
        let (old, new) = (have.get(*name), wanted.get(*name));
        if same_option(name, old, new) || new.is_none() && SERVER_FILLS.contains(name) {
            continue;
        }
        match option(name, old.unwrap_or(&Value::Null), new) {
            Some(value) => merged.insert((*name).to_owned(), value),
            None => merged.shift_remove(*name),
        };
    }
    Value::Object(merged)
}

/// One option after the merge; `None` removes it.
fn option(name: &str, have: &Value, wanted: Option<&Value>) -> Option<Value> {
    let known = match name {
        "thresholds" => THRESHOLDS,
        "threshold_windows" => THRESHOLD_WINDOWS,
        "notify_by" | "renotify_statuses" => return Some(merge_set(have, wanted?)),
        _ => return Some(deep::merge(have, wanted?)),
    };
    let nothing = json!({});
    let merged = deep::merge_known(have, wanted.unwrap_or(&nothing), known);
    (merged != nothing || wanted.is_some()).then_some(merged)
}

/// The fields that definitions speak of; the server keeps the others. Of those that it would keep too, what is to go
/// is sent empty.
pub(super) fn body(
    mut merged: Map<String, Value>,
    current: &Map<String, Value>,
    wanted: &Map<String, Value>,
) -> Map<String, Value> {
    merged.retain(|name, _| MONITOR_FIELDS.contains(&name.as_str()) || wanted.contains_key(name));
    for (name, empty) in [
        ("message", json!("")),
        ("priority", Value::Null),
        ("tags", json!([])),
    ] {
        if current.contains_key(name) {
            merged.entry(name).or_insert(empty);
        }
    }
    merged.entry("options").or_insert_with(|| json!({}));
    merged
}

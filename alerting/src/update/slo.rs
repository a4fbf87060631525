//! SLOs: a PUT replaces everything, and the primary time frame repeats one of the targets.

use serde_json::{Map, Value};

use super::{deep, field, merge_set};
use crate::normal::{RATIO, SLO_FIELDS, TARGET};
use crate::object::Kind;

/// What the server alone sets.
pub(super) const READ_ONLY: &[&str] = &[
    "configured_alert_ids",
    "created_at",
    "creator",
    "id",
    "modified_at",
    "monitor_tags",
    "overall_status",
    "status",
    "type_id",
];

/// What the server makes of a target's numbers.
const DISPLAYS: &[&str] = &["target_display", "warning_display"];

pub(super) fn merge(
    current: &mut Map<String, Value>,
    wanted: &Map<String, Value>,
) -> Map<String, Value> {
    without_displays(current);
    // The server writes the ratio of a specification out as a query, which must not be sent beside it.
    if wanted.contains_key("sli_specification") && !wanted.contains_key("query") {
        current.shift_remove("query");
    }
    let mut merged = current.clone();
    for name in SLO_FIELDS {
        let wanted = wanted.get(*name);
        match *name {
            "groups" | "monitor_ids" | "tags" => {
                field(Kind::Slo, name, &mut merged, wanted, merge_set);
            }
            "thresholds" => field(Kind::Slo, name, &mut merged, wanted, thresholds),
            "query" => field(Kind::Slo, name, &mut merged, wanted, |have, wanted| {
                deep::merge_known(have, wanted, RATIO)
            }),
            "sli_specification" => field(Kind::Slo, name, &mut merged, wanted, specification),
            _ => field(Kind::Slo, name, &mut merged, wanted, deep::merge),
        }
    }
    primary(&mut merged);
    merged
}

fn without_displays(slo: &mut Map<String, Value>) {
    let thresholds = slo.get_mut("thresholds").and_then(Value::as_array_mut);
    for threshold in thresholds.into_iter().flatten() {
        if let Some(threshold) = threshold.as_object_mut() {
            threshold.retain(|name, _| !DISPLAYS.contains(&name.as_str()));
        }
    }
}

/// The server fills in how long a slice is.
fn specification(have: &Value, wanted: &Value) -> Value {
    const INTERVAL: &str = "query_interval_seconds";
    let mut merged = deep::merge(have, wanted);
    let filled = have.pointer("/time_slice/query_interval_seconds");
    let filled = filled.filter(|seconds| seconds.as_f64() == Some(INTERVAL_DEFAULT_SECONDS));
    if let (Some(seconds), Some(slice)) = (
        filled,
        merged.get_mut("time_slice").and_then(Value::as_object_mut),
    ) {
        slice.entry(INTERVAL).or_insert_with(|| seconds.clone());
    }
    merged
}

/// A slice that nobody set.
const INTERVAL_DEFAULT_SECONDS: f64 = 300.0;

/// Targets by their time frame, in the server's order; a new one takes the place of one that goes.
fn thresholds(have: &Value, wanted: &Value) -> Value {
    let (Some(have), Some(wanted)) = (have.as_array(), wanted.as_array()) else {
        return wanted.clone();
    };
    let frame = |one: &Value| one["timeframe"].clone();
    let known: Vec<Value> = have.iter().map(frame).collect();
    let mut added = wanted.iter().filter(|new| !known.contains(&frame(new)));
    let mut merged = Vec::with_capacity(wanted.len());
    for old in have {
        let same = wanted.iter().find(|new| frame(new) == frame(old));
        if let Some(new) = same.or_else(|| added.next()) {
            merged.push(deep::merge_known(old, new, TARGET));
        }
    }
    merged.extend(added.cloned());
    Value::Array(merged)
}

/// The primary time frame stays while it has a target; where the server repeats that target's numbers beside it, they
/// follow.
fn primary(slo: &mut Map<String, Value>) {
    let Some(frame) = slo.get("timeframe").filter(|frame| !frame.is_null()) else {
        return;
    };
    let thresholds = slo.get("thresholds").and_then(Value::as_array);
    let thresholds = thresholds.map(Vec::as_slice).unwrap_or_default();
    let same = thresholds.iter().find(|one| one["timeframe"] == *frame);
    let Some(target) = same.or_else(|| thresholds.first()).cloned() else {
        return;
    };
    slo.insert("timeframe".into(), target["timeframe"].clone());
    let Some(number) = slo.get("target_threshold").cloned() else {
        return;
    };
    slo.insert(
        "target_threshold".into(),
        deep::merge(&number, &target["target"]),
    );
    match (slo.get("warning_threshold"), target.get("warning")) {
        (have, Some(warning)) if !warning.is_null() => {
            let warning = deep::merge(have.unwrap_or(&Value::Null), warning);
            slo.insert("warning_threshold".into(), warning);
        }
        (Some(have), _) if !have.is_null() => {
            slo.shift_remove("warning_threshold");
        }
        _ => {}
    }
}

//! Values as the two generations of Compose write them.

use std::collections::BTreeSet;

use serde_json::Value;

pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

pub(crate) fn number(value: &Value) -> f64 {
    text(value).parse().unwrap_or(f64::NAN)
}

/// `256m`, `1g` or bytes; 0 for anything else.
pub(crate) fn bytes(value: &Value) -> u64 {
    let text = text(value);
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "" | "b" => 1,
        "k" => 1 << 10,
        "m" => 1 << 20,
        "g" => 1 << 30,
        _ => 0,
    };
    digits.parse::<u64>().unwrap_or(0) * unit
}

/// `30s`, `1m0s`; 0 for anything else.
pub(crate) fn seconds(value: &Value) -> u64 {
    let text = text(value);
    let (minutes, rest) = text.split_once('m').unwrap_or(("0", &text));
    let rest = rest.trim_end_matches('s');
    let rest = if rest.is_empty() { "0" } else { rest };
    minutes.parse::<u64>().unwrap_or(0) * 60 + rest.parse::<u64>().unwrap_or(0)
}

pub(crate) fn list(value: &Value) -> Vec<String> {
    value
        .as_array()
        .map_or_else(Vec::new, |items| items.iter().map(text).collect())
}

pub(crate) fn holds(value: &Value, item: &str) -> bool {
    list(value).iter().any(|held| held == item)
}

pub(crate) fn keys(value: &Value) -> BTreeSet<String> {
    match value {
        Value::Object(map) => map.keys().cloned().collect(),
        other => list(other).into_iter().collect(),
    }
}

//! What a schema says about itself, without a value at hand.

use serde_json::Value;

use crate::tree::{Kind, Node};

pub(super) fn branches(schema: &Value) -> Option<&Vec<Value>> {
    let all = schema
        .get("anyOf")
        .or_else(|| schema.get("oneOf"))?
        .as_array()?;
    // Unit variants are a plain list of words.
    (constants(schema).is_none()).then_some(all)
}

/// The allowed texts, if the schema is a plain list of them.
pub(super) fn constants(schema: &Value) -> Option<Vec<&str>> {
    if let Some(one) = schema.get("const") {
        return Some(vec![one.as_str()?]);
    }
    if let Some(all) = schema.get("enum").and_then(Value::as_array) {
        return Some(all.iter().filter_map(Value::as_str).collect());
    }
    let branches = schema
        .get("oneOf")
        .or_else(|| schema.get("anyOf"))?
        .as_array()?;
    let mut words = Vec::new();
    for branch in branches {
        match constants(branch) {
            Some(of_branch) => words.extend(of_branch),
            None if is_null(branch) => {}
            None => return None,
        }
    }
    Some(words)
}

pub(super) fn is_null(schema: &Value) -> bool {
    schema.get("type").and_then(Value::as_str) == Some("null")
}

pub(super) fn accepts_anything(schema: &Value) -> bool {
    match schema {
        Value::Bool(all) => *all,
        Value::Object(rules) => !rules.keys().any(|rule| {
            [
                "type",
                "anyOf",
                "oneOf",
                "allOf",
                "enum",
                "const",
                "properties",
                "items",
                "$ref",
            ]
            .contains(&rule.as_str())
        }),
        _ => true,
    }
}

pub(super) fn accepts_kind(schema: &Value, node: &Node) -> bool {
    let accepts = |name: &str| {
        matches!(
            (name, &node.kind),
            ("null", Kind::Null)
                | ("boolean", Kind::Bool(_))
                | ("integer", Kind::Int(_))
                | ("number", Kind::Int(_) | Kind::Float(_))
                | ("string", Kind::Text(..))
                | ("array", Kind::List(_))
                | ("object", Kind::Map(_))
        )
    };
    match schema.get("type") {
        Some(Value::String(name)) => accepts(name),
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).any(accepts),
        _ if constants(schema).is_some() => matches!(node.kind, Kind::Text(..)),
        _ => true,
    }
}

pub(super) fn property_names(schema: &Value) -> Vec<&str> {
    let properties = schema.get("properties").and_then(Value::as_object);
    properties
        .into_iter()
        .flatten()
        .map(|(key, _)| key.as_str())
        .collect()
}

/// A number where text is wanted usually lacks a unit; a text that looks like a number, quotes too many.
pub(super) fn quote_hint(schema: &Value, node: &Node) -> Option<String> {
    let wants = |name: &str| schema.get("type").and_then(Value::as_str) == Some(name);
    match &node.kind {
        Kind::Bool(_) if wants("string") => {
            Some("put it in quotes if it is meant as text".to_owned())
        }
        Kind::Text(text, _)
            if (wants("integer") || wants("number")) && text.parse::<f64>().is_ok() =>
        {
            Some("leave the quotes out".to_owned())
        }
        _ => None,
    }
}

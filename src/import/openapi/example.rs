//! Values that a schema allows: its own examples first, then what its type and format say.

use serde_json::{Map, Value, json};

use super::super::text::literal;
use super::document::Document;

/// How deep a value is made; what refers to itself ends there.
const DEPTH_MAX: usize = 8;
/// Longest text that is made to be long enough.
const TEXT_CHARS_MAX: u64 = 200;

/// A value for a parameter or a body: its own example, or one of its schema. Texts are those of the language.
pub(super) fn of_holder(document: &Document, holder: &Value) -> Value {
    given(document, holder)
        .or_else(|| {
            holder
                .get("schema")
                .map(|schema| of_schema(document, schema))
        })
        // Swagger 2 has type and format here.
        .unwrap_or_else(|| of_schema(document, holder))
}

/// A value that a schema allows.
pub(super) fn of_schema(document: &Document, schema: &Value) -> Value {
    value(document, schema, &mut Vec::new(), 0)
}

/// What an author has given as an example.
fn given(document: &Document, holder: &Value) -> Option<Value> {
    if let Some(example) = holder.get("example") {
        return Some(escaped(example));
    }
    let first = match holder.get("examples")? {
        Value::Array(list) => list.first()?,
        Value::Object(named) => document.resolved(named.values().next()?).get("value")?,
        _ => return None,
    };
    Some(escaped(first))
}

/// `trail` holds the references on the way here.
fn value(document: &Document, schema: &Value, trail: &mut Vec<String>, depth: usize) -> Value {
    let Some(reference) = schema.get("$ref").and_then(Value::as_str) else {
        return plain(document, schema, trail, depth);
    };
    if trail.iter().any(|known| known == reference) {
        return Value::Null;
    }
    trail.push(reference.to_owned());
    let made = plain(document, document.resolved(schema), trail, depth);
    trail.pop();
    made
}

fn plain(document: &Document, schema: &Value, trail: &mut Vec<String>, depth: usize) -> Value {
    if let Some(example) = given(document, schema) {
        return example;
    }
    for key in ["const", "default"] {
        if let Some(value) = schema.get(key) {
            return escaped(value);
        }
    }
    if let Some(first) = schema.pointer("/enum/0") {
        return escaped(first);
    }
    if depth >= DEPTH_MAX {
        return Value::Null;
    }
    if let Some(parts) = schema.get("allOf").and_then(Value::as_array) {
        return joined(document, schema, parts, trail, depth);
    }
    for key in ["oneOf", "anyOf"] {
        let ways = schema.get(key).and_then(Value::as_array);
        let is_something =
            |way: &&Value| document.resolved(way).get("type") != Some(&json!("null"));
        if let Some(way) = ways.and_then(|ways| ways.iter().find(is_something)) {
            return value(document, way, trail, depth + 1);
        }
    }
    match kind(schema) {
        "object" => object(document, schema, trail, depth),
        "array" => {
            let item = schema
                .get("items")
                .map(|items| value(document, items, trail, depth + 1));
            let least = schema
                .get("minItems")
                .and_then(Value::as_u64)
                .unwrap_or(1)
                .clamp(1, 8);
            let item = item.unwrap_or_else(|| json!("text"));
            Value::Array(vec![item; least as usize])
        }
        "integer" => json!(whole(schema)),
        "number" => schema.get("minimum").cloned().unwrap_or_else(|| json!(1)),
        "boolean" => json!(true),
        "null" => Value::Null,
        _ => text(schema),
    }
}

/// Its type; of several the first that is something.
fn kind(schema: &Value) -> &str {
    match schema.get("type") {
        Some(Value::String(kind)) => kind,
        Some(Value::Array(kinds)) => {
            let mut kinds = kinds.iter().filter_map(Value::as_str);
            kinds.find(|kind| *kind != "null").unwrap_or("null")
        }
        _ if schema.get("properties").is_some() => "object",
        _ if schema.get("items").is_some() => "array",
        _ => "string",
    }
}

/// What must be there; if nothing must, all of it.
fn object(document: &Document, schema: &Value, trail: &mut Vec<String>, depth: usize) -> Value {
    let empty = Map::new();
    let properties = schema
        .get("properties")
        .and_then(Value::as_object)
        .unwrap_or(&empty);
    let required: Vec<&str> = schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let is_wanted = |name: &str, property: &Value| {
        let is_read_only = document.resolved(property).get("readOnly") == Some(&json!(true));
        !is_read_only && (required.is_empty() && depth < 2 || required.contains(&name))
    };
    let wanted = properties
        .iter()
        .filter(|(name, property)| is_wanted(name, property));
    let made =
        wanted.map(|(name, property)| (literal(name), value(document, property, trail, depth + 1)));
    Value::Object(made.collect())
}

fn joined(
    document: &Document,
    schema: &Value,
    parts: &[Value],
    trail: &mut Vec<String>,
    depth: usize,
) -> Value {
    let mut fields = Map::new();
    let mut values: Vec<Value> = parts
        .iter()
        .map(|part| value(document, part, trail, depth + 1))
        .collect();
    if schema.get("properties").is_some() {
        values.push(object(document, schema, trail, depth));
    }
    for part in values {
        match part {
            Value::Object(more) => fields.extend(more),
            other if fields.is_empty() => return other,
            _ => {}
        }
    }
    Value::Object(fields)
}

fn whole(schema: &Value) -> i64 {
    let number = |key: &str| schema.get(key).and_then(Value::as_i64);
    let least = number("minimum").or_else(|| number("exclusiveMinimum").map(|least| least + 1));
    let most = number("maximum").unwrap_or(i64::MAX);
    least.unwrap_or(1).min(most)
}

fn text(schema: &Value) -> Value {
    let format = schema
        .get("format")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let made = match format {
        "uuid" => "${uuid}",
        "email" => "${person.email}",
        "date" => "2026-01-31",
        "date-time" => "2026-01-31T12:00:00Z",
        "time" => "12:00:00Z",
        "uri" | "url" => "https://example.com/",
        "hostname" => "example.com",
        "ipv4" => "192.0.2.1",
        "ipv6" => "2001:db8::1",
        "byte" => "dGV4dA==",
        "password" => "${person.password}",
        _ => "text",
    };
    let bound = |key: &str| schema.get(key).and_then(Value::as_u64);
    let (least, most) = (
        bound("minLength").unwrap_or(0).min(TEXT_CHARS_MAX),
        bound("maxLength").unwrap_or(u64::MAX),
    );
    let length = made.len() as u64;
    match made {
        "text" if length < least => json!("t".repeat(least as usize)),
        "text" if length > most => json!("t".repeat(most as usize)),
        made => json!(made),
    }
}

/// A value of the document as the language has it.
fn escaped(value: &Value) -> Value {
    match value {
        Value::String(text) => literal(text).into(),
        Value::Array(items) => items.iter().map(escaped).collect(),
        Value::Object(fields) => {
            let fields = fields
                .iter()
                .map(|(name, value)| (literal(name), escaped(value)));
            Value::Object(fields.collect())
        }
        other => other.clone(),
    }
}

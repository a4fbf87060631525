//! Rows of JSON lines: an object each.

use std::fmt;

use indexmap::IndexMap;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::{Rows, bounded};
use crate::template::Scalar;

pub(super) fn json_rows(text: &str) -> Result<Rows, String> {
    let mut columns: Vec<String> = Vec::new();
    let mut rows = Vec::new();
    for (index, line) in text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
    {
        let number = index + 1;
        let row: JsonRow<'_> = serde_json::from_str(line)
            .map_err(|error| format!("line {number} is not a JSON object ({error})"))?;
        let object = row.0;
        if columns.is_empty() {
            columns = object.keys().cloned().collect();
        }
        if let Some(missing) = columns.iter().find(|column| !object.contains_key(*column)) {
            return Err(format!(
                "line {number} lacks `{missing}`, which the first line has"
            ));
        }
        if object.len() != columns.len() {
            return Err(format!("line {number} has keys that the first line lacks"));
        }
        let value = |column: &String| {
            Scalar::of_json(object[column].get())
                .map(Scalar::into_value)
                .ok_or_else(|| format!("line {number}: `{column}` is no text that JSON allows"))
        };
        rows.push(columns.iter().map(value).collect::<Result<_, _>>()?);
        bounded(&rows, number as u64)?;
    }
    Ok((columns, rows))
}

/// An object whose values are still as they are written.
struct JsonRow<'a>(IndexMap<String, &'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for JsonRow<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(RowVisitor)
    }
}

struct RowVisitor;

impl<'de> Visitor<'de> for RowVisitor {
    type Value = JsonRow<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut row = IndexMap::new();
        while let Some((key, value)) = map.next_entry::<String, &'de RawValue>()? {
            if row.contains_key(&key) {
                return Err(A::Error::custom(format_args!("`{key}` stands in it twice")));
            }
            row.insert(key, value);
        }
        Ok(JsonRow(row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::Value;

    #[test]
    fn json_rows_keep_types_and_digits() {
        let line = r#"{"n":"x","qty":3,"ok":true,"v":1.10,"id":12345678901234567890,"none":null,"tags":[1, 2]}"#;
        let (columns, rows) = json_rows(line).expect("rows");
        assert_eq!(columns.len(), 7);
        let text = |text: &str| Value::Text(text.into());
        let values = [
            text("x"),
            Value::Int(3),
            Value::Bool(true),
            Value::Number("1.10".into()),
            Value::Number("12345678901234567890".into()),
            Value::Unset,
            Value::Json("[1,2]".into()),
        ];
        assert_eq!(rows, [values]);
        let twice = json_rows(r#"{"a":1,"a":2}"#).expect_err("a problem");
        assert!(twice.contains("`a` stands in it twice"), "{twice}");
    }
}

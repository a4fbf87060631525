//! Writes JSON values as YAML for people: block style, several lines of text as `|`. Every text that could be read as
//! something else is quoted as JSON is, which YAML reads the same way. Must not know what it writes.

use std::fmt::Write as _;

use serde_json::Value;

/// The value as a YAML document.
pub fn write(value: &Value) -> String {
    let mut out = String::new();
    match value {
        Value::Object(map) if !map.is_empty() => block(&mut out, value, 0),
        Value::Array(items) if !items.is_empty() => block(&mut out, value, 0),
        scalar => {
            out.push_str(&inline(scalar));
            out.push('\n');
        }
    }
    out
}

fn block(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(map) => {
            for (index, (key, item)) in map.iter().enumerate() {
                // The first key of a list's item stands behind its dash.
                if index > 0 || !out.ends_with("- ") {
                    pad(out, indent);
                }
                out.push_str(&text(key));
                out.push(':');
                entry(out, item, indent);
            }
        }
        Value::Array(items) => {
            for item in items {
                pad(out, indent);
                match item {
                    Value::Object(map) if !map.is_empty() => {
                        out.push_str("- ");
                        block(out, item, indent + 2);
                    }
                    item => {
                        out.push('-');
                        entry(out, item, indent);
                    }
                }
            }
        }
        _ => {}
    }
}

/// What follows a key or a dash.
fn entry(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            out.push('\n');
            block(out, value, indent + 2);
        }
        Value::Array(items) if !items.is_empty() => {
            out.push('\n');
            block(out, value, indent + 2);
        }
        Value::String(lines) if is_block_text(lines) => {
            out.push_str(if lines.ends_with('\n') {
                " |\n"
            } else {
                " |-\n"
            });
            for line in lines.strip_suffix('\n').unwrap_or(lines).split('\n') {
                if !line.is_empty() {
                    pad(out, indent + 2);
                }
                out.push_str(line);
                out.push('\n');
            }
        }
        scalar => {
            let _ = writeln!(out, " {}", inline(scalar));
        }
    }
}

/// Texts that a literal block gives back as they are.
fn is_block_text(value: &str) -> bool {
    let body = value.strip_suffix('\n').unwrap_or(value);
    body.contains('\n')
        && !body.ends_with('\n')
        && !body.starts_with([' ', '\n'])
        && body.chars().all(|c| {
            c == '\n' || (!c.is_control() && c != '\u{feff}' && c != '\u{2028}' && c != '\u{2029}')
        })
}

fn pad(out: &mut String, indent: usize) {
    out.extend(std::iter::repeat_n(' ', indent));
}

fn inline(value: &Value) -> String {
    match value {
        Value::String(value) => text(value),
        Value::Object(_) => "{}".to_owned(),
        Value::Array(_) => "[]".to_owned(),
        other => other.to_string(),
    }
}

/// Plain only where no reader of YAML, old or new, takes it for anything else.
fn text(value: &str) -> String {
    const TAKEN: &[&str] = &["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let starts = value.starts_with(|c: char| c.is_ascii_alphabetic());
    let plain = value
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "_-./@ ".contains(c));
    let taken = TAKEN.iter().any(|taken| value.eq_ignore_ascii_case(taken));
    if starts && plain && !taken && !value.ends_with(' ') {
        return value.to_owned();
    }
    Value::from(value).to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::write;

    fn read(text: &str) -> Value {
        checked_yaml::Document::parse("written", text)
            .unwrap_or_else(|error| panic!("{text}\n{error}"))
            .root()
            .to_json()
    }

    #[test]
    fn reads_as_people_write() {
        let value = json!({
            "name": "a: b", "lines": "one\n\n  two\n", "list": [{ "x": 1, "b": [] }, "z", [1]], "empty": {}, "yes": "no",
        });
        let expected = "name: \"a: b\"\nlines: |\n  one\n\n    two\nlist:\n  - x: 1\n    b: []\n  - z\n  -\n    - 1\n\
                        empty: {}\n\"yes\": \"no\"\n";
        assert_eq!(write(&value), expected);
        assert_eq!(read(expected), value);
    }

    fn values() -> impl Strategy<Value = Value> {
        let text = prop_oneof![
            "[a-z:#'\" \n-]{0,12}",
            any::<String>(),
            Just("1e3".to_owned()),
            Just("|\n".to_owned())
        ];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            text.prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map("[a-z .:-]{1,8}", inner, 0..5)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// What is written is read back as the same value.
        #[test]
        fn gives_back_any_value(value in values()) {
            prop_assert_eq!(read(&write(&value)), value);
        }
    }
}

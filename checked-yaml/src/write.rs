//! Writes JSON values as YAML for people: block style, several lines of text as `|`. Every text that could be read as
//! something else is quoted as JSON is, which YAML reads the same way. Must not know what it writes.

use std::fmt::Write as _;

use serde_json::Value;

/// In [`write_short`], lists and mappings of single values up to this many bytes stand on one line.
const LINE_MAX: usize = 100;

/// Characters that are no letters and no digits, and may stand in a path or a URL without quotes outside of `{…}` and `[…]`.
const IN_PATHS: &str = "/-._~?=&%+,;@!*'()${}:";

/// The value as a YAML document in block style throughout, as generated files are.
pub fn write(value: &Value) -> String {
    document(value, 0, false)
}

/// The same with short lists and mappings on one line, as people write them.
pub fn write_short(value: &Value) -> String {
    document(value, LINE_MAX, false)
}

/// The same with paths, URLs and durations without quotes, as people write scenarios.
pub fn write_plain(value: &Value) -> String {
    document(value, LINE_MAX, true)
}

fn document(value: &Value, line_max: usize, plain: bool) -> String {
    let mut writer = Writer {
        out: String::new(),
        line_max,
        plain,
    };
    writer.block(value, 0);
    writer.out
}

struct Writer {
    out: String,
    line_max: usize,
    plain: bool,
}

impl Writer {
    /// Writes a value that begins on a line of its own, at an indent of `depth`.
    fn block(&mut self, value: &Value, depth: usize) {
        match value {
            Value::Object(map) if !map.is_empty() => {
                for (name, item) in map {
                    let _ = write!(self.out, "{:depth$}{}:", "", scalar(name));
                    self.after(item, depth);
                }
            }
            Value::Array(items) if !items.is_empty() => {
                for item in items {
                    let _ = write!(self.out, "{:depth$}-", "");
                    self.list_item(item, depth);
                }
            }
            other => {
                let _ = writeln!(self.out, "{:depth$}{}", "", flow(other));
            }
        }
    }

    /// Writes what stands after `name:`.
    fn after(&mut self, value: &Value, depth: usize) {
        match value {
            Value::String(text) if is_literal(text) => self.literal(text, depth + 2),
            Value::String(text) if self.plain && is_plain(text) => {
                let _ = writeln!(self.out, " {text}");
            }
            _ if self.fits(value) => {
                let _ = writeln!(self.out, " {}", flow(value));
            }
            _ => {
                self.out.push('\n');
                self.block(value, depth + 2);
            }
        }
    }

    /// Writes what stands after `-`: a mapping begins on the same line.
    fn list_item(&mut self, value: &Value, depth: usize) {
        // As people write steps: a single key stands on the line of the dash.
        let is_step = |map: &serde_json::Map<String, Value>| self.plain && map.len() == 1;
        if !value
            .as_object()
            .is_some_and(|map| is_step(map) || !self.fits(value))
        {
            return self.after(value, depth);
        }
        let start = self.out.len();
        self.block(value, depth + 2);
        // The indent of the first line is taken by the dash.
        self.out.replace_range(start..start + depth + 2, " ");
    }

    /// Whether a value stands on the line of its name.
    fn fits(&self, value: &Value) -> bool {
        let nested = |item: &Value| item.is_object() || item.is_array();
        let flat = match value {
            Value::Object(map) if !map.is_empty() => !map.values().any(nested),
            Value::Array(items) if !items.is_empty() => !items.iter().any(nested),
            _ => return true,
        };
        if !flat || self.line_max == 0 {
            return false;
        }
        let line = flow(value);
        line.len() <= self.line_max && !line.contains("\\n")
    }

    fn literal(&mut self, text: &str, depth: usize) {
        let ends = text.len() - text.trim_end_matches('\n').len();
        self.out.push_str(match ends {
            0 => " |-\n",
            1 => " |\n",
            _ => " |+\n",
        });
        for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
            if line.is_empty() {
                self.out.push('\n');
            } else {
                let _ = writeln!(self.out, "{:depth$}{line}", "");
            }
        }
    }
}

fn flow(value: &Value) -> String {
    match value {
        Value::Object(map) if map.is_empty() => "{}".to_owned(),
        Value::Object(map) => {
            let items: Vec<String> = map
                .iter()
                .map(|(name, item)| format!("{}: {}", scalar(name), flow(item)))
                .collect();
            format!("{{ {} }}", items.join(", "))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(flow).collect();
            format!("[{}]", items.join(", "))
        }
        Value::String(text) => scalar(text),
        other => other.to_string(),
    }
}

/// Without quotes only where no reader of YAML, old or new, takes it for anything else.
fn scalar(text: &str) -> String {
    const RESERVED: &[&str] = &[
        "true", "false", "null", "yes", "no", "on", "off", "y", "n", "inf", "nan",
    ];
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic());
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./@ ".contains(c);
    let reserved = RESERVED.iter().any(|word| text.eq_ignore_ascii_case(word));
    if starts && text.chars().all(plain) && !reserved && !text.ends_with(' ') {
        return text.to_owned();
    }
    // JSON's escapes are all YAML's too.
    Value::from(text).to_string()
}

/// Whether a text is a path, a URL, a method with a path, or a duration, which need no quotes outside of `{…}` and `[…]`.
fn is_plain(text: &str) -> bool {
    match text.split_once(' ') {
        None => is_path(text),
        Some((number, unit)) if text.starts_with(|c: char| c.is_ascii_digit()) => {
            let digits = |byte: u8| byte.is_ascii_digit() || byte == b'.';
            number.bytes().all(digits) && ["ms", "s", "min", "h"].contains(&unit)
        }
        Some((method, path)) => {
            method.bytes().all(|byte| byte.is_ascii_uppercase())
                && !method.is_empty()
                && is_path(path)
        }
    }
}

fn is_path(text: &str) -> bool {
    let stands = |c: char| c.is_ascii_alphanumeric() || IN_PATHS.contains(c);
    let begins = ["/", "http://", "https://"];
    begins.iter().any(|begin| text.starts_with(begin))
        && text.chars().all(stands)
        && !text.ends_with(':')
}

/// Whether a text can stand as a literal block and come back the same.
fn is_literal(text: &str) -> bool {
    let odd = |c: char| {
        (c.is_control() && c != '\n') || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}')
    };
    text.contains('\n')
        && !text.starts_with([' ', '\n'])
        && !text.contains(odd)
        && !text.lines().all(|line| line.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::{write, write_plain, write_short};

    fn read(text: &str) -> Value {
        crate::Document::parse("written", text)
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

    #[test]
    fn short_things_stand_on_one_line() {
        let value = json!({
            "monitors": { "cpu": {
                "name": "CPU of {{host.name}}",
                "message": "one\ntwo",
                "tags": ["team:x", "env:prod"],
                "waive": [{ "rule": "runbook", "reason": "none yet" }],
            }},
        });
        let wanted = "monitors:\n  cpu:\n    name: \"CPU of {{host.name}}\"\n    message: |-\n      one\n      two\n    \
                      tags: [\"team:x\", \"env:prod\"]\n    waive:\n      - { rule: runbook, reason: none yet }\n";
        assert_eq!(write_short(&value), wanted);
    }

    #[test]
    fn paths_and_durations_need_no_quotes() {
        let step =
            json!([{ "get": "/a/${id}?x=1:2", "check": { "status": 200 } }, { "think": "1.2 s" }]);
        let wanted = "- get: /a/${id}?x=1:2\n  check: { status: 200 }\n- think: 1.2 s\n";
        assert_eq!(write_plain(&step), wanted);
        assert_eq!(read(wanted), step);
    }

    #[test]
    fn odd_texts_come_back_wherever_they_stand() {
        let texts = [
            "",
            " ",
            "a",
            "yes",
            "No",
            "1",
            "1.5",
            "-",
            "- a",
            "a: b",
            "a #b",
            "#a",
            "@x",
            "{{value}}",
            "'q'",
            "\"q\"",
            "a\nb",
            "a\nb\n",
            "a\nb\n\n",
            "\na",
            " a\nb",
            "a\n  b\n\nc",
            "tab\there\nx",
            "日本 ü\nz",
            "${x}",
            "%y",
            "~",
            "null",
            "&a",
            "*a",
            "!t",
            "|",
            ">",
            "a\r\nb",
            "\u{2028}\nx",
            "0x10",
            "2026-01-01",
            "a \nb ",
            "\n\n",
        ];
        let mut value = json!({ "n": 1, "f": 0.5, "t": true, "e": [], "m": {}, "nested": [[1, 2], [{ "a": [] }]] });
        for (at, text) in texts.iter().enumerate() {
            value[format!("k{at}")] = json!(text);
            value[format!("l{at}")] = json!([text, { "x": text, "y": { "z": [text] } }]);
            value["m"][*text] = json!(at);
        }
        for written in [write(&value), write_short(&value), write_plain(&value)] {
            assert_eq!(read(&written), value, "{written}");
        }
    }

    fn values() -> impl Strategy<Value = Value> {
        let text = prop_oneof![
            "[a-z:#'\" \n-]{0,12}",
            any::<String>(),
            Just("1e3".to_owned()),
            Just("|\n".to_owned()),
            "(/|https?://)[a-z0-9:${}?&=%,' #-]{0,8}",
            "[0-9.]{1,4} (ms|s|min|h)",
            "(GET|N) /[a-z:{} #]{0,5}",
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
            prop_assert_eq!(read(&write(&value)), value.clone());
            prop_assert_eq!(read(&write_plain(&value)), value.clone());
            prop_assert_eq!(read(&write_short(&value)), value);
        }
    }
}

//! JSON as YAML that people like to read: block style, long texts as literal blocks, everything doubtful in double
//! quotes. Pure; knows nothing of definitions.

use std::fmt::Write as _;

use serde_json::Value;

/// Lists and mappings of single values up to this long stand on one line.
const LINE_MAX: usize = 100;

/// The text of a file.
pub(super) fn text(value: &Value) -> String {
    let mut out = String::new();
    block(value, 0, &mut out);
    out
}

/// Writes a value that begins on a line of its own, at an indent of `depth`.
fn block(value: &Value, depth: usize, out: &mut String) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (name, item) in map {
                let _ = write!(out, "{:depth$}{}:", "", scalar(name));
                after(item, depth, out);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                let _ = write!(out, "{:depth$}-", "");
                list_item(item, depth, out);
            }
        }
        other => {
            let _ = writeln!(out, "{:depth$}{}", "", flow(other));
        }
    }
}

/// Writes what stands after `name:`.
fn after(value: &Value, depth: usize, out: &mut String) {
    let line = flow(value);
    match value {
        Value::String(text) if is_literal(text) => literal(text, depth + 2, out),
        Value::Object(_) | Value::Array(_) if !fits(value, &line) => {
            out.push('\n');
            block(value, depth + 2, out);
        }
        _ => {
            let _ = writeln!(out, " {line}");
        }
    }
}

/// Writes what stands after `-`: a mapping begins on the same line.
fn list_item(value: &Value, depth: usize, out: &mut String) {
    let line = flow(value);
    match value {
        Value::Object(map) if !map.is_empty() && !fits(value, &line) => {
            let mut inner = String::new();
            block(value, depth + 2, &mut inner);
            out.push(' ');
            out.push_str(inner.trim_start());
        }
        _ => after(value, depth, out),
    }
}

fn fits(value: &Value, line: &str) -> bool {
    let nested = |item: &Value| item.is_object() || item.is_array();
    let flat = match value {
        Value::Object(map) => !map.values().any(nested),
        Value::Array(items) => !items.iter().any(nested),
        _ => true,
    };
    flat && line.len() <= LINE_MAX && !line.contains("\\n")
}

fn flow(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let items: Vec<String> = map
                .iter()
                .map(|(name, item)| format!("{}: {}", scalar(name), flow(item)))
                .collect();
            if items.is_empty() {
                "{}".to_owned()
            } else {
                format!("{{ {} }}", items.join(", "))
            }
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(flow).collect();
            format!("[{}]", items.join(", "))
        }
        Value::String(text) => scalar(text),
        other => other.to_string(),
    }
}

/// Without quotes only what no YAML reader takes for anything else.
fn scalar(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
    let word = text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(plain);
    let reserved = [
        "true", "false", "yes", "no", "on", "off", "null", "y", "n", "inf", "nan",
    ];
    if word && !reserved.contains(&text.to_ascii_lowercase().as_str()) {
        return text.to_owned();
    }
    // JSON's escapes are all YAML's too.
    Value::from(text).to_string()
}

/// Whether a text can stand as a literal block and come back the same.
fn is_literal(text: &str) -> bool {
    let odd = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}')
    };
    text.contains('\n')
        && !text.starts_with([' ', '\n', '\t'])
        && !text.contains(odd)
        && !text.lines().all(|line| line.trim().is_empty())
}

fn literal(text: &str, depth: usize, out: &mut String) {
    let ends = text.len() - text.trim_end_matches('\n').len();
    out.push_str(match ends {
        0 => " |-\n",
        1 => " |\n",
        _ => " |+\n",
    });
    for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
        if line.is_empty() {
            out.push('\n');
        } else {
            let _ = writeln!(out, "{:depth$}{line}", "");
        }
    }
}

#[cfg(test)]
mod tests {
    use checked_yaml::Document;
    use serde_json::json;

    use super::*;

    fn read_back(text: &str) -> Value {
        let document = Document::parse("t.yaml", text).unwrap_or_else(|problems| {
            panic!("{}\n{text}", problems.render(checked_yaml::Style::Plain))
        });
        json_of(document.root())
    }

    fn json_of(node: &checked_yaml::Node) -> Value {
        use checked_yaml::Kind;
        match &node.kind {
            Kind::Null => Value::Null,
            Kind::Bool(value) => json!(value),
            Kind::Int(value) => json!(value),
            Kind::Float(value) => json!(value),
            Kind::Text(text, _) => json!(text),
            Kind::List(items) => items.iter().map(json_of).collect(),
            Kind::Map(entries) => entries
                .iter()
                .map(|entry| (entry.key.clone(), json_of(&entry.value)))
                .collect(),
        }
    }

    #[test]
    fn comes_back_as_it_was() {
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
        let written = text(&value);
        assert_eq!(read_back(&written), value, "{written}");
    }

    #[test]
    fn reads_well() {
        let value = json!({
            "monitors": { "cpu": {
                "name": "CPU of {{host.name}}",
                "message": "one\ntwo",
                "tags": ["team:x", "env:prod"],
                "waive": [{ "rule": "runbook", "reason": "none yet" }],
            }},
        });
        let wanted = "monitors:\n  cpu:\n    name: \"CPU of {{host.name}}\"\n    message: |-\n      one\n      two\n    \
                      tags: [\"team:x\", \"env:prod\"]\n    waive:\n      - { rule: runbook, reason: \"none yet\" }\n";
        assert_eq!(text(&value), wanted);
    }
}

//! What differs between two normalised objects, attribute by attribute, and how that reads. Must not know what an
//! attribute means; meaning was settled in [`crate::normal`].

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::Value;

/// One attribute that differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// Dotted path with indices: `options.thresholds.critical`, `widgets[2].definition.title`.
    pub path: String,
    /// What the server has.
    pub before: Option<Value>,
    /// What the files want.
    pub after: Option<Value>,
}

/// The changes that turn `before` into `after`, both normalised.
pub fn diff(before: &Value, after: &Value) -> Vec<Change> {
    let mut changes = Vec::new();
    compare("", Some(before), Some(after), &mut changes);
    changes
}

/// Plain text for a terminal: one line a change, multi-line texts and sets by their differing lines.
pub fn text(changes: &[Change], indent: &str) -> String {
    let mut out = String::new();
    for change in changes {
        for line in lines(change) {
            let _ = writeln!(out, "{indent}{line}");
        }
    }
    out
}

fn compare(path: &str, before: Option<&Value>, after: Option<&Value>, changes: &mut Vec<Change>) {
    match (before, after) {
        (Some(before), Some(after)) if before == after => {}
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            let added = new.keys().filter(|name| !old.contains_key(*name));
            for name in old.keys().chain(added) {
                let path = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}.{name}")
                };
                compare(&path, old.get(name), new.get(name), changes);
            }
        }
        (Some(Value::Array(old)), Some(Value::Array(new)))
            if holds_objects(old) || holds_objects(new) =>
        {
            compare_lists(path, old, new, changes);
        }
        (before, after) => {
            changes.push(Change {
                path: path.to_owned(),
                before: before.cloned(),
                after: after.cloned(),
            });
        }
    }
}

fn holds_objects(items: &[Value]) -> bool {
    items.iter().any(|item| item.is_object() || item.is_array())
}

/// Equal items at both ends are skipped, so that one inserted widget is one change and not a cascade.
fn compare_lists(path: &str, old: &[Value], new: &[Value], changes: &mut Vec<Change>) {
    let head = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let (old, new) = (&old[head..], &new[head..]);
    let tail = old
        .iter()
        .rev()
        .zip(new.iter().rev())
        .take_while(|(a, b)| a == b)
        .count();
    let (old, new) = (&old[..old.len() - tail], &new[..new.len() - tail]);
    for index in 0..old.len().max(new.len()) {
        compare(
            &format!("{path}[{}]", head + index),
            old.get(index),
            new.get(index),
            changes,
        );
    }
}

/// The lines that describe one change, marked `~`, `+` or `-`.
pub fn lines(change: &Change) -> Vec<String> {
    match (&change.before, &change.after) {
        (Some(Value::Array(old)), Some(Value::Array(new))) => set_lines(&change.path, old, new),
        (Some(Value::String(old)), Some(Value::String(new)))
            if old.contains('\n') || new.contains('\n') =>
        {
            text_lines(&change.path, old, new)
        }
        (Some(old), Some(new)) => vec![format!("~ {}: {} → {}", change.path, show(old), show(new))],
        (None, Some(new)) => vec![format!("+ {}: {}", change.path, show(new))],
        (Some(old), None) => vec![format!("- {}: {}", change.path, show(old))],
        (None, None) => Vec::new(),
    }
}

fn set_lines(path: &str, old: &[Value], new: &[Value]) -> Vec<String> {
    let removed = old
        .iter()
        .filter(|item| !new.contains(item))
        .map(|item| format!("    - {}", show(item)));
    let added = new
        .iter()
        .filter(|item| !old.contains(item))
        .map(|item| format!("    + {}", show(item)));
    let mut lines: Vec<String> = removed.chain(added).collect();
    if lines.is_empty() {
        lines.push("    (same entries in another order)".to_owned());
    }
    lines.insert(0, format!("~ {path}:"));
    lines
}

/// Differing lines between a common beginning and a common end; texts of monitors are short.
fn text_lines(path: &str, old: &str, new: &str) -> Vec<String> {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let (old, new) = (&old[head..], &new[head..]);
    let tail = old
        .iter()
        .rev()
        .zip(new.iter().rev())
        .take_while(|(a, b)| a == b)
        .count();
    let removed = old[..old.len() - tail]
        .iter()
        .map(|line| format!("    - {line}"));
    let added = new[..new.len() - tail]
        .iter()
        .map(|line| format!("    + {line}"));
    std::iter::once(format!("~ {path}: (from line {})", head + 1))
        .chain(removed)
        .chain(added)
        .collect()
}

/// Characters of a value that are shown before it is cut.
const SHOWN_MAX: usize = 200;

fn show(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN_MAX) {
        Some((cut, _)) => format!("{}… ({} characters)", &text[..cut], text.chars().count()),
        None => text,
    }
}

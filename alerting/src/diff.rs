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

/// The lines that describe one change, marked `~`, `+` or `-`. Every character that differs is among them.
pub fn lines(change: &Change) -> Vec<String> {
    match (&change.before, &change.after) {
        (Some(Value::Array(old)), Some(Value::Array(new))) => set_lines(&change.path, old, new),
        (Some(Value::String(old)), Some(Value::String(new)))
            if old.contains('\n') || new.contains('\n') =>
        {
            text_lines(&change.path, old, new)
        }
        (Some(Value::String(old)), Some(Value::String(new))) => {
            let (old, new) = excerpts(old, new);
            vec![format!("~ {}: {old} → {new}", change.path)]
        }
        (Some(old), Some(new)) => vec![format!("~ {}: {old} → {new}", change.path)],
        (None, Some(new)) => vec![format!("+ {}: {new}", change.path)],
        (Some(old), None) => vec![format!("- {}: {old}", change.path)],
        (None, None) => Vec::new(),
    }
}

fn set_lines(path: &str, old: &[Value], new: &[Value]) -> Vec<String> {
    let removed = without(old, new);
    let added = without(new, old);
    let mut lines = vec![format!("~ {path}:")];
    lines.extend(removed.iter().map(|item| format!("    - {item}")));
    lines.extend(added.iter().map(|item| format!("    + {item}")));
    if lines.len() == 1 {
        let (old, new) = (Value::from(old.to_vec()), Value::from(new.to_vec()));
        return vec![format!("~ {path}: {old} → {new} (another order)")];
    }
    lines
}

/// What `items` has more often than `others`.
fn without<'v>(items: &'v [Value], others: &[Value]) -> Vec<&'v Value> {
    let mut others: Vec<&Value> = others.iter().collect();
    let mut left = Vec::new();
    for item in items {
        match others.iter().position(|other| *other == item) {
            Some(at) => {
                others.swap_remove(at);
            }
            None => left.push(item),
        }
    }
    left
}

/// Differing lines between a common beginning and a common end; texts of monitors are short.
fn text_lines(path: &str, old: &str, new: &str) -> Vec<String> {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.split('\n').collect(), new.split('\n').collect());
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
        .map(|line| format!("    - {}", visible(line)));
    let added = new[..new.len() - tail]
        .iter()
        .map(|line| format!("    + {}", visible(line)));
    std::iter::once(format!("~ {path}: (from line {})", head + 1))
        .chain(removed)
        .chain(added)
        .collect()
}

/// A line whose invisible characters can be seen: a trailing space or a carriage return is a change too.
fn visible(line: &str) -> String {
    let end = line.trim_end_matches(' ').len();
    let (text, spaces) = line.split_at(end);
    let mut shown: String = text
        .chars()
        .flat_map(|c| {
            let escaped = c.is_control().then(|| c.escape_default());
            let plain = escaped.is_none().then_some(c);
            escaped.into_iter().flatten().chain(plain)
        })
        .collect();
    shown.extend(std::iter::repeat_n('·', spaces.len()));
    shown
}

/// Characters of a common beginning or end that are shown around a difference.
const CONTEXT_CHARACTERS: usize = 40;
/// Texts up to this long are shown whole.
const WHOLE_CHARACTERS_MAX: usize = 200;

/// Two texts, quoted; of long ones what they have in common is shortened to what surrounds the difference.
fn excerpts(old: &str, new: &str) -> (String, String) {
    let quoted = |text: String| Value::from(text).to_string();
    let (a, b): (Vec<char>, Vec<char>) = (old.chars().collect(), new.chars().collect());
    if a.len().max(b.len()) <= WHOLE_CHARACTERS_MAX {
        return (quoted(old.to_owned()), quoted(new.to_owned()));
    }
    let head = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let tail = a[head..].iter().rev().zip(b[head..].iter().rev());
    let tail = tail.take_while(|(a, b)| a == b).count();
    let (from, kept) = (
        head.saturating_sub(CONTEXT_CHARACTERS),
        tail.min(CONTEXT_CHARACTERS),
    );
    let cut = |text: &[char]| {
        let to = text.len() - tail + kept;
        let start = if from > 0 { "…" } else { "" };
        let end = if to < text.len() { "…" } else { "" };
        quoted(format!(
            "{start}{}{end}",
            text[from..to].iter().collect::<String>()
        ))
    };
    (cut(&a), cut(&b))
}

//! The variables `${name}` inside of texts: where they stand, and putting values in. `$${` is a plain `${`; links
//! (`${monitor:name}`) are left as they are. Must not know where values come from.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::object;

/// What every definition may use.
pub const BUILT_IN: &[(&str, &str)] = &[
    ("env", "the environment's name"),
    ("namespace", "what marks the objects of this environment"),
    ("key", "the definition's logical name"),
    ("team", "the definition's or the file's team"),
    ("service", "the definition's or the file's service"),
    ("severity", "the definition's severity"),
    (
        "runbook",
        "the address of the definition's runbook: `${runbooks}/<runbook>.md`",
    ),
    ("dashboard", "the address of the definition's dashboard"),
    ("critical", "the critical threshold"),
    ("warning", "the warning threshold"),
];

/// The variables used in a text, with their byte ranges; links and `$${` are none.
pub(crate) fn uses(text: &str) -> Vec<(std::ops::Range<usize>, &str)> {
    let links = object::links_in(text);
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(start) = text[from..].find("${").map(|at| from + at) {
        let Some(end) = text[start..].find('}').map(|length| start + length + 1) else {
            break;
        };
        let escaped = text[..start].ends_with('$');
        if !escaped && !links.iter().any(|(range, _)| range.start == start) {
            found.push((start..end, &text[start + 2..end - 1]));
        }
        from = end;
    }
    found
}

/// Whether a text still holds a variable after all known ones were put in.
pub(crate) fn has_unknown(text: &str) -> bool {
    !uses(text).is_empty()
}

/// How often variables inside of variables are put in.
const DEPTH_MAX: usize = 4;

/// A text with its variables put in; unknown ones stay, to be reported.
pub(crate) fn substitute(text: &str, values: &BTreeMap<String, String>) -> String {
    let mut text = text.to_owned();
    for _ in 0..DEPTH_MAX {
        let replaced = substitute_once(&text, values);
        if replaced == text {
            break;
        }
        text = replaced;
    }
    text.replace("$${", "${")
}

fn substitute_once(text: &str, values: &BTreeMap<String, String>) -> String {
    let mut replaced = String::with_capacity(text.len());
    let mut from = 0;
    for (range, name) in uses(text) {
        replaced.push_str(&text[from..range.start]);
        replaced.push_str(
            values
                .get(name)
                .map_or(&text[range.clone()], String::as_str),
        );
        from = range.end;
    }
    replaced.push_str(&text[from..]);
    replaced
}

/// The same for every text in a JSON value.
pub(crate) fn substitute_all(value: Value, values: &BTreeMap<String, String>) -> Value {
    match value {
        Value::String(text) => Value::String(substitute(&text, values)),
        Value::Array(items) => items
            .into_iter()
            .map(|item| substitute_all(item, values))
            .collect(),
        Value::Object(map) => map
            .into_iter()
            .map(|(name, item)| (name, substitute_all(item, values)))
            .collect(),
        other => other,
    }
}

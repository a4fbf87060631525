//! Words for schemas: what a value is called, what its description says, how lists of keys read.

use serde_json::Value;

/// Longest quotation of a wrong text in a message, in characters.
const QUOTED_CHARS_MAX: usize = 60;

/// What a value of this schema is called, from its `title`: "a rate", "one phase".
pub(super) fn noun(schema: &Value) -> Option<String> {
    let title = schema.get("title")?.as_str()?;
    // A type's own name (`RateText`) is no word of the file's language.
    let is_word = title.contains(' ') || !title.starts_with(|c: char| c.is_uppercase());
    is_word.then(|| with_article(title))
}

/// The owner of keys: "a phase", or the key it stands under, or "this mapping".
pub(super) fn owner(schema: &Value, key: Option<&str>) -> String {
    noun(schema)
        .or_else(|| key.map(|key| format!("`{key}`")))
        .unwrap_or_else(|| "this mapping".to_owned())
}

/// The kind of value a schema asks for, in words.
pub(super) fn type_noun(schema: &Value) -> Option<String> {
    let word = |name: &str| match name {
        "boolean" => Some("true or false"),
        "integer" => Some("a whole number"),
        "number" => Some("a number"),
        "string" => Some("text"),
        "array" => Some("a list"),
        "object" => Some("a mapping (`key: value`)"),
        _ => None,
    };
    match schema.get("type")? {
        Value::String(name) => word(name).map(str::to_owned),
        Value::Array(names) => {
            let words: Vec<&str> = names
                .iter()
                .filter_map(Value::as_str)
                .filter_map(word)
                .collect();
            (!words.is_empty()).then(|| words.join(" or "))
        }
        _ => None,
    }
}

/// A schema's own description, else what was said about the key: as advice.
pub(super) fn summary(schema: &Value, about: Option<&str>) -> Option<String> {
    let own = schema.get("description").and_then(Value::as_str);
    own.or(about)
        .map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// The first sentence, without its full stop, beginning small.
pub(super) fn first_sentence(text: &str) -> String {
    let sentence = text
        .split(". ")
        .next()
        .unwrap_or(text)
        .trim()
        .trim_end_matches('.');
    let sentence = sentence.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut chars = sentence.chars();
    match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => sentence,
    }
}

/// A text cut to a length that fits a message.
pub(super) fn short(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    if line.chars().count() <= QUOTED_CHARS_MAX && line.len() == text.len() {
        return text.to_owned();
    }
    line.chars().take(QUOTED_CHARS_MAX).chain(['…']).collect()
}

/// Keys in one line.
pub(super) fn join_keys(keys: &[&str]) -> String {
    keys.join(", ")
}

/// "rate" → "a rate"; titles that bring their own article or quantity stay.
fn with_article(title: &str) -> String {
    let first = title.split(' ').next().unwrap_or_default();
    if ["a", "an", "one", "the", "some", "text"].contains(&first) {
        return title.to_owned();
    }
    let article = if title.starts_with(['a', 'e', 'i', 'o']) {
        "an"
    } else {
        "a"
    };
    format!("{article} {title}")
}

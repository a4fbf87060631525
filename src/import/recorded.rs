//! A request as it was recorded or typed, and the values in it by their names.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use serde_json::Value;
use url::Url;

/// Deepest JSON that is looked into.
pub(super) const JSON_DEPTH_MAX: usize = 40;

/// A request.
#[derive(Debug, Clone)]
pub(super) struct Recorded {
    /// In capitals.
    pub(super) method: String,
    /// Where it went, credentials included.
    pub(super) url: Url,
    /// In order, names in lower case.
    pub(super) headers: Vec<(String, String)>,
    /// What was sent.
    pub(super) body: Option<Payload>,
}

/// What was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Payload {
    /// Its content type; empty if there was none.
    pub(super) mime: String,
    /// As it was sent.
    pub(super) text: String,
}

/// A value in a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Held<'a> {
    /// What it stands under; empty for parts of a path.
    pub(super) name: Cow<'a, str>,
    /// Without escapes.
    pub(super) value: Cow<'a, str>,
    /// Where it stands.
    pub(super) place: HeldIn,
}

/// Where a value stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HeldIn {
    /// A segment of the path.
    Path,
    /// The query.
    Query,
    /// A header.
    Header,
    /// A text in the body.
    Text,
    /// A number in a JSON body.
    Number,
}

impl Recorded {
    /// The first header of this name.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut all = self.headers.iter();
        all.find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// Every value in it; those of headers that a client makes itself are none.
    pub(super) fn values(&self) -> Vec<Held<'_>> {
        let mut held = Vec::new();
        for segment in self.url.path().split('/').filter(|part| !part.is_empty()) {
            held.push(Held {
                name: "".into(),
                value: decoded(segment),
                place: HeldIn::Path,
            });
        }
        for (name, value) in self.url.query_pairs() {
            held.push(Held {
                name,
                value,
                place: HeldIn::Query,
            });
        }
        for (name, value) in &self.headers {
            held.push(Held {
                name: name.as_str().into(),
                value: without_scheme(value).into(),
                place: HeldIn::Header,
            });
        }
        if let Some(body) = &self.body {
            body.values(&mut held);
        }
        held.retain(|held| !held.value.is_empty());
        held
    }
}

impl Payload {
    /// Whether its content type says JSON.
    pub(super) fn is_json(&self) -> bool {
        self.kind().ends_with("json")
    }

    /// Whether its content type says that it is a form.
    pub(super) fn is_form(&self) -> bool {
        self.kind() == "application/x-www-form-urlencoded"
    }

    /// Its content type without parameters, in lower case.
    pub(super) fn kind(&self) -> String {
        let kind = self.mime.split(';').next().unwrap_or_default();
        kind.trim().to_ascii_lowercase()
    }

    /// The JSON in it, unless that is too deep.
    pub(super) fn json(&self) -> Option<Value> {
        let json = self.is_json().then(|| serde_json::from_str(&self.text));
        json?.ok().filter(|value| depth(value) <= JSON_DEPTH_MAX)
    }

    /// The fields of a form.
    pub(super) fn fields(&self) -> Vec<(Cow<'_, str>, Cow<'_, str>)> {
        url::form_urlencoded::parse(self.text.as_bytes()).collect()
    }

    fn values<'a>(&'a self, held: &mut Vec<Held<'a>>) {
        if let Some(json) = self.json() {
            leaves(&json, "", &mut |name, leaf| {
                let (value, place) = match leaf {
                    Value::String(text) => (text.clone(), HeldIn::Text),
                    Value::Number(number) => (number.to_string(), HeldIn::Number),
                    _ => return,
                };
                held.push(Held {
                    name: name.to_owned().into(),
                    value: value.into(),
                    place,
                });
            });
        } else if self.is_form() {
            for (name, value) in self.fields() {
                held.push(Held {
                    name,
                    value,
                    place: HeldIn::Text,
                });
            }
        }
    }
}

/// `Bearer abc` → `abc`; other values as they are.
pub(super) fn without_scheme(value: &str) -> &str {
    match value.trim().split_once(' ') {
        Some((scheme, token)) if is_scheme(scheme) => token.trim(),
        _ => value.trim(),
    }
}

/// Whether a word stands before credentials and says of which kind they are.
pub(super) fn is_scheme(word: &str) -> bool {
    ["bearer", "token", "basic", "apikey", "jwt"]
        .iter()
        .any(|scheme| word.eq_ignore_ascii_case(scheme))
}

/// Calls `visit` with each value that is neither list nor mapping, and the name that it stands under.
pub(super) fn leaves<'v>(
    value: &'v Value,
    name: &'v str,
    visit: &mut impl FnMut(&'v str, &'v Value),
) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| leaves(item, name, visit)),
        Value::Object(fields) => {
            for (name, value) in fields {
                leaves(value, name, visit);
            }
        }
        leaf => visit(name, leaf),
    }
}

/// How deep a value is nested; the parser bounds it at 128.
fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

fn decoded(text: &str) -> Cow<'_, str> {
    percent_decode_str(text).decode_utf8_lossy()
}

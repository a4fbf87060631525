//! One monitor, SLO or dashboard, local or remote, and how the two find each other. Knows the marks that make an
//! object ours and the `${monitor:key}` links between objects; must not know files, rules or HTTP.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The tag that every managed monitor and SLO carries.
pub const MANAGED_TAG: &str = "managed-by:monitors";
/// What the tag with an object's key starts with.
pub const KEY_TAG: &str = "key:";
/// How the last line of a managed dashboard's description starts; its key follows.
pub const MARKER_LINE: &str = "managed-by:monitors key:";

/// The three kinds of object, in the order of creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A monitor of any type.
    Monitor,
    /// A service level objective.
    Slo,
    /// A dashboard.
    Dashboard,
}

impl Kind {
    /// All kinds, in the order of creation.
    pub const ALL: [Self; 3] = [Self::Monitor, Self::Slo, Self::Dashboard];

    /// The word used in links and in text for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Monitor => "monitor",
            Self::Slo => "slo",
            Self::Dashboard => "dashboard",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// The logical name of an object: stable over renames, the same in every environment but for the namespace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Key {
    /// Which set of definitions, in which environment.
    pub namespace: String,
    /// The name in the file.
    pub name: String,
}

impl Key {
    /// A key from its two parts.
    pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            namespace: namespace.into(),
            name: name.into(),
        }
    }

    /// Reads `namespace.name`; the namespace has no dot.
    pub fn parse(text: &str) -> Option<Self> {
        let (namespace, name) = text.trim().split_once('.')?;
        (!namespace.is_empty() && !name.is_empty()).then(|| Self::new(namespace, name))
    }

    /// The tag that carries this key.
    pub fn tag(&self) -> String {
        format!("{KEY_TAG}{self}")
    }

    /// The line that carries this key in a dashboard's description.
    pub fn marker_line(&self) -> String {
        format!("{MARKER_LINE}{self}")
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.namespace, self.name)
    }
}

/// Where a definition stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Origin {
    /// Path as the caller gave it.
    pub file: String,
    /// Line of the definition's name, from 1.
    pub line: usize,
}

/// An object as the files want it: the payload that the API takes, with the marks and with links not yet resolved.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Object {
    /// What it is.
    pub kind: Kind,
    /// Its identity.
    pub key: Key,
    /// The name or title that people see.
    pub title: String,
    /// The API's JSON; may hold `${monitor:name}` and `${slo:name}`.
    pub payload: Value,
    /// The id of an existing object to take over.
    pub adopt: Option<String>,
    /// Where it is defined.
    pub origin: Origin,
}

impl Object {
    /// The objects that this one needs to exist first, each once.
    pub fn links(&self) -> Vec<Link> {
        let mut links = Vec::new();
        collect_links(&self.payload, &mut links);
        links.sort();
        links.dedup();
        links
    }
}

/// An object as the API answered it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Remote {
    /// What it is.
    pub kind: Kind,
    /// The server's id, as text.
    pub id: String,
    /// The whole JSON object.
    pub value: Value,
}

impl Remote {
    /// Wraps an answered object; `None` when it has no id.
    pub fn new(kind: Kind, value: Value) -> Option<Self> {
        let id = match value.get("id")? {
            Value::String(text) if !text.is_empty() => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return None,
        };
        Some(Self { kind, id, value })
    }

    /// The key it carries, if it is marked as managed.
    pub fn key(&self) -> Option<Key> {
        match self.kind {
            Kind::Dashboard => self.text("description").lines().find_map(marker_key),
            Kind::Monitor | Kind::Slo => {
                let tags: Vec<&str> = tags(&self.value).collect();
                if !tags.contains(&MANAGED_TAG) {
                    return None;
                }
                tags.iter()
                    .find_map(|tag| tag.strip_prefix(KEY_TAG))
                    .and_then(Key::parse)
            }
        }
    }

    /// The name or title that people see.
    pub fn title(&self) -> &str {
        self.text(if self.kind == Kind::Dashboard {
            "title"
        } else {
            "name"
        })
    }

    fn text(&self, field: &str) -> &str {
        self.value
            .get(field)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }
}

/// The key in a line of a dashboard's description, if it is the marker line.
pub fn marker_key(line: &str) -> Option<Key> {
    line.trim().strip_prefix(MARKER_LINE).and_then(Key::parse)
}

fn tags(value: &Value) -> impl Iterator<Item = &str> {
    value
        .get("tags")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

/// A reference from one object to another of the same namespace, written `${monitor:name}` or `${slo:name}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Link {
    /// What it points at.
    pub kind: Kind,
    /// The name in the files.
    pub name: String,
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "${{{}:{}}}", self.kind, self.name)
    }
}

/// Server ids by link, filled while objects are created.
pub type Ids = BTreeMap<Link, String>;

/// The links in a text with their byte ranges.
pub fn links_in(text: &str) -> Vec<(std::ops::Range<usize>, Link)> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(start) = text[from..].find("${").map(|at| from + at) {
        let Some(length) = text[start..].find('}') else {
            break;
        };
        let end = start + length + 1;
        if let Some(link) = link_of(&text[start + 2..end - 1]) {
            found.push((start..end, link));
        }
        from = end;
    }
    found
}

fn link_of(inner: &str) -> Option<Link> {
    let (word, name) = inner.split_once(':')?;
    let kind = Kind::ALL
        .into_iter()
        .find(|kind| kind.word() == word && *kind != Kind::Dashboard)?;
    Some(Link {
        kind,
        name: name.to_owned(),
    })
}

/// The payload with every known link replaced by its id, and the links that `ids` does not have.
pub fn resolve(payload: &Value, ids: &Ids) -> (Value, Vec<Link>) {
    let mut missing = Vec::new();
    let resolved = resolve_value(payload, false, ids, &mut missing);
    missing.sort();
    missing.dedup();
    (resolved, missing)
}

/// `numeric` is true inside `monitor_ids`, the one place where the API wants a number.
fn resolve_value(value: &Value, numeric: bool, ids: &Ids, missing: &mut Vec<Link>) -> Value {
    match value {
        Value::String(text) => {
            let resolved = resolve_text(text, ids, missing);
            match resolved.parse::<u64>() {
                Ok(id) if numeric => Value::from(id),
                _ => Value::String(resolved),
            }
        }
        Value::Array(items) => items
            .iter()
            .map(|item| resolve_value(item, numeric, ids, missing))
            .collect(),
        Value::Object(map) => map
            .iter()
            .map(|(name, item)| {
                (
                    name.clone(),
                    resolve_value(item, name == "monitor_ids", ids, missing),
                )
            })
            .collect(),
        other => other.clone(),
    }
}

fn resolve_text(text: &str, ids: &Ids, missing: &mut Vec<Link>) -> String {
    let mut resolved = String::with_capacity(text.len());
    let mut from = 0;
    for (range, link) in links_in(text) {
        resolved.push_str(&text[from..range.start]);
        match ids.get(&link) {
            Some(id) => resolved.push_str(id),
            None => {
                resolved.push_str(&text[range.clone()]);
                missing.push(link);
            }
        }
        from = range.end;
    }
    resolved.push_str(&text[from..]);
    resolved
}

fn collect_links(value: &Value, links: &mut Vec<Link>) {
    match value {
        Value::String(text) => links.extend(links_in(text).into_iter().map(|(_, link)| link)),
        Value::Array(items) => items.iter().for_each(|item| collect_links(item, links)),
        Value::Object(map) => map.values().for_each(|item| collect_links(item, links)),
        _ => {}
    }
}

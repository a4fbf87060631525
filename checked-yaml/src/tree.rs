//! A YAML document as a tree whose every key and value knows where it stands.

use std::ops::Range;

/// A stretch of bytes in one of a document's sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// 0 is the file; others are values set from outside, in order.
    pub(crate) source: u16,
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Span {
    pub(crate) fn new(source: u16, range: Range<usize>) -> Self {
        // Sources are at most TEXT_BYTES_MAX long, so offsets fit.
        Self {
            source,
            start: range.start as u32,
            end: range.end.max(range.start) as u32,
        }
    }

    /// A stretch of a text that is no file, see [`crate::Problems::in_text`].
    pub fn in_text(range: Range<usize>) -> Self {
        Self::new(0, range)
    }

    /// Whether the other one lies in this one.
    pub(crate) fn covers(self, other: Self) -> bool {
        self.source == other.source && self.start <= other.start && other.end <= self.end
    }

    /// Byte offsets in the source.
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The value.
    pub kind: Kind,
    /// Its text.
    pub span: Span,
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// Nothing: `key:` or `~`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Another finite number.
    Float(f64),
    /// Text, and how it was quoted.
    Text(String, Quoting),
    /// A list.
    List(Vec<Node>),
    /// A mapping in the order of the file, keys unique.
    Map(Vec<Entry>),
}

/// How a text was written; decides how offsets in it map to the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quoting {
    /// Without quotes.
    Plain,
    /// `'…'`
    Single,
    /// `"…"`
    Double,
    /// `|` or `>`
    Block,
}

/// A key and its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// The key's text.
    pub key_span: Span,
    /// The value.
    pub value: Node,
}

impl Node {
    /// The value of a key of this mapping.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// A key of this mapping with its value.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.kind {
            Kind::Map(entries) => entries.iter().find(|entry| entry.key == key),
            _ => None,
        }
    }

    /// The child under a key, or at an index of a list.
    pub fn child(&self, segment: &str) -> Option<&Node> {
        match &self.kind {
            Kind::List(items) => items.get(segment.parse::<usize>().ok()?),
            _ => self.get(segment),
        }
    }

    /// The text to underline for the value as a whole: the first key of a mapping, a scalar in full.
    pub fn head(&self) -> Span {
        match &self.kind {
            Kind::Map(entries) => entries.first().map_or(self.span, |entry| entry.key_span),
            Kind::List(items) => items.first().map_or(self.span, Node::head),
            _ => self.span,
        }
    }

    /// Whether this is one value: text, a number, true or false.
    pub fn is_scalar(&self) -> bool {
        !matches!(self.kind, Kind::Null | Kind::List(_) | Kind::Map(_))
    }

    /// What kind of value this is, in words.
    pub fn noun(&self) -> &'static str {
        match self.kind {
            Kind::Null => "nothing",
            Kind::Bool(_) => "true or false",
            Kind::Int(_) => "a whole number",
            Kind::Float(_) => "a number",
            Kind::Text(..) => "text",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a mapping",
        }
    }

    /// The same value without positions.
    pub fn to_json(&self) -> serde_json::Value {
        match &self.kind {
            Kind::Null => serde_json::Value::Null,
            Kind::Bool(value) => (*value).into(),
            Kind::Int(value) => (*value).into(),
            Kind::Float(value) => (*value).into(),
            Kind::Text(text, _) => text.as_str().into(),
            Kind::List(items) => items.iter().map(Node::to_json).collect(),
            Kind::Map(entries) => entries
                .iter()
                .map(|entry| (entry.key.clone(), entry.value.to_json()))
                .collect::<serde_json::Map<_, _>>()
                .into(),
        }
    }
}

/// Reads an unquoted scalar as the YAML 1.2 core schema does, except that infinities and NaN stay text: no format
/// built on this crate has a use for them, and JSON has no place for them.
pub(crate) fn plain_scalar(text: &str) -> Kind {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Kind::Null,
        "true" | "True" | "TRUE" => return Kind::Bool(true),
        "false" | "False" | "FALSE" => return Kind::Bool(false),
        _ => {}
    }
    number(text).unwrap_or_else(|| Kind::Text(text.to_owned(), Quoting::Plain))
}

fn number(text: &str) -> Option<Kind> {
    if let Some(hex) = text.strip_prefix("0x") {
        return i64::from_str_radix(hex, 16).ok().map(Kind::Int);
    }
    if let Some(octal) = text.strip_prefix("0o") {
        return i64::from_str_radix(octal, 8).ok().map(Kind::Int);
    }
    if !text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) {
        return None;
    }
    if let Ok(int) = text.parse() {
        return Some(Kind::Int(int));
    }
    let float: f64 = text.parse().ok()?;
    // "+inf" and friends parse as f64 too; only digits may follow the sign.
    let digits = text.bytes().any(|b| b.is_ascii_digit());
    (digits && float.is_finite()).then_some(Kind::Float(float))
}

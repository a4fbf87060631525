//! A body as a tree, and the values in it that a path leads to.
//!
//! PURE. Must not know: what is done with the values.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write as _;

use serde_json::{Number, Value};

use super::JsonPath;
use crate::template::{Scalar, VALUE_BYTES_MAX};

/// What some programs put in front of UTF-8.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Most values in a list of all that a path finds.
pub(super) const LIST_VALUES_MAX: usize = 100_000;

/// A body as a tree, with the digits of its numbers as they came.
#[derive(Debug)]
pub(crate) struct Tree {
    root: Box<Value>,
    /// By the address of the number, which lies below `root` and so stays where it is.
    digits: HashMap<usize, Box<str>>,
}

impl Tree {
    /// The tree of a body; `None` if it is no JSON.
    pub(crate) fn of(body: &[u8]) -> Option<Self> {
        let body = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body);
        let root: Box<Value> = serde_json::from_slice(body).ok()?;
        let mut numbers = Vec::new();
        numbers_of(&root, &mut numbers);
        let mut digits = HashMap::new();
        if numbers.iter().any(|number| number.is_f64()) {
            let written = numbers_in(body);
            // Of a key that stands in an object twice the tree has one: then nobody knows which number is which.
            if written.len() == numbers.len() {
                let both = numbers.iter().zip(written);
                let exact = both.filter(|(number, _)| number.is_f64());
                digits = exact
                    .map(|(number, text)| (address(number), text.into()))
                    .collect();
            }
        }
        Some(Self { root, digits })
    }

    /// What a path leads to, in the order of the body.
    pub(crate) fn find<'t>(&'t self, path: &JsonPath) -> Found<'t> {
        Found {
            nodes: path.query.query(&self.root).all(),
            tree: self,
        }
    }

    fn number(&self, number: &Number) -> Cow<'_, str> {
        match self.digits.get(&address(number)) {
            Some(digits) => Cow::Borrowed(digits),
            None => Cow::Owned(number.to_string()),
        }
    }

    fn scalar<'t>(&'t self, node: &'t Value) -> Scalar<'t> {
        match node {
            Value::Null => Scalar::Unset,
            Value::Bool(truth) => Scalar::Bool(*truth),
            Value::String(text) => Scalar::text(text),
            Value::Number(number) => number
                .as_i64()
                .map_or_else(|| Scalar::Number(self.number(number)), Scalar::Int),
            Value::Array(_) | Value::Object(_) => {
                let mut writer = Writer::new(self, usize::MAX);
                writer.write(node);
                Scalar::Json(Cow::Owned(writer.text))
            }
        }
    }
}

/// Writes values without space, and no more once there are too many bytes.
struct Writer<'t> {
    tree: &'t Tree,
    text: String,
    bytes_max: usize,
}

impl<'t> Writer<'t> {
    fn new(tree: &'t Tree, bytes_max: usize) -> Self {
        Self {
            tree,
            text: String::new(),
            bytes_max,
        }
    }

    fn is_full(&self) -> bool {
        self.text.len() > self.bytes_max
    }

    /// Writing to a String does not fail.
    fn write(&mut self, node: &'t Value) {
        match node {
            _ if self.is_full() => {}
            Value::Number(number) => self.text.push_str(&self.tree.number(number)),
            Value::Array(items) => self.write_list(items),
            Value::Object(fields) => {
                self.text.push('{');
                for (index, (key, value)) in fields.iter().enumerate() {
                    let comma = if index == 0 { "" } else { "," };
                    let _ = write!(self.text, "{comma}{}:", Value::from(key.as_str()));
                    self.write(value);
                }
                self.text.push('}');
            }
            plain => {
                let _ = write!(self.text, "{plain}");
            }
        }
    }

    fn write_list(&mut self, items: impl IntoIterator<Item = &'t Value>) {
        self.text.push('[');
        for (index, item) in items.into_iter().enumerate() {
            self.text.push_str(if index == 0 { "" } else { "," });
            self.write(item);
        }
        self.text.push(']');
    }
}

/// The values that a path leads to.
pub(crate) struct Found<'t> {
    nodes: Vec<&'t Value>,
    tree: &'t Tree,
}

impl<'t> Found<'t> {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Each of them; unset for null.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Scalar<'t>> {
        self.nodes.iter().map(|node| self.tree.scalar(node))
    }

    /// The first that is not null.
    pub(crate) fn first(&self) -> Option<Scalar<'t>> {
        self.set().next().map(|node| self.tree.scalar(node))
    }

    /// The last that is not null.
    pub(crate) fn last(&self) -> Option<Scalar<'t>> {
        self.set().next_back().map(|node| self.tree.scalar(node))
    }

    /// How many are not null.
    pub(crate) fn set_len(&self) -> usize {
        self.set().count()
    }

    /// One of those that are not null, from 0.
    pub(crate) fn nth_set(&self, index: usize) -> Option<Scalar<'t>> {
        self.set().nth(index).map(|node| self.tree.scalar(node))
    }

    /// Only what is taken is written as text: it may be long.
    fn set(&self) -> impl DoubleEndedIterator<Item = &'t Value> {
        self.nodes.iter().copied().filter(|node| !node.is_null())
    }

    /// All of them as a JSON array, unset if there is none; `None` if they are more than [`LIST_VALUES_MAX`], or longer than a
    /// value may be.
    pub(crate) fn list(&self) -> Option<Scalar<'t>> {
        if self.nodes.is_empty() {
            return Some(Scalar::Unset);
        }
        if self.nodes.len() > LIST_VALUES_MAX {
            return None;
        }
        let mut writer = Writer::new(self.tree, VALUE_BYTES_MAX);
        writer.write_list(self.nodes.iter().copied());
        let fits = !writer.is_full();
        fits.then_some(Scalar::Json(Cow::Owned(writer.text)))
    }
}

fn address(number: &Number) -> usize {
    std::ptr::from_ref(number).addr()
}

/// The numbers of a tree in the order of its text.
fn numbers_of<'t>(node: &'t Value, out: &mut Vec<&'t Number>) {
    match node {
        Value::Number(number) => out.push(number),
        Value::Array(items) => items.iter().for_each(|item| numbers_of(item, out)),
        Value::Object(fields) => fields.values().for_each(|field| numbers_of(field, out)),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// The numbers of a valid JSON text as they are written, in order.
pub(super) fn numbers_in(body: &[u8]) -> Vec<&str> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(byte) = body.get(at) {
        let rest = &body[at..];
        let length = match byte {
            b'"' => string_bytes(rest),
            b'-' | b'0'..=b'9' => {
                let is_part = |byte: &u8| byte.is_ascii_digit() || b"+-.eE".contains(byte);
                let length = rest.iter().take_while(|byte| is_part(byte)).count();
                found.extend(std::str::from_utf8(&rest[..length]));
                length
            }
            _ => 1,
        };
        at += length;
    }
    found
}

/// Bytes of a string from one quote to the other.
fn string_bytes(text: &[u8]) -> usize {
    let mut escaped = false;
    let inside = text.iter().skip(1).position(|byte| {
        let ends = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        ends
    });
    inside.map_or(text.len(), |inside| inside + 2)
}

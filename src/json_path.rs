//! JSONPath (RFC 9535): which values of an answer are meant.
//!
//! A whole tree is built for it, once an answer; JSON pointers, which need none, are found in `response/pointer.rs`. Filters compare
//! numbers as binary ones; what is taken out keeps every digit. PURE. Must not know: what is done with the values.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write as _;

use serde_json::{Number, Value};

use crate::template::Scalar;

/// Longest path, bytes: what stands in its parentheses is read by recursion.
const PATH_BYTES_MAX: usize = 500;

/// What some programs put in front of UTF-8.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// A path, understood.
#[derive(Debug, Clone)]
pub struct JsonPath {
    text: String,
    query: serde_json_path::JsonPath,
}

/// What is wrong with a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Where, in bytes.
    pub at: usize,
    /// In a few words.
    pub reason: String,
}

impl JsonPath {
    /// Whether a text is meant as a path: `$`, and a dot or a bracket if anything follows.
    pub fn is_meant(text: &str) -> bool {
        text == "$" || text.starts_with("$.") || text.starts_with("$[")
    }

    /// Reads a path.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, Mistake> {
        if text.len() > PATH_BYTES_MAX {
            return Err(Mistake {
                at: PATH_BYTES_MAX,
                reason: format!("it has more than {PATH_BYTES_MAX} bytes"),
            });
        }
        let query = serde_json_path::JsonPath::parse(text).map_err(|error| Mistake {
            at: error.position().min(text.len()),
            reason: error.message().to_owned(),
        })?;
        Ok(Self {
            text: text.to_owned(),
            query,
        })
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The name at its end, of the field that it leads to.
    pub fn field(&self) -> Option<&str> {
        let end = self.text.trim_end_matches(['[', ']', '\'', '"', '*', '.']);
        let name = end.rsplit(['.', '[', '\'', '"']).next();
        name.filter(|name| !name.is_empty() && *name != "$")
    }
}

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
                let mut text = String::new();
                self.write(node, &mut text);
                Scalar::Json(Cow::Owned(text))
            }
        }
    }

    /// Writes a value without space. Writing to a String does not fail.
    fn write(&self, node: &Value, out: &mut String) {
        match node {
            Value::Number(number) => out.push_str(&self.number(number)),
            Value::Array(items) => {
                out.push('[');
                self.write_list(items, out);
                out.push(']');
            }
            Value::Object(fields) => {
                out.push('{');
                for (index, (key, value)) in fields.iter().enumerate() {
                    let comma = if index == 0 { "" } else { "," };
                    let _ = write!(out, "{comma}{}:", Value::from(key.as_str()));
                    self.write(value, out);
                }
                out.push('}');
            }
            plain => {
                let _ = write!(out, "{plain}");
            }
        }
    }

    fn write_list<'t>(&self, items: impl IntoIterator<Item = &'t Value>, out: &mut String) {
        for (index, item) in items.into_iter().enumerate() {
            out.push_str(if index == 0 { "" } else { "," });
            self.write(item, out);
        }
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

    /// All of them as a JSON array; unset if there is none.
    pub(crate) fn list(&self) -> Scalar<'t> {
        if self.nodes.is_empty() {
            return Scalar::Unset;
        }
        let mut text = String::from("[");
        self.tree.write_list(self.nodes.iter().copied(), &mut text);
        text.push(']');
        Scalar::Json(Cow::Owned(text))
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
fn numbers_in(body: &[u8]) -> Vec<&str> {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(body: &str, path: &str) -> String {
        let tree = Tree::of(body.as_bytes()).expect("JSON");
        let path = JsonPath::parse(path).expect("a path");
        tree.find(&path).list().to_text().into_owned()
    }

    #[test]
    fn paths_are_those_of_the_standard() {
        let shop = r#"{"items":[{"id":7,"price":5,"t":["a"]},{"id":8,"price":15},{"id":9,"price":25.50,"name":"x"}],"a.b":1}"#;
        for (path, values) in [
            ("$.items[*].id", "[7,8,9]"),
            ("$.items[0].id", "[7]"),
            ("$.items[-1].id", "[9]"),
            ("$.items[1:].id", "[8,9]"),
            ("$.items[::2].id", "[7,9]"),
            ("$.items[?@.price > 10].id", "[8,9]"),
            ("$.items[?@.name].id", "[9]"),
            ("$.items[?@.price > 10 && !@.name]['id']", "[8]"),
            ("$.items[?@.name == 'x'].price", "[25.50]"),
            ("$..price", "[5,15,25.50]"),
            ("$['a.b']", "[1]"),
            ("$.items[?length(@.t) == 1].t", r#"[["a"]]"#),
            ("$.none[*]", ""),
        ] {
            assert_eq!(found(shop, path), values, "{path}");
        }
    }

    #[test]
    fn digits_stay_as_they_came() {
        let body = "\u{feff}{\"s\\\"1.50\":\"2.0\",\"n\":[1.10,12345678901234567890,-0,1e25,{\"b\":0.10}],\"u\":18446744073709551615}";
        assert_eq!(
            found(body, "$.n[*]"),
            "[1.10,12345678901234567890,-0,1e25,{\"b\":0.10}]"
        );
        assert_eq!(
            found(body, "$.n"),
            "[[1.10,12345678901234567890,-0,1e25,{\"b\":0.10}]]"
        );
        assert_eq!(found(body, "$.u"), "[18446744073709551615]");
    }

    #[test]
    fn a_path_names_its_field() {
        let field = |text: &str| {
            JsonPath::parse(text)
                .expect("a path")
                .field()
                .map(str::to_owned)
        };
        assert_eq!(field("$.a.accessToken").as_deref(), Some("accessToken"));
        assert_eq!(
            field("$['access token'][*]").as_deref(),
            Some("access token")
        );
        assert_eq!(field("$"), None);
        assert!(
            JsonPath::parse(&format!("$[?{}@.a{}]", "(".repeat(300), ")".repeat(300))).is_err()
        );
        assert!(JsonPath::parse("$.items[").is_err());
    }

    proptest! {
        /// A tree is written as it came, apart from space.
        #[test]
        fn trees_come_back(numbers in prop::collection::vec("-?(0|[1-9][0-9]{0,22})(\\.[0-9]{1,4})?", 0..6), key in "[a-c\"\\\\é]{0,3}") {
            let body = format!("{{{}:[{}]}}", Value::from(key.as_str()), numbers.join(","));
            prop_assert_eq!(found(&body, "$"), format!("[{body}]"));
        }

        /// No bytes make it panic.
        #[test]
        fn survives_garbage(body: Vec<u8>, path in "[$.\\[\\]*?@a()'0-9-]{0,12}") {
            let tree = Tree::of(&body);
            if let (Some(tree), Ok(path)) = (tree, JsonPath::parse(&path)) {
                let _ = tree.find(&path).list();
            }
            let _ = numbers_in(&body);
        }
    }
}

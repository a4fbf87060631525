//! Reading JSON that others wrote: as strictly as its type says, and no key twice in one object.
//!
//! RFC 8259 leaves open which of two equal keys counts. Whoever reads a request before the shop – a firewall, a log, a
//! signature's check – may believe the other one, so such a text has no meaning here.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeOwned, DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};

/// Characters of a key that an error shows.
const SHOWN_KEY_CHARS_MAX: usize = 60;

/// Why a text is not the JSON that was asked for.
#[derive(Debug, thiserror::Error)]
pub enum JsonError {
    /// An object has this key more than once.
    #[error("the key {0} stands more than once in one object")]
    DuplicateKey(String),
    /// It is no JSON, or another value than was asked for.
    #[error(transparent)]
    Unreadable(#[from] serde_json::Error),
}

impl JsonError {
    /// Whether it is good JSON with a value that does not fit.
    pub fn is_data(&self) -> bool {
        matches!(self, JsonError::Unreadable(error) if error.is_data())
    }
}

/// Reads one JSON value.
pub fn from_slice<T: DeserializeOwned>(text: &[u8]) -> Result<T, JsonError> {
    match duplicate_key(text) {
        Some(key) => Err(JsonError::DuplicateKey(key)),
        None => Ok(serde_json::from_slice(text)?),
    }
}

/// The first key that an object in the text has twice, as it is shown to people. What is no JSON is left to the parser,
/// which can say what is wrong with it.
fn duplicate_key(text: &[u8]) -> Option<String> {
    let found = Cell::new(None);
    let mut parser = serde_json::Deserializer::from_slice(text);
    // Its only errors are the parser's own, and the one that ends the walk at the first such key.
    drop(Walk(&found).deserialize(&mut parser));
    found.take()
}

/// Walks through a value of any shape and remembers nothing but the keys of the objects that it is in.
#[derive(Clone, Copy)]
struct Walk<'a>(&'a Cell<Option<String>>);

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        let mut keys = HashSet::new();
        while let Some(Key(key)) = object.next_key()? {
            if keys.contains(&key) {
                self.0.set(Some(shown(&key)));
                return Err(A::Error::custom("a key stands twice"));
            }
            keys.insert(key);
            object.next_value_seed(self)?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(self)?.is_some() {}
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
}

/// A key, borrowed from the text unless it has escapes.
#[derive(PartialEq, Eq, Hash)]
struct Key<'de>(Cow<'de, str>);

impl<'de> serde::Deserialize<'de> for Key<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(KeyVisitor).map(Key)
    }
}

struct KeyVisitor;

impl<'de> Visitor<'de> for KeyVisitor {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(key))
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(key.to_owned()))
    }
}

/// The key in quotation marks: the start of a long one, and nothing that acts on a terminal.
fn shown(key: &str) -> String {
    let start: String = key.chars().take(SHOWN_KEY_CHARS_MAX).collect();
    let rest = if start.len() < key.len() { "…" } else { "" };
    format!("`{}{rest}`", start.escape_debug())
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_key_that_stands_twice_in_one_object_is_found_at_any_depth() {
        for (text, key) in [
            (r#"{"a":1,"a":1}"#, "`a`"),
            (r#"{"a":[1,{"b":{},"c":null,"b":2.5}]}"#, "`b`"),
            (r#"{"\u0061":1,"a":2}"#, "`a`"),
            (r#"{"\u001b[2J":1,"\u001b[2J":2}"#, "`\\u{1b}[2J`"),
            (r#"{"a":1,"a":"#, "`a`"),
        ] {
            assert_eq!(
                duplicate_key(text.as_bytes()).as_deref(),
                Some(key),
                "{text}"
            );
        }
        let long = "k".repeat(1_000);
        let text = format!(r#"{{"{long}":1,"{long}":2}}"#);
        assert!(duplicate_key(text.as_bytes()).unwrap().chars().count() < 100);
    }

    #[test]
    fn equal_keys_of_different_objects_are_fine_and_so_are_other_texts() {
        for text in [
            r#"{"a":{"a":[{"a":true},{"a":-1}]},"b":"a"}"#,
            "[]",
            "null",
            "",
            "{\"a\":1",
            "nonsense",
        ] {
            assert_eq!(duplicate_key(text.as_bytes()), None, "{text}");
        }
        let deep = "[".repeat(100_000);
        assert_eq!(duplicate_key(deep.as_bytes()), None);
        assert!(from_slice::<Value>(deep.as_bytes()).is_err());
    }
}

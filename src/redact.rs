//! What may be shown: texts without secrets, and without what steers a terminal.
//!
//! The only way to a [`Shown`] leads through a [`Redactor`], and what a run keeps of its requests, its command line and its
//! target is [`Shown`]. A secret becomes `‹secret 3fa2b1c0›`: a hash under a key that is made anew for each process and kept
//! nowhere, so that equal secrets of one run can be told, and not even a PIN can be guessed from a file.
//! See docs/decisions/secrets.md.

use std::fmt;
use std::ops::{Deref, Range};
use std::sync::OnceLock;

use rand::TryRngCore as _;
use rand::rngs::OsRng;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use telemetry::secret::{Names, Search};

pub mod command;
pub mod exchange;
pub mod plain;

/// Bytes of the hash that are shown: enough to tell the secrets of one run.
const HASH_BYTES: usize = 4;

/// Shortest known secret that is looked for wherever it stands, as in [`telemetry::secret`].
const KNOWN_BYTES_MIN: usize = 4;

/// What stands for a secret in the name of a step: names are compared between runs, so there is no hash.
const IN_NAMES: &str = "{secret}";

/// Hides what is secret.
#[derive(Clone, Default)]
pub struct Redactor {
    names: Names,
    /// Secrets that are known beforehand.
    known: Vec<String>,
}

/// A text that may be shown to anybody: no secrets, no control characters but line breaks and tabs.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Shown(String);

/// A piece of a text and what is put in its place.
pub type Edit = (Range<usize>, String);

impl Redactor {
    /// Hides what stands under the usual names and these.
    pub fn new<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> Self {
        Self {
            names: Names::with(names),
            known: Vec::new(),
        }
    }

    /// Hides this value wherever it stands.
    pub fn learn(&mut self, value: impl Into<String>) {
        let value = value.into();
        if !self.known.contains(&value) {
            self.known.push(value);
        }
    }

    /// Whether a secret that is known beforehand stands in a text.
    pub(crate) fn knows(&self, text: &str) -> bool {
        let mut known = self.known.iter();
        known.any(|secret| secret.len() >= KNOWN_BYTES_MIN && text.contains(secret.as_str()))
    }

    /// Whether what stands under this name is a secret.
    pub fn is_secret(&self, name: &str) -> bool {
        self.names.is_secret(name)
    }

    /// A text that may be shown.
    pub fn show(&self, text: &str) -> Shown {
        Shown(applied(text, self.edits(text, false), text.len()))
    }

    /// A text that may be shown, in one line.
    pub fn show_line(&self, text: &str) -> Shown {
        Shown(plain::line(&self.show(text)))
    }

    /// A JSON value that may be shown; what stands under the key `as_is` is left alone.
    pub fn show_json(&self, value: Value, as_is: &str) -> Value {
        let shown = |value| self.show_json(value, as_is);
        match value {
            Value::String(text) => self.show(&text).0.into(),
            Value::Array(items) => items.into_iter().map(shown).collect(),
            Value::Object(fields) => {
                let field = |(key, value): (String, Value)| match key == as_is {
                    true => (key, value),
                    false => (self.show_line(&key).0, shown(value)),
                };
                Value::Object(fields.into_iter().map(field).collect())
            }
            other => other,
        }
    }

    /// The values in a text that are secret.
    pub fn secrets_in(&self, text: &str) -> Vec<String> {
        let found = self.search(false).find(text).into_iter();
        found.map(|found| found.value).collect()
    }

    /// The same for a file that people write.
    pub fn secrets_in_source(&self, text: &str) -> Vec<String> {
        let found = self.search(true).find(text).into_iter();
        found.map(|found| found.value).collect()
    }

    /// The name of a step, a check or a threshold: the same in every run.
    pub fn name(&self, text: &str) -> String {
        let edits = self.edits(text, false).into_iter();
        let edits =
            edits.map(
                |(range, instead)| match instead.starts_with(telemetry::secret::MARK) {
                    true => (range, IN_NAMES.to_owned()),
                    false => (range, instead),
                },
            );
        plain::line(&applied(text, edits.collect(), text.len()))
    }

    /// What has to change in a text before it is shown; of a `source`, what people write is left as far as it is no secret.
    pub fn edits(&self, text: &str, source: bool) -> Vec<Edit> {
        let found = self.search(source).find(text);
        let mut edits: Vec<Edit> = found
            .into_iter()
            .map(|found| (found.range, mark(&found.value)))
            .collect();
        let inside = |at: usize| edits.iter().any(|(range, _)| range.contains(&at));
        let controls: Vec<Edit> = plain::controls(text)
            .filter(|(range, _)| !inside(range.start))
            .collect();
        edits.extend(controls);
        edits.sort_by_key(|(range, _)| range.start);
        edits
    }

    fn search(&self, source: bool) -> Search<'_> {
        Search {
            names: &self.names,
            known: &self.known,
            source,
        }
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redactor(…)")
    }
}

/// The text with everything replaced that has to be, up to `end`.
fn applied(text: &str, edits: Vec<Edit>, end: usize) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for (range, instead) in edits.into_iter().take_while(|(range, _)| range.start < end) {
        out.push_str(&text[at..range.start]);
        out.push_str(&instead);
        at = range.end;
    }
    out.push_str(text.get(at..end).unwrap_or_default());
    out
}

/// What stands in a secret's place.
pub fn mark(secret: &str) -> String {
    let Some(key) = key() else {
        return format!("{}›", telemetry::secret::MARK);
    };
    let hash = Sha256::new()
        .chain_update(key)
        .chain_update(secret)
        .finalize();
    let digits = telemetry::text::hex(&hash[..HASH_BYTES]);
    format!("{} {digits}›", telemetry::secret::MARK)
}

/// The text with all secrets shown alike: their hashes can be compared within one process only.
pub fn without_hashes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(telemetry::secret::MARK) {
        let (before, marked) = rest.split_at(at);
        let end = marked.find('›').unwrap_or(marked.len());
        out.push_str(before);
        out.push_str(telemetry::secret::MARK);
        rest = &marked[end..];
    }
    out + rest
}

/// The key of this process; `None` where the system gives no random bytes, and nothing may be hashed.
fn key() -> Option<&'static [u8; 32]> {
    static KEY: OnceLock<Option<[u8; 32]>> = OnceLock::new();
    let make = || {
        let mut key = [0; 32];
        OsRng.try_fill_bytes(&mut key).ok().map(|()| key)
    };
    KEY.get_or_init(make).as_ref()
}

/// An error with its causes, for a stream that people read.
pub fn error(error: &anyhow::Error) -> Shown {
    Shown::from(format!("{error:#}"))
}

impl From<String> for Shown {
    /// By the usual names; a [`Redactor`] may know more.
    fn from(text: String) -> Self {
        Redactor::default().show(&text)
    }
}

impl From<&str> for Shown {
    fn from(text: &str) -> Self {
        Redactor::default().show(text)
    }
}

impl From<Shown> for String {
    fn from(shown: Shown) -> Self {
        shown.0
    }
}

impl Deref for Shown {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests;

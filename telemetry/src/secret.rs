//! Secrets in text: found by the names that they stand under, by their shape, and by being known already.
//!
//! PURE. It says where secrets are; what is put in their place is the caller's choice. It would rather hide too much than too
//! little. A text is looked through as it stands and with its escapes (percent signs, JSON, HTML, base64) taken off, because
//! a secret does not stop being one when it is written in another way.

mod fields;
pub(crate) mod hidden;
mod names;
mod numbers;
mod shapes;
mod views;

use std::ops::Range;

pub use names::Names;
use views::View;

/// What stands in a secret's place begins so, and is not taken for a secret again.
pub const MARK: &str = "‹secret";

/// Escapes within escapes that are taken off: a URL in a JSON text in a JSON text.
const ESCAPES_DEPTH_MAX: usize = 3;

/// Shortest known secret that is looked for wherever it stands; a shorter one would be found in innocent text.
const KNOWN_BYTES_MIN: usize = 4;

/// Known secrets shorter than this count as whole words only.
const KNOWN_IN_WORDS_BYTES_MIN: usize = 8;

/// A secret, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// In the text that was looked through.
    pub range: Range<usize>,
    /// The secret without escapes; of numbers without the spaces between groups.
    pub value: String,
}

/// What to look for.
#[derive(Debug, Clone, Copy)]
pub struct Search<'a> {
    /// Names whose values are secret.
    pub names: &'a Names,
    /// Secrets that are known already.
    pub known: &'a [String],
    /// Whether the text is a file that people write: values made by `${…}`, JSON pointers, and whole sections are no secrets
    /// there.
    pub source: bool,
}

/// A stretch of a view.
type Stretch = Range<usize>;

impl Search<'_> {
    /// Every secret in `text`, in order; none overlaps another.
    pub fn find(&self, text: &str) -> Vec<Found> {
        let mut found = Vec::new();
        let mut view = View::of(text.as_bytes());
        for depth in 0..=ESCAPES_DEPTH_MAX {
            let mut stretches = Vec::new();
            self.scan(&view.bytes, depth, &mut stretches);
            found.extend(stretches.into_iter().map(|stretch| Found {
                range: view.origin(&stretch),
                value: plain(&view.bytes[stretch]),
            }));
            match view.unescaped() {
                Some(next) if depth < ESCAPES_DEPTH_MAX => view = next,
                _ => break,
            }
        }
        merged(text, found)
    }

    /// Whether there is a secret in `text`.
    pub fn is_in(&self, text: &str) -> bool {
        !self.find(text).is_empty()
    }

    fn scan(&self, bytes: &[u8], depth: usize, out: &mut Vec<Stretch>) {
        fields::scan(bytes, self.names, self.source, out);
        shapes::scan(bytes, out);
        for known in self.known {
            occurrences(bytes, known.as_bytes(), out);
        }
        if depth < ESCAPES_DEPTH_MAX {
            views::base64_runs(bytes, |stretch, decoded| {
                let mut inner = Vec::new();
                self.scan(decoded, depth + 1, &mut inner);
                if !inner.is_empty() {
                    out.push(stretch);
                }
            });
        }
    }
}

/// Without what separates groups of digits, so that one number is one value however it is written.
fn plain(bytes: &[u8]) -> String {
    let grouped = |byte: &u8| {
        byte.is_ascii_uppercase() || byte.is_ascii_digit() || matches!(byte, b' ' | b'-' | b'+')
    };
    let text = String::from_utf8_lossy(bytes);
    if bytes.iter().all(grouped) && bytes.iter().any(u8::is_ascii_digit) {
        return text.replace([' ', '-', '+'], "");
    }
    text.trim().to_owned()
}

fn occurrences(bytes: &[u8], known: &[u8], out: &mut Vec<Stretch>) {
    if known.len() < KNOWN_BYTES_MIN {
        return;
    }
    let mut from = 0;
    while let Some(at) = position(&bytes[from..], known) {
        let stretch = from + at..from + at + known.len();
        let part_of_word = known.len() < KNOWN_IN_WORDS_BYTES_MIN
            && (within_word(bytes, stretch.start) || within_word(bytes, stretch.end));
        from = stretch.end;
        if !part_of_word {
            out.push(stretch);
        }
    }
}

/// Whether letters or digits stand on both sides.
fn within_word(bytes: &[u8], at: usize) -> bool {
    let word = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_alphanumeric);
    at > 0 && word(at - 1) && word(at)
}

fn position(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    let first = *wanted.first()?;
    let mut from = 0;
    while let Some(at) = bytes[from..].iter().position(|byte| *byte == first) {
        if bytes[from + at..].starts_with(wanted) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}

/// In order, overlapping ones made one, at the boundaries of characters.
fn merged(text: &str, mut found: Vec<Found>) -> Vec<Found> {
    found.retain(|found| !found.value.is_empty());
    found.sort_by_key(|found| (found.range.start, std::cmp::Reverse(found.range.end)));
    let mut out: Vec<Found> = Vec::with_capacity(found.len());
    for mut next in found {
        while !text.is_char_boundary(next.range.start) {
            next.range.start -= 1;
        }
        while !text.is_char_boundary(next.range.end) {
            next.range.end += 1;
        }
        match out.last_mut() {
            Some(last) if next.range.start < last.range.end => {
                if next.range.end > last.range.end {
                    last.range.end = next.range.end;
                    last.value = text[last.range.clone()].to_owned();
                }
            }
            _ => out.push(next),
        }
    }
    out
}

#[cfg(test)]
mod tests;

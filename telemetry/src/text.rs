//! Small texts that everybody writes: bytes in hex, an error with its causes, a text cut to a bound.

use std::error::Error;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};

/// What `encodeURIComponent` encodes: everything but letters, digits and these.
pub const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// How many causes of an error are told; an error that is its own cause ends there.
const CAUSES_MAX: usize = 16;

/// Bytes as lower-case hex digits, two each.
///
/// ```
/// assert_eq!(telemetry::text::hex([0x0f, 0xa0]), "0fa0");
/// ```
pub fn hex(bytes: impl AsRef<[u8]>) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let bytes = bytes.as_ref();
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

/// An error with its causes, `: ` between them; a cause that what stands before it has said already is left out. At
/// most 16 causes are told.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    for _ in 0..CAUSES_MAX {
        let Some(error) = cause else { break };
        let told = error.to_string();
        if !text.contains(&told) {
            text.push_str(": ");
            text.push_str(&told);
        }
        cause = error.source();
    }
    text
}

/// An error and its causes, each on a line of its own. At most 16 causes are told.
pub(crate) fn stack(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    for _ in 0..CAUSES_MAX {
        let Some(error) = cause else { break };
        text.push_str("\ncaused by: ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// The longest beginning of `text` that has at most `bytes_max` bytes and ends at a character.
pub(crate) fn cut(text: &str, bytes_max: usize) -> &str {
    let mut end = text.len().min(bytes_max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::{chain, cut, hex};

    #[test]
    fn a_character_is_never_split() {
        assert_eq!(cut("aé", 3), "aé");
        assert_eq!(cut("aé", 2), "a");
        assert_eq!(cut("é", 1), "");
        assert_eq!(cut("", 5), "");
    }

    #[test]
    fn every_byte_has_two_digits() {
        assert_eq!(hex([]), "");
        assert_eq!(hex([0, 1, 0x9a, 0xff]), "00019aff");
    }

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Layer(&'static str, #[source] Option<Box<Layer>>);

    #[test]
    fn causes_are_told_once() {
        let inner = Layer("connection refused", None);
        let same = Layer("connection refused", Some(Box::new(inner)));
        let outer = Layer("cannot connect", Some(Box::new(same)));
        assert_eq!(chain(&outer), "cannot connect: connection refused");
    }
}

//! Values: owned ones that shoppers keep, borrowed ones on their way into a request or a comparison.
//!
//! Must not know: where values come from.

use std::borrow::Cow;
use std::io::Write;

use uuid::Uuid;

use super::{Encoding, Value};

/// A value that has not been copied.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar<'a> {
    /// Not set, missing, or null.
    Unset,
    /// Text.
    Text(Cow<'a, str>),
    /// A UUID, written in the usual form.
    Uuid(Uuid),
    /// A whole number.
    Int(i64),
    /// Another number.
    Number(f64),
    /// true or false.
    Bool(bool),
    /// A JSON array or object as text.
    Json(String),
}

const HEX_DIGITS: &[u8; 16] = b"0123456789ABCDEF";

impl Value {
    /// The value without a copy of it.
    pub fn as_scalar(&self) -> Scalar<'_> {
        match self {
            Self::Unset => Scalar::Unset,
            Self::Text(text) => Scalar::Text(Cow::Borrowed(text)),
            Self::Int(number) => Scalar::Int(*number),
            Self::Number(number) => Scalar::Number(*number),
            Self::Bool(truth) => Scalar::Bool(*truth),
        }
    }

    /// Bytes of text that it holds.
    pub(crate) fn text_bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            _ => 0,
        }
    }

    /// Whether there is a value.
    pub fn is_set(&self) -> bool {
        *self != Self::Unset
    }
}

impl<'a> Scalar<'a> {
    /// Text that is borrowed.
    pub(crate) fn text(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    /// A copy to keep.
    pub fn into_value(self) -> Value {
        match self {
            Self::Unset => Value::Unset,
            Self::Text(text) => Value::Text(text.into_owned().into()),
            Self::Uuid(uuid) => Value::Text(uuid.to_string().into()),
            Self::Int(number) => Value::Int(number),
            Self::Number(number) => Value::Number(number),
            Self::Bool(truth) => Value::Bool(truth),
            Self::Json(text) => Value::Text(text.into()),
        }
    }

    /// The value as people read it; empty if unset.
    pub fn to_text(&self) -> Cow<'_, str> {
        match self {
            Self::Unset => Cow::Borrowed(""),
            Self::Text(text) => Cow::Borrowed(text),
            Self::Json(text) => Cow::Borrowed(text),
            Self::Uuid(uuid) => Cow::Owned(uuid.to_string()),
            Self::Int(number) => Cow::Owned(number.to_string()),
            Self::Number(number) => Cow::Owned(number.to_string()),
            Self::Bool(truth) => Cow::Borrowed(if *truth { "true" } else { "false" }),
        }
    }

    /// The value as a number, if it is one or reads like one.
    pub fn to_number(&self) -> Option<f64> {
        match self {
            Self::Int(number) => Some(*number as f64),
            Self::Number(number) => Some(*number),
            Self::Text(text) => text
                .trim()
                .parse()
                .ok()
                .filter(|number: &f64| number.is_finite()),
            _ => None,
        }
    }

    /// Appends the value in the given encoding.
    pub fn write(&self, encoding: Encoding, out: &mut Vec<u8>) {
        match encoding {
            Encoding::Raw => self.write_plain(out),
            Encoding::Uri => match self.as_special_text() {
                Some(text) => write_uri(text, out),
                None => self.write_plain(out),
            },
            Encoding::JsonText => match self.as_special_text() {
                Some(text) => write_json_text(text, out),
                None => self.write_plain(out),
            },
            Encoding::JsonValue => self.write_json(out),
        }
    }

    /// Text that may hold characters with a meaning to its surroundings; numbers and UUIDs never do.
    fn as_special_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Json(text) => Some(text),
            _ => None,
        }
    }

    fn write_plain(&self, out: &mut Vec<u8>) {
        // Writing to a vector cannot fail.
        let _ = match self {
            Self::Unset => Ok(()),
            Self::Text(text) => out.write_all(text.as_bytes()),
            Self::Json(text) => out.write_all(text.as_bytes()),
            Self::Uuid(uuid) => out.write_all(
                uuid.as_hyphenated()
                    .encode_lower(&mut Uuid::encode_buffer())
                    .as_bytes(),
            ),
            Self::Int(number) => write!(out, "{number}"),
            Self::Number(number) => write!(out, "{number}"),
            Self::Bool(truth) => write!(out, "{truth}"),
        };
    }

    fn write_json(&self, out: &mut Vec<u8>) {
        match self {
            Self::Unset => out.extend_from_slice(b"null"),
            // JSON has no word for them.
            Self::Number(number) if !number.is_finite() => out.extend_from_slice(b"null"),
            Self::Int(_) | Self::Number(_) | Self::Bool(_) | Self::Json(_) => self.write_plain(out),
            Self::Uuid(_) => {
                out.push(b'"');
                self.write_plain(out);
                out.push(b'"');
            }
            Self::Text(text) => {
                out.push(b'"');
                write_json_text(text, out);
                out.push(b'"');
            }
        }
    }
}

/// Percent-encodes everything but the unreserved characters of RFC 3986.
fn write_uri(text: &str, out: &mut Vec<u8>) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(byte);
        } else {
            let digit = |nibble: u8| HEX_DIGITS[usize::from(nibble)];
            out.extend_from_slice(&[b'%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
}

/// Escapes what RFC 8259 says must be escaped within a string.
fn write_json_text(text: &str, out: &mut Vec<u8>) {
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0..0x20 => {
                let digit = |nibble: u8| HEX_DIGITS[usize::from(nibble)];
                out.extend_from_slice(&[
                    b'\\',
                    b'u',
                    b'0',
                    b'0',
                    digit(byte >> 4),
                    digit(byte & 15),
                ]);
            }
            _ => out.push(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(scalar: &Scalar<'_>, encoding: Encoding) -> String {
        let mut out = Vec::new();
        scalar.write(encoding, &mut out);
        String::from_utf8(out).expect("encodings keep UTF-8")
    }

    fn uri_decoded(text: &str) -> Vec<u8> {
        let mut bytes = text.bytes();
        let mut decoded = Vec::new();
        while let Some(byte) = bytes.next() {
            let mut digit = || {
                bytes
                    .next()
                    .and_then(|byte| char::from(byte).to_digit(16))
                    .expect("a hex digit") as u8
            };
            decoded.push(if byte == b'%' {
                digit() << 4 | digit()
            } else {
                byte
            });
        }
        decoded
    }

    proptest! {
        /// Any text comes back from each of its encodings.
        #[test]
        fn text_round_trips(text in "\\PC*|[\\x00-\\x7f]*") {
            let scalar = Scalar::text(&text);
            prop_assert_eq!(&written(&scalar, Encoding::Raw), &text);
            let uri = written(&scalar, Encoding::Uri);
            prop_assert!(uri.bytes().all(|byte| byte.is_ascii_graphic() && !b"/?#&=+\"".contains(&byte)));
            prop_assert_eq!(uri_decoded(&uri), text.as_bytes());
            let quoted = format!("\"{}\"", written(&scalar, Encoding::JsonText));
            prop_assert_eq!(&written(&scalar, Encoding::JsonValue), &quoted);
            prop_assert_eq!(serde_json::from_str::<String>(&quoted).expect("valid JSON"), text);
        }

        /// Numbers are bare in JSON and keep their value.
        #[test]
        fn numbers_round_trip(int: i64, number: f64) {
            prop_assert_eq!(written(&Scalar::Int(int), Encoding::JsonValue).parse(), Ok(int));
            let json = written(&Scalar::Number(number), Encoding::JsonValue);
            let back: Option<f64> = serde_json::from_str(&json).expect("valid JSON");
            prop_assert!(back.is_none_or(|back| (back - number).abs() <= number.abs() * 1e-15));
            prop_assert_eq!(back.is_none(), !number.is_finite());
        }
    }

    #[test]
    fn other_values_have_their_form() {
        assert_eq!(written(&Scalar::Unset, Encoding::JsonValue), "null");
        assert_eq!(written(&Scalar::Unset, Encoding::Uri), "");
        assert_eq!(written(&Scalar::Bool(true), Encoding::JsonValue), "true");
        assert_eq!(
            written(&Scalar::Json("[1]".into()), Encoding::JsonValue),
            "[1]"
        );
        assert_eq!(
            written(&Scalar::Json("[1]".into()), Encoding::Uri),
            "%5B1%5D"
        );
        let nil = "00000000-0000-0000-0000-000000000000";
        assert_eq!(written(&Scalar::Uuid(Uuid::nil()), Encoding::JsonText), nil);
        assert_eq!(
            written(&Scalar::Uuid(Uuid::nil()), Encoding::JsonValue),
            format!("\"{nil}\"")
        );
    }
}

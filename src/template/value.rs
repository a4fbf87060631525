//! Values: owned ones that shoppers keep, borrowed ones on their way into a request or a comparison.
//!
//! Must not know: where values come from.

use std::borrow::Cow;
use std::io::Write;

use uuid::Uuid;

use super::{Encoding, Value, is_json_number};

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
    /// Another number, as JSON writes it.
    Number(Cow<'a, str>),
    /// true or false.
    Bool(bool),
    /// A JSON array or object as text.
    Json(Cow<'a, str>),
}

const HEX_DIGITS: &[u8; 16] = b"0123456789ABCDEF";

impl Value {
    /// The value without a copy of it.
    pub fn as_scalar(&self) -> Scalar<'_> {
        match self {
            Self::Unset => Scalar::Unset,
            Self::Text(text) => Scalar::Text(Cow::Borrowed(text)),
            Self::Int(number) => Scalar::Int(*number),
            Self::Number(number) => Scalar::Number(Cow::Borrowed(number)),
            Self::Bool(truth) => Scalar::Bool(*truth),
            Self::Json(text) => Scalar::Json(Cow::Borrowed(text)),
        }
    }

    /// What a text stands for that its author has put into no quotes: true, false or a number where JSON writes these so,
    /// else the text itself.
    pub(crate) fn of_plain(text: &str) -> Self {
        match text {
            "true" => Self::Bool(true),
            "false" => Self::Bool(false),
            number if is_json_number(number) => Scalar::number(number).into_value(),
            other => Self::Text(other.into()),
        }
    }

    /// Bytes of text that it holds.
    pub(crate) fn text_bytes(&self) -> usize {
        match self {
            Self::Text(text) | Self::Number(text) | Self::Json(text) => text.len(),
            Self::Unset | Self::Int(_) | Self::Bool(_) => 0,
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

    /// A number that is written so, which is as JSON writes them.
    pub(crate) fn number(text: &'a str) -> Self {
        match text.parse::<i64>() {
            // The only whole number with two spellings.
            Ok(number) if text != "-0" => Self::Int(number),
            _ => Self::Number(Cow::Borrowed(text)),
        }
    }

    /// The value of a JSON text without space around it; `None` if it holds a string that is none. Numbers keep every digit,
    /// arrays and objects lose the space between their parts.
    pub(crate) fn of_json(text: &'a str) -> Option<Self> {
        Some(match text.as_bytes().first()? {
            b'n' => Self::Unset,
            b't' => Self::Bool(true),
            b'f' => Self::Bool(false),
            b'[' | b'{' => Self::Json(without_space(text)),
            b'"' if text.bytes().any(|byte| byte == b'\\' || byte < b' ') => {
                Self::Text(Cow::Owned(serde_json::from_str(text).ok()?))
            }
            b'"' => Self::text(text.get(1..text.len() - 1)?),
            _ => Self::number(text),
        })
    }

    /// A copy to keep.
    pub fn into_value(self) -> Value {
        match self {
            Self::Unset => Value::Unset,
            Self::Text(text) => Value::Text(text.into_owned().into()),
            Self::Uuid(uuid) => Value::Text(uuid.to_string().into()),
            Self::Int(number) => Value::Int(number),
            Self::Number(number) => Value::Number(number.into_owned().into()),
            Self::Bool(truth) => Value::Bool(truth),
            Self::Json(text) => Value::Json(text.into_owned().into()),
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
            Self::Number(number) => Cow::Borrowed(number),
            Self::Bool(truth) => Cow::Borrowed(if *truth { "true" } else { "false" }),
        }
    }

    /// The value as a number, if it is one or reads like one.
    pub fn to_number(&self) -> Option<f64> {
        match self {
            Self::Int(number) => Some(*number as f64),
            Self::Text(text) | Self::Number(text) => text
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
            Encoding::Quoted => match self.as_special_text() {
                Some(text) => write_quoted(text, out),
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
            Self::Number(number) => out.write_all(number.as_bytes()),
            Self::Bool(truth) => write!(out, "{truth}"),
        };
    }

    fn write_json(&self, out: &mut Vec<u8>) {
        match self {
            Self::Unset => out.extend_from_slice(b"null"),
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

/// A JSON text without the space between its parts.
fn without_space(text: &str) -> Cow<'_, str> {
    let (mut in_string, mut escaped, mut spaces) = (false, false, 0);
    let mut keep = |byte: u8| {
        let is_space = !in_string && matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
        if byte == b'"' && !escaped {
            in_string = !in_string;
        }
        escaped = in_string && byte == b'\\' && !escaped;
        spaces += usize::from(is_space);
        !is_space
    };
    let kept: Vec<u8> = text.bytes().filter(|byte| keep(*byte)).collect();
    match String::from_utf8(kept) {
        Ok(kept) if spaces > 0 => Cow::Owned(kept),
        // Only whole characters are left out, so that nothing else comes here than a text without space.
        _ => Cow::Borrowed(text),
    }
}

/// As browsers write names between quotes (HTML, multipart/form-data).
pub(crate) fn write_quoted(text: &str, out: &mut Vec<u8>) {
    for byte in text.bytes() {
        match byte {
            b'"' => out.extend(b"%22"),
            b'\r' => out.extend(b"%0D"),
            b'\n' => out.extend(b"%0A"),
            other => out.push(other),
        }
    }
}

/// Percent-encodes everything but the unreserved characters of RFC 3986.
pub(super) fn write_uri(text: &str, out: &mut Vec<u8>) {
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

        /// Numbers are bare in JSON and keep their text.
        #[test]
        fn numbers_round_trip(number in "-?(0|[1-9][0-9]{0,24})(\\.[0-9]{1,9})?([eE][+-]?[0-9]{1,3})?") {
            for value in [Scalar::number(&number).into_value(), Value::of_plain(&number)] {
                prop_assert_eq!(&written(&value.as_scalar(), Encoding::JsonValue), &number);
                prop_assert_eq!(&written(&value.as_scalar(), Encoding::Raw), &number);
            }
        }

        /// Space goes and nothing else.
        #[test]
        fn only_space_between_the_parts_goes(texts in prop::collection::vec("[ \"\\\\a\n\u{e9}]{0,5}", 0..4)) {
            let tree = serde_json::json!({ "list": texts, " a b ": [1, { "x": null }] });
            let pretty = serde_json::to_string_pretty(&tree).expect("JSON");
            prop_assert_eq!(without_space(&pretty), tree.to_string());
        }
    }

    #[test]
    fn what_stands_without_quotes_has_the_type_that_json_gives_it() {
        let text = |text: &str| Value::Text(text.into());
        for (plain, value) in [
            ("true", Value::Bool(true)),
            ("True", text("True")),
            ("1234", Value::Int(1234)),
            ("1.10", Value::Number("1.10".into())),
            ("01234", text("01234")),
            ("0x1F", text("0x1F")),
            (
                "12345678901234567890",
                Value::Number("12345678901234567890".into()),
            ),
            ("yes", text("yes")),
        ] {
            assert_eq!(Value::of_plain(plain), value);
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

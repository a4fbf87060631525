//! Values of one word: a text, a number, true or false.

use schemars::JsonSchema;
use serde::Deserialize;

/// A text (in which `${…}` inserts values), a number, true or false.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(from = "ReadScalar")]
pub enum Scalar {
    /// A number, true or false. How it is written stands in the document, and is what counts: a number that was read is no
    /// longer `1.10`, nor an id of 20 digits.
    Plain,
    /// Text.
    Text(String),
}

/// A text (in which `${…}` inserts values), a number, true or false.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "Scalar")]
#[expect(dead_code, reason = "read only to tell text from the others")]
enum ReadScalar {
    /// true or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Another number.
    Number(f64),
    /// Text.
    Text(String),
}

impl From<ReadScalar> for Scalar {
    fn from(read: ReadScalar) -> Self {
        match read {
            ReadScalar::Text(text) => Self::Text(text),
            ReadScalar::Bool(_) | ReadScalar::Int(_) | ReadScalar::Number(_) => Self::Plain,
        }
    }
}

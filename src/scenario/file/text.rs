//! Texts with a format: each carries its pattern and a description that serves as help.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

macro_rules! text {
    ($(#[doc = $about:literal])+ $name:ident, $title:literal, $pattern:literal) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({
                    "type": "string",
                    "title": $title,
                    "description": concat!($($about),+).trim(),
                    "pattern": $pattern,
                })
            }
        }
    };
}

text!(
    /// A number and a unit: `250ms`, `20s`, `1.5h`, `1m30s`. Units: us, ms, s, m (or min), h, d.
    DurationText, "duration",
    r"^\s*([0-9]+(\.[0-9]+)?\s*(us|µs|ms|s|m|min|h|d)\s*)+$"
);
text!(
    /// Journeys over time, above zero: `10/s`, `600/min`, `12/h`, `50/d`.
    RateText, "rate",
    r"^\s*[0-9]+(\.[0-9]+)?\s*/\s*(s|sec|m|min|h|d)\s*$"
);
text!(
    /// A share from `0%` to `100%`, with the percent sign.
    PercentText, "percentage",
    r"^\s*[0-9]+(\.[0-9]+)?\s*%\s*$"
);
text!(
    /// A number of bytes with a unit: `512 B`, `64 KiB`, `16 MiB`, `1 MB`.
    SizeText, "size",
    r"^\s*[0-9]+(\.[0-9]+)?\s*(B|kB|KB|KiB|MB|MiB|GB|GiB)\s*$"
);
text!(
    /// Fewest and most, both included: `1..4`.
    RangeText, "range",
    r"^\s*[0-9]+\s*\.\.\s*[0-9]+\s*$"
);
text!(
    /// A duration such as `2s`, or a range such as `1s..4s`.
    ThinkText, "think time",
    r"^\s*([0-9]+(\.[0-9]+)?\s*(us|µs|ms|s|m|min|h|d)\s*)+(\.\.\s*([0-9]+(\.[0-9]+)?\s*(us|µs|ms|s|m|min|h|d)\s*)+)?$"
);
text!(
    /// Letters, digits, `-`, `_` and `.`; at most 64, beginning with a letter.
    NameText, "name",
    r"^[A-Za-z][A-Za-z0-9_.-]{0,63}$"
);
text!(
    /// Letters, digits and `_`; at most 64, beginning with a letter.
    VariableName, "variable name",
    r"^[A-Za-z][A-Za-z0-9_]{0,63}$"
);
text!(
    /// Letters, digits, `-` and `_`; at most 64, beginning with a letter.
    FieldName, "name without dots",
    r"^[A-Za-z][A-Za-z0-9_-]{0,63}$"
);
text!(
    /// The name of a header, a field, a parameter or a variable; at most 64 characters.
    SecretName, "name of a secret",
    r"^[A-Za-z0-9_.-]{1,64}$"
);
text!(
    /// A JSON pointer: empty for the whole document, or `/` before each key: `/items/0/id`. Or a JSONPath, which begins with `$`:
    /// `$.items[*].id`.
    PointerText, "JSON pointer or JSONPath",
    r"^(\$.*|(/([^~]|~[01])*)?)$"
);
text!(
    /// A path that begins with `/`, or a URL that begins with `http://` or `https://`; `${…}` inserts values.
    UrlText, "path or URL",
    r"^(/|https?://|\$\{)"
);
text!(
    /// A base URL that begins with `http://` or `https://`.
    TargetText, "target",
    r"^https?://\S+$"
);
text!(
    /// Such as `status is 401`, `json /status is pending`, `token exists`, `persona is guest`, `returning`,
    /// `chance 40%`, joined with `and`, `or`, `not` and parentheses.
    ConditionText, "condition",
    r"\S"
);
text!(
    /// FIGURE [of SUBJECT] OPERATOR VALUE [in PHASE | in every DURATION]: `p99 of POST /api/orders < 800 ms in
    /// baseline`, `error share < 1%`, `orders_paid per minute > 120`.
    ThresholdText, "threshold",
    r"\S"
);

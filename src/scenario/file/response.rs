//! What a request does with its response, as people write it.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use super::scalar::Scalar;
use super::text::{DurationText, NameText, PointerText, SizeText};

/// Where to take a value from: a JSON pointer or JSONPath, or a mapping.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ExtractShape {
    /// JSON pointer or JSONPath into the body.
    Pointer(PointerText),
    /// Any source.
    Detail(ExtractDetail),
}

/// Where to take a value from: exactly one of `json`, `header`, `cookie`, `url`, `parameter`, `regex`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(title = "extraction")]
pub struct ExtractDetail {
    /// JSON pointer or JSONPath into the body.
    pub json: Option<PointerText>,
    /// Which of the values that a JSONPath finds; default `first`.
    pub pick: Option<PickShape>,
    /// Name of a response header.
    pub header: Option<String>,
    /// Name of a cookie that the response sets.
    pub cookie: Option<String>,
    /// The URL that answered, after redirects: `whole` or `path`.
    pub url: Option<UrlPartShape>,
    /// A parameter in the query of the URL that answered.
    pub parameter: Option<String>,
    /// Of a redirected request: the answer with this number, 1 for the first; default: the last.
    #[schemars(range(min = 1, max = 51))]
    pub hop: Option<u8>,
    /// Regular expression on the body, or on what the other key takes; the first group is taken.
    pub regex: Option<String>,
    /// If missing, the variable stays unset instead of the step failing; default false.
    pub optional: Option<bool>,
}

/// What of a URL is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UrlPartShape {
    /// All of it.
    Whole,
    /// Its path, without host and query.
    Path,
}

/// Which of several values is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PickShape {
    /// The first.
    First,
    /// The last.
    Last,
    /// Any, by the shopper's random numbers.
    Random,
    /// A list of all, for `for-each` and JSON bodies.
    All,
    /// The same as `all`.
    Each,
    /// How many there are.
    Count,
}

/// One check or a list of checks.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ChecksShape {
    /// One.
    One(Box<CheckShape>),
    /// Several.
    Many(#[schemars(length(min = 1))] Vec<CheckShape>),
}

/// What a response must satisfy; several keys must all hold.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[schemars(title = "check")]
pub struct CheckShape {
    /// Called so in reports.
    #[schemars(length(min = 1, max = 100))]
    pub name: Option<String>,
    /// Status: `201`, a class such as `2xx`, or a list of them.
    pub status: Option<StatusShape>,
    /// JSON pointers or JSONPaths and what their values must be: a value, `exists`, `missing`, `> 5`, `{ contains: x }`,
    /// `{ one-of: [a, b] }`; of what a JSONPath finds also `{ count: 3 }`, `{ any: x }`, `{ every: "> 0" }`.
    #[schemars(extend("minProperties" = 1))]
    pub json: Option<IndexMap<PointerText, ComparisonShape>>,
    /// Headers and what their values must be.
    #[schemars(extend("minProperties" = 1))]
    pub header: Option<IndexMap<String, ComparisonShape>>,
    /// What the URL that answered must be, after redirects.
    pub url: Option<ComparisonShape>,
    /// How many redirects were followed.
    pub redirects: Option<ComparisonShape>,
    /// Of a redirected request: `status`, `header` and `url` are those of the answer with this number, 1 for the first.
    #[schemars(range(min = 1, max = 51))]
    pub hop: Option<u8>,
    /// The body contains this text.
    #[schemars(length(min = 1))]
    pub contains: Option<String>,
    /// The body is at most so large.
    pub body_max: Option<SizeText>,
    /// The response comes within this time after the request was sent.
    pub within: Option<DurationText>,
}

/// One status or several.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum StatusShape {
    /// One.
    One(StatusOne),
    /// Any of these.
    Many(#[schemars(length(min = 1))] Vec<StatusOne>),
}

/// A status such as `201`, or a class such as `2xx`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum StatusOne {
    /// A code from 100 to 599.
    Code(#[schemars(range(min = 100, max = 599))] u16),
    /// `1xx` … `5xx`.
    Class(
        #[schemars(regex(pattern = r"^[1-5]xx$"), extend("title" = "status class", "description" = "1xx, 2xx, 3xx, 4xx or 5xx."))]
         String,
    ),
}

/// What a value must be.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ComparisonShape {
    /// Equal to this; or `exists`, `missing`, `> 5`, `>= 5`, `< 5`, `<= 5`.
    Value(Scalar),
    /// A comparison that a word cannot express.
    Detail(ComparisonDetail),
}

/// A comparison: exactly one of `is`, `is-not`, `contains`, `one-of`, and with a JSONPath `count`, `any`, `every`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[schemars(title = "comparison")]
pub struct ComparisonDetail {
    /// Equal, taken literally.
    pub is: Option<Scalar>,
    /// Unequal, or missing.
    pub is_not: Option<Scalar>,
    /// A text that contains this.
    pub contains: Option<String>,
    /// One of these.
    #[schemars(length(min = 1))]
    pub one_of: Option<Vec<Scalar>>,
    /// How many values a JSONPath finds.
    pub count: Option<Box<ComparisonShape>>,
    /// What at least one of the values that a JSONPath finds must be.
    pub any: Option<Box<ComparisonShape>>,
    /// What each of the values that a JSONPath finds must be; there must be one.
    pub every: Option<Box<ComparisonShape>>,
}

impl ComparisonDetail {
    /// Whether it asks something of several values.
    pub fn is_of_several(&self) -> bool {
        self.count.is_some() || self.any.is_some() || self.every.is_some()
    }
}

/// A foreseen answer that is no error.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "outcome")]
pub struct OutcomeShape {
    /// Counted under this name.
    pub name: NameText,
    /// Status: `402`, a class such as `4xx`, or a list of them.
    pub status: Option<StatusShape>,
    /// JSON pointers or JSONPaths and what their values must be.
    #[schemars(extend("minProperties" = 1))]
    pub json: Option<IndexMap<PointerText, ComparisonShape>>,
    /// Whether the shopper leaves (the default) or goes on.
    pub then: Option<OutcomeThen>,
}

/// What a shopper does after a foreseen answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OutcomeThen {
    /// Leave the shop.
    Leave,
    /// Go on with the next step.
    GoOn,
}

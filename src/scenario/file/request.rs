//! One request as people write it; what it does with its response stands in `response.rs`.

use checked_yaml::Place;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use super::AuthShape;
use super::response::{ChecksShape, ExtractShape, OutcomeShape};
use super::scalar::Scalar;
use super::text::{DurationText, NameText, PercentText, UrlText, VariableName};

/// One HTTP exchange; its method is the key that holds the path.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[schemars(
    title = "request",
    extend("x-leading-keys" = ["get", "post", "put", "patch", "delete", "head", "options"])
)]
pub struct RequestShape {
    /// Path (or URL) of a GET.
    pub get: Option<UrlText>,
    /// Path (or URL) of a POST.
    pub post: Option<UrlText>,
    /// Path (or URL) of a PUT.
    pub put: Option<UrlText>,
    /// Path (or URL) of a PATCH.
    pub patch: Option<UrlText>,
    /// Path (or URL) of a DELETE.
    pub delete: Option<UrlText>,
    /// Path (or URL) of a HEAD.
    pub head: Option<UrlText>,
    /// Path (or URL) of an OPTIONS.
    pub options: Option<UrlText>,
    /// Name under which it is measured; default: method and path, values shown as `{…}`.
    #[schemars(length(min = 1, max = 200))]
    pub name: Option<String>,
    /// The service that answers, for reports; default: from the path.
    pub service: Option<NameText>,
    /// Free labels for thresholds (`of tag …`).
    pub tags: Option<Vec<NameText>>,
    /// Headers of this request: a value, or a list of values, each of which is sent in a line of its own.
    pub headers: Option<IndexMap<String, HeaderShape>>,
    /// Who the shopper is to whom this request goes to; it goes before that of `http`.
    pub auth: Option<AuthShape>,
    /// Body as JSON; a text that is one `${…}` keeps the value's type.
    pub json: Option<serde_json::Value>,
    /// Body as form fields.
    pub form: Option<IndexMap<String, Scalar>>,
    /// Body of several parts, as a form with files sends it: names and texts, or `{ file: cat.png }`.
    #[schemars(extend("minProperties" = 1))]
    pub multipart: Option<IndexMap<String, PartShape>>,
    /// Body as text; needs `content-type`. `@file` sends what is in a file, as it is; a text that begins with `@` itself is
    /// written `@@…`.
    pub body: Option<String>,
    /// Content type of `body`.
    pub content_type: Option<String>,
    /// Redirects of this request: `follow`, `none`, or how many at most; default: as `http` says.
    pub redirects: Option<RedirectsShape>,
    /// Longest wait for the response; default: that of `http`.
    pub timeout: Option<DurationText>,
    /// Values to remember from the response.
    pub extract: Option<IndexMap<VariableName, ExtractShape>>,
    /// What the response must satisfy; default: a status below 400.
    pub check: Option<ChecksShape>,
    /// Foreseen answers that are no errors.
    pub outcomes: Option<Vec<OutcomeShape>>,
    /// Business counter (or several) that a successful response adds to.
    pub count: Option<CountShape>,
    /// What the response promises, kept for the audit: `kind`, and fields by JSON pointer (`/id`) or template.
    #[schemars(extend("minProperties" = 2))]
    pub promise: Option<IndexMap<VariableName, Scalar>>,
    /// After an error the shopper leaves (`leave`, the default) or goes on (`go-on`).
    pub on_error: Option<OnError>,
    /// Share of shoppers who leave after this step.
    pub leave: Option<PercentText>,
}

impl RequestShape {
    /// The keys that hold a path, one for each method.
    pub const METHODS: [&'static str; 7] =
        ["get", "post", "put", "patch", "delete", "head", "options"];

    /// Every method key that is present, with its path.
    pub fn methods(&self) -> impl Iterator<Item = (&'static str, &UrlText)> {
        let all = [
            &self.get,
            &self.post,
            &self.put,
            &self.patch,
            &self.delete,
            &self.head,
            &self.options,
        ];
        Self::METHODS
            .into_iter()
            .zip(all)
            .filter_map(|(key, path)| Some((key, path.as_ref()?)))
    }
}

/// What becomes of redirects.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum RedirectsShape {
    /// All or none.
    Word(RedirectsWord),
    /// So many; one more is an error.
    AtMost(#[schemars(range(min = 0, max = 50))] u8),
}

/// What becomes of redirects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RedirectsWord {
    /// They are followed, as many as `http` allows.
    Follow,
    /// They are answers like others.
    None,
}

/// A part of a `multipart` body, or several of one name.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum PartShape {
    /// Several.
    Many(#[schemars(length(min = 1, max = 100))] Vec<PartOne>),
    /// One; after the other, for a mapping can be read from a list, too.
    One(PartOne),
}

/// A part: a text, or a mapping.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum PartOne {
    /// A field.
    Text(Scalar),
    /// A file, or a field with a type.
    Detail(Box<PartDetail>),
}

/// A part of a body: exactly one of `file`, `text`, `json`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[schemars(title = "part of a body")]
pub struct PartDetail {
    /// A file, relative to the scenario file; it is sent as it is.
    pub file: Option<String>,
    /// A text, in which `${…}` inserts values.
    pub text: Option<Scalar>,
    /// JSON, as in a `json` body.
    pub json: Option<serde_json::Value>,
    /// Called so to the target; default: the file's own name.
    pub filename: Option<String>,
    /// Default: by how the file's name ends; of a text none.
    pub content_type: Option<String>,
}

/// A header's value, or several.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum HeaderShape {
    /// One.
    One(Scalar),
    /// Several, each in a line of its own.
    Many(#[schemars(length(min = 1, max = 100))] Vec<Scalar>),
}

impl HeaderShape {
    /// All values with their places; `place` is that of the header.
    pub fn values(&self, place: &Place) -> Vec<(&Scalar, Place)> {
        match self {
            Self::One(value) => vec![(value, place.clone())],
            Self::Many(values) => values
                .iter()
                .enumerate()
                .map(|(index, value)| (value, place.index(index)))
                .collect(),
        }
    }
}

/// What a shopper does after an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnError {
    /// Leave the shop.
    Leave,
    /// Go on with the next step.
    GoOn,
    /// The same as `go-on`.
    Continue,
}

/// One business counter or several.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum CountShape {
    /// One.
    One(VariableName),
    /// Several.
    Many(#[schemars(length(min = 1))] Vec<VariableName>),
}

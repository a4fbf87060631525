//! Journeys and steps: what is sent, remembered, checked and promised. Must not know how it is carried out.

use std::time::Duration;

use bytes::Bytes;

use super::ids::{CounterId, StepNameId};
use super::test::{Check, Test};
use crate::journey::Program;
use crate::json_path::JsonPath;
use crate::template::{Slot, Template};

/// A measured name and the labels that thresholds and reports group by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepName {
    /// The route, for example `GET /api/products/{id}`.
    pub name: String,
    /// The service that answers, for example `orders`; empty when unknown.
    pub service: String,
    /// Free labels.
    pub tags: Vec<String>,
}

/// An ordered walk of one shopper.
#[derive(Debug, Clone)]
pub struct Journey {
    /// Its name.
    pub name: String,
    /// What the shopper does, compiled.
    pub program: Program,
    /// Steps of the funnel in the order of the file, for drop-off reports.
    pub funnel: Vec<StepNameId>,
}

/// What a step does. One line for each kind; [`crate::protocol`] says how each is carried out.
#[derive(Debug, Clone)]
pub enum StepKind {
    /// One HTTP exchange.
    Http(HttpRequest),
}

/// What is sent in one HTTP exchange.
#[derive(Debug, Clone)]
pub struct HttpRequest {
    /// Upper-case HTTP method.
    pub method: http::Method,
    /// Path and query (or absolute URL), percent-encoded where values are inserted.
    pub url: Template,
    /// Lower-case names and values of this step's own headers.
    pub headers: Vec<(String, Template)>,
    /// The request body, if any, and its content type.
    pub body: Option<Body>,
    /// What becomes of redirects, if not what [`super::Http::redirects_max`] says.
    pub redirects: Option<Redirects>,
}

/// What becomes of redirects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Redirects {
    /// They are followed, as many as the scenario allows.
    Follow,
    /// So many are followed.
    AtMost(u8),
}

/// One exchange with the system under test.
#[derive(Debug, Clone)]
pub struct Step {
    /// Under which name it is measured.
    pub figure: StepNameId,
    /// What is sent.
    pub kind: StepKind,
    /// Overrides [`super::Http::timeout`].
    pub timeout: Option<Duration>,
    /// What is remembered from the response.
    pub extract: Vec<Extract>,
    /// What a response must satisfy. Without a status check, any status below 400 will do.
    pub checks: Vec<Check>,
    /// Answers that are part of business and not errors (a declined card, an empty shelf).
    pub outcomes: Vec<Outcome>,
    /// Business counters that a successful response adds to.
    pub counts: Vec<CounterId>,
    /// What the response promises, for `orders.jsonl`.
    pub promise: Option<Promise>,
    /// Whether the journey goes on after an error of this step.
    pub go_on_after_error: bool,
}

/// A request body.
#[derive(Debug, Clone)]
pub struct Body {
    /// The `content-type` header.
    pub content_type: String,
    /// The bytes, in order.
    pub pieces: Vec<Piece>,
}

/// A piece of a body.
#[derive(Debug, Clone)]
pub enum Piece {
    /// Text with values in it.
    Text(Template),
    /// What was in a file.
    Bytes(Bytes),
}

impl Body {
    /// One text.
    pub fn text(content_type: &str, template: Template) -> Self {
        Self {
            content_type: content_type.to_owned(),
            pieces: vec![Piece::Text(template)],
        }
    }
}

/// Where to take a value from.
#[derive(Debug, Clone)]
pub enum From {
    /// JSON pointer (RFC 6901) into the body.
    Json(String),
    /// What a JSONPath finds in the body.
    Path(JsonPath, Pick),
    /// A response header, lower case.
    Header(String),
    /// A cookie set by the response.
    Cookie(String),
    /// First capture group in the body.
    Regex(regex::bytes::Regex),
    /// The URL that answered.
    Url(UrlPart),
    /// A parameter in the query of the URL that answered.
    Parameter(String),
    /// First capture group in another value.
    Within(Box<From>, regex::bytes::Regex),
    /// The same of the answer with this number, 1 for the first, to a request that was redirected.
    Hop(u8, Box<From>),
}

/// What of a URL is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UrlPart {
    /// All of it.
    Whole,
    /// Its path.
    Path,
}

/// What is kept of several values that were found. Nulls count only among all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pick {
    /// The first.
    First,
    /// The last.
    Last,
    /// Any, by the shopper's random numbers.
    Random,
    /// A JSON array of all.
    All,
    /// How many there are.
    Count,
}

/// A value remembered from a response.
#[derive(Debug, Clone)]
pub struct Extract {
    /// Where it is kept.
    pub slot: Slot,
    /// Where it comes from.
    pub from: From,
    /// If missing: an error named `extract:<variable>` (`false`), or the variable is left unset (`true`).
    pub optional: bool,
}

/// A foreseen answer that is neither success nor error.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// `card_declined`, `out_of_stock`, …: counted under this name.
    pub name: String,
    /// All must hold.
    pub tests: Vec<Test>,
    /// Whether the shopper leaves.
    pub leave: bool,
}

/// What a response promises to the client; written to `orders.jsonl` and checked by the audit.
#[derive(Debug, Clone)]
pub struct Promise {
    /// `order`, `user`, `cart`, `payment`, …
    pub kind: String,
    /// Pointer to the promised thing's id in the response, or a variable's value.
    pub fields: Vec<(String, PromiseField)>,
}

/// One field of a promise.
#[derive(Debug, Clone)]
pub enum PromiseField {
    /// JSON pointer into the response.
    Json(String),
    /// What a JSONPath finds first in the response.
    Path(JsonPath),
    /// A value of the shopper.
    Value(Template),
}

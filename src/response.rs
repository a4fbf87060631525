//! What came back: tests on it, values out of it, and whether a step succeeded.
//!
//! PURE. Must not know: how the bytes arrived, who counts errors.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_TYPE, HeaderValue, SET_COOKIE};
use http::uri::PathAndQuery;
use url::Url;

use crate::json_path::{Found, JsonPath, Tree};
use crate::latin1;
use crate::scenario::{
    Check, Extract, From, Literal, Outcome, PromiseField, Step, StepId, Test, UrlPart,
};
use crate::shopper::{ScenarioData, Shopper};
use crate::template::{Part, Scalar, Value};
use crate::transport::{Origin, VALUE_TOO_LARGE};

mod comparison;
mod found;
mod pointer;
mod why;

pub use pointer::find as find_json;
pub use why::Why;

/// The lowest status that is an error where nothing else was said.
const STATUS_ERROR_MIN: u16 = 400;

/// A complete response to a step.
#[derive(Clone)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// All headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
    /// From sending the request to the last byte.
    pub service_time: Duration,
    /// The step and the index of the outcome it ended in, if it did. Set by [`Step::conclude`].
    pub outcome: Option<(StepId, usize)>,
    /// Where it came from, if that is known.
    place: Option<Place>,
    /// The answers that pointed elsewhere before it, in order.
    hops: Vec<Hop>,
    /// The body as a tree, once a JSONPath has asked for it.
    tree: OnceLock<Option<Arc<Tree>>>,
}

/// Where an answer came from.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) origin: Arc<Origin>,
    pub(crate) path: PathAndQuery,
}

impl Place {
    fn url(&self) -> Option<Url> {
        self.origin.url(&self.path)
    }
}

/// An answer that pointed elsewhere.
#[derive(Clone)]
pub(crate) struct Hop {
    /// HTTP status.
    pub(crate) status: u16,
    /// All headers.
    pub(crate) headers: HeaderMap,
    /// Where it came from.
    pub(crate) place: Place,
}

/// How a step with a complete response ended.
#[derive(Debug, Clone)]
pub enum Ending<'s> {
    /// All checks passed and everything asked for was found.
    Passed,
    /// In a foreseen answer: neither success nor error.
    Outcome(&'s Outcome),
    /// In the error of this name: that of the first failed check, or `extract:<variable>`.
    Failed(Cow<'s, str>),
    /// With a status that was not asked for, by the check without a name of its own.
    WrongStatus,
}

impl Response {
    /// A response that has been read; no outcome yet.
    pub fn new(status: u16, headers: HeaderMap, body: Bytes, service_time: Duration) -> Self {
        Self {
            status,
            headers,
            body,
            service_time,
            outcome: None,
            place: None,
            hops: Vec::new(),
            tree: OnceLock::new(),
        }
    }

    /// The same from that place, after those answers.
    pub(crate) fn after(self, place: Option<Place>, hops: Vec<Hop>) -> Self {
        Self {
            place,
            hops,
            ..self
        }
    }

    /// The answer with this number on the way, 1 for the first; the last one is the response itself, without its body.
    fn hop(&self, number: u8) -> Option<Self> {
        let index = usize::from(number).checked_sub(1)?;
        let (status, headers, place) = match self.hops.get(index) {
            Some(hop) => (hop.status, &hop.headers, Some(&hop.place)),
            None if index == self.hops.len() => (self.status, &self.headers, self.place.as_ref()),
            None => return None,
        };
        let hop = Self::new(status, headers.clone(), Bytes::new(), self.service_time);
        Some(hop.after(place.cloned(), Vec::new()))
    }

    /// The URL that answered; unset if it is not known.
    fn url(&self, part: UrlPart) -> Scalar<'_> {
        let url = self.place.as_ref().and_then(Place::url);
        url.map_or(Scalar::Unset, |url| {
            Scalar::Text(match part {
                UrlPart::Whole => url.to_string().into(),
                UrlPart::Path => url.path().to_owned().into(),
            })
        })
    }

    /// A parameter in the query of the URL that answered.
    fn parameter(&self, name: &str) -> Scalar<'_> {
        let url = self.place.as_ref().and_then(Place::url);
        let value = url.and_then(|url| {
            let mut pairs = url.query_pairs();
            pairs.find_map(|(key, value)| (key == name).then(|| value.into_owned()))
        });
        value.map_or(Scalar::Unset, |value| Scalar::Text(value.into()))
    }

    /// The value at a JSON pointer; unset if there is none, if it is null, or if the body is no JSON up to there.
    pub fn json(&self, pointer: &str) -> Scalar<'_> {
        pointer::find(&self.body, pointer).unwrap_or(Scalar::Unset)
    }

    /// What a JSONPath leads to; `None` if the body is no JSON.
    fn find(&self, path: &JsonPath) -> Option<Found<'_>> {
        let tree = self.tree.get_or_init(|| Tree::of(&self.body).map(Arc::new));
        tree.as_ref().map(|tree| tree.find(path))
    }

    /// Whether it is a page, and not data of one.
    pub(crate) fn is_page(&self) -> bool {
        let kind = self.headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
        kind.is_some_and(|kind| kind.starts_with(b"text/html"))
    }

    /// The first header of this (lower-case) name as text; unset if there is none.
    pub fn header(&self, name: &str) -> Scalar<'_> {
        match self.headers.get(name) {
            Some(value) => Scalar::Text(text_of(value)),
            None => Scalar::Unset,
        }
    }

    /// The value of a cookie that this response sets, the last one of several; unset if it sets none.
    pub fn cookie(&self, name: &str) -> Scalar<'_> {
        let set = self.headers.get_all(SET_COOKIE).iter().map(text_of);
        let value = |cookie: Cow<'_, str>| {
            let (key, value) = cookie.split(';').next()?.split_once('=')?;
            (key.trim() == name).then(|| value.trim().trim_matches('"').to_owned())
        };
        match set.filter_map(value).next_back() {
            Some(value) => Scalar::Text(value.into()),
            None => Scalar::Unset,
        }
    }

    /// A stretch of the body as its reader sees it: of a page or other markup, without character references such as `&amp;`.
    fn read_text<'b>(&self, stretch: &'b [u8]) -> Cow<'b, str> {
        match String::from_utf8_lossy(stretch) {
            text if !self.is_markup() => text,
            Cow::Borrowed(text) => html_escape::decode_html_entities(text),
            Cow::Owned(text) => html_escape::decode_html_entities(&text).into_owned().into(),
        }
    }

    /// Whether the body is HTML or XML.
    fn is_markup(&self) -> bool {
        let kind = self.headers.get(CONTENT_TYPE).map(text_of);
        let kind = kind.unwrap_or_default().to_ascii_lowercase();
        let kind = kind.split(';').next().unwrap_or_default();
        kind.contains("html") || kind.contains("xml")
    }

    /// The body in UTF-8, if its type says that it is written in another way.
    fn text(&self) -> Cow<'_, [u8]> {
        let kind = self.headers.get(CONTENT_TYPE).map(text_of);
        match kind.is_some_and(|kind| latin1::is_charset_of(&kind)) {
            true => Cow::Owned(latin1::decoded(&self.body).into_bytes()),
            false => Cow::Borrowed(&self.body),
        }
    }

    fn contains(&self, text: &str) -> bool {
        let body = self.text();
        match std::str::from_utf8(&body) {
            Ok(body) => body.contains(text),
            Err(_) => {
                text.is_empty()
                    || body
                        .windows(text.len())
                        .any(|window| window == text.as_bytes())
            }
        }
    }
}

/// The text of a header: UTF-8, or else Latin-1, in which every byte is a character.
fn text_of(value: &HeaderValue) -> Cow<'_, str> {
    let bytes = value.as_bytes();
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}

/// Without headers and body: they hold tokens and cookies.
impl fmt::Debug for Response {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = formatter.debug_struct("Response");
        fields
            .field("status", &self.status)
            .field("body_bytes", &self.body.len());
        fields
            .field("service_time", &self.service_time)
            .field("outcome", &self.outcome)
            .finish()
    }
}

impl Test {
    /// Whether the response passes, by what this shopper knows.
    pub fn passes(&self, world: &ScenarioData, shopper: &mut Shopper, response: &Response) -> bool {
        match self {
            Self::Status(ranges) => ranges
                .iter()
                .any(|(from, to)| (*from..=*to).contains(&response.status)),
            Self::Json {
                pointer,
                comparison,
            } => {
                let comparison = comparison.resolved(world, shopper);
                comparison.holds(&response.json(pointer))
            }
            Self::Path(test) => {
                let comparison = test.comparison.resolved(world, shopper);
                let found = response.find(&test.path);
                found::holds(found.as_ref(), test.of, &comparison)
            }
            Self::Header { name, comparison } => {
                let comparison = comparison.resolved(world, shopper);
                comparison.holds(&response.header(name))
            }
            Self::Url(comparison) => {
                let comparison = comparison.resolved(world, shopper);
                comparison.holds(&response.url(UrlPart::Whole))
            }
            Self::Redirects(comparison) => {
                let comparison = comparison.resolved(world, shopper);
                comparison.holds(&Scalar::Int(response.hops.len() as i64))
            }
            Self::Hop(number, test) => {
                let hop = response.hop(*number);
                hop.is_some_and(|hop| test.passes(world, shopper, &hop))
            }
            Self::Contains(Literal::Text(text)) => response.contains(text),
            Self::Contains(literal) => {
                let literal = literal.resolved(world, shopper);
                let text = literal.to_text();
                text.is_some_and(|text| response.contains(&text))
            }
            Self::BytesMax(bytes_max) => response.body.len() as u64 <= *bytes_max,
            Self::Within(limit) => response.service_time <= *limit,
        }
    }
}

impl Extract {
    /// The value, if the response has it, and it is not too large, which the shopper notes. A random one is drawn from the
    /// shopper's numbers.
    pub fn take(&self, shopper: &mut Shopper, response: &Response) -> Option<Value> {
        self.from.take(shopper, response)
    }
}

impl From {
    fn take(&self, shopper: &mut Shopper, response: &Response) -> Option<Value> {
        let scalar = match self {
            From::Hop(number, from) => return from.take(shopper, &response.hop(*number)?),
            From::Within(from, regex) => {
                let value = from.take(shopper, response)?;
                let text = value.as_scalar().to_text().into_owned();
                let captures = regex.captures(text.as_bytes())?;
                let capture = captures.get(1).or_else(|| captures.get(0))?;
                Scalar::Text(
                    String::from_utf8_lossy(capture.as_bytes())
                        .into_owned()
                        .into(),
                )
            }
            From::Url(part) => response.url(*part),
            From::Parameter(name) => response.parameter(name),
            From::Json(pointer) => response.json(pointer),
            From::Path(path, pick) => {
                let found = response.find(path)?;
                let picked = found::picked(&found, *pick, |below| shopper.data().below(below));
                picked.or_else(|| {
                    shopper.note_too_large();
                    None
                })?
            }
            From::Header(name) => response.header(name),
            From::Cookie(name) => response.cookie(name),
            From::Regex(regex) => {
                let body = response.text();
                let captures = regex.captures(&body)?;
                let capture = captures.get(1).or_else(|| captures.get(0))?;
                let text = response.read_text(capture.as_bytes()).into_owned();
                Scalar::Text(text.into())
            }
        };
        Some(scalar.into_value()).filter(Value::is_set)
    }
}

impl Step {
    /// Judges the response and lets the shopper remember what the step extracts.
    ///
    /// Foreseen outcomes come first: they are answers of their own, so checks do not apply and missing values are no
    /// error. Otherwise the first failed check names the error, and then the first missing value. A value that is too large to
    /// be kept is an error in any case.
    pub fn conclude(
        &self,
        id: StepId,
        world: &ScenarioData,
        shopper: &mut Shopper,
        response: &mut Response,
    ) -> Ending<'_> {
        let ending = self.ending(id, world, shopper, response);
        match shopper.take_too_large() {
            true => Ending::Failed(VALUE_TOO_LARGE.into()),
            false => ending,
        }
    }

    fn ending(
        &self,
        id: StepId,
        world: &ScenarioData,
        shopper: &mut Shopper,
        response: &mut Response,
    ) -> Ending<'_> {
        let foreseen = |outcome: &Outcome| {
            let mut tests = outcome.tests.iter();
            tests.all(|test| test.passes(world, shopper, response))
        };
        if let Some(index) = self.outcomes.iter().position(foreseen) {
            response.outcome = Some((id, index));
            for extract in &self.extract {
                if let Some(value) = extract.take(shopper, response) {
                    shopper.set_variable(extract.slot, value);
                }
            }
            return Ending::Outcome(&self.outcomes[index]);
        }
        match self.first_failed_check(world, shopper, response) {
            Some(check) if check.is_nameless_status() => Ending::WrongStatus,
            Some(check) => Ending::Failed(check.name.as_str().into()),
            None if self.is_refused(response) => Ending::WrongStatus,
            None => self.remember(world, shopper, response),
        }
    }

    /// Whether the status is an error's, and no check says anything about statuses.
    fn is_refused(&self, response: &Response) -> bool {
        let about_status = |check: &Check| matches!(check.test, Test::Status(_));
        response.status >= STATUS_ERROR_MIN && !self.checks.iter().any(about_status)
    }

    /// The first check that the response does not pass; none if its status alone says that it is an error.
    fn first_failed_check(
        &self,
        world: &ScenarioData,
        shopper: &mut Shopper,
        response: &Response,
    ) -> Option<&Check> {
        if self.is_refused(response) {
            return None;
        }
        self.checks
            .iter()
            .find(|check| !check.test.passes(world, shopper, response))
    }

    fn remember(
        &self,
        world: &ScenarioData,
        shopper: &mut Shopper,
        response: &Response,
    ) -> Ending<'_> {
        for extract in &self.extract {
            let value = extract.take(shopper, response);
            if value.is_none() && !extract.optional {
                let name = world.scenario().variables.get(usize::from(extract.slot.0));
                return Ending::Failed(
                    format!("extract:{}", name.map_or("", String::as_str)).into(),
                );
            }
            shopper.set_variable(extract.slot, value.unwrap_or_default());
        }
        Ending::Passed
    }
}

impl PromiseField {
    /// The field's value from the response or from the shopper.
    pub fn value(&self, world: &ScenarioData, shopper: &mut Shopper, response: &Response) -> Value {
        match self {
            Self::Json(pointer) => response.json(pointer).into_value(),
            Self::Path(path) => found::first(response.find(path).as_ref()).into_value(),
            Self::Value(template) => match template.parts.as_slice() {
                // A value by itself keeps its type.
                [Part::Value(expr, _)] => expr.evaluate(world, shopper),
                _ => Value::Text(template.render_text(world, shopper).into()),
            },
        }
    }
}

#[cfg(test)]
mod tests;

//! What was expected of an answer and what came, in words of bounded length.
//!
//! Made only for the examples of errors that are kept. Must not know: what may be shown of it.

use std::borrow::Cow;
use std::time::Duration;

use super::Response;
use super::found::{first, first_that_fails};
use crate::json_path::Found;
use crate::scenario::{
    Comparison, Extract, From, Literal, PathTest, Quantity, Step, Test, UrlPart,
};
use crate::shopper::{ScenarioData, Shopper};
use crate::template::Scalar;

/// Characters shown of a value.
const VALUE_CHARS_MAX: usize = 120;

/// Values shown of a list.
const VALUES_MAX: usize = 8;

/// Why a step failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Why {
    /// The header or field that was looked at, if the check is about one: its name tells whether its value is a secret.
    pub field: Option<String>,
    /// What should have come; a value of the field stands in it.
    pub expected: String,
    /// What came instead.
    pub got: String,
}

impl Step {
    /// Why the response makes the step fail, as [`conclude`](Step::conclude) has found; `None` if it does not, or only because
    /// a value was too large.
    pub fn why(
        &self,
        world: &ScenarioData,
        shopper: &mut Shopper,
        response: &Response,
    ) -> Option<Why> {
        if let Some(check) = self.first_failed_check(world, shopper, response) {
            return Some(check.test.why(world, shopper, response));
        }
        if self.is_refused(response) {
            return Some(Why {
                field: None,
                expected: "a status below 400".to_owned(),
                got: response.status.to_string(),
            });
        }
        let missing = self
            .extract
            .iter()
            .find(|extract| !extract.optional && extract.is_missing(shopper, response))?;
        Some(Why {
            field: None,
            expected: missing.from.wanted(),
            got: match response.hops.len() {
                0 => "nothing".to_owned(),
                // The answer that has it may be one on the way.
                count => format!(
                    "nothing in the last of {} answers; one on the way is asked with `hop: 1`",
                    count + 1
                ),
            },
        })
    }
}

impl Extract {
    /// Whether the response lacks it; nothing is drawn for that. What is too large is there.
    fn is_missing(&self, shopper: &Shopper, response: &Response) -> bool {
        let mut shopper = shopper.clone();
        self.take(&mut shopper, response).is_none() && !shopper.take_too_large()
    }
}

impl From {
    /// In a few words.
    fn wanted(&self) -> String {
        match self {
            From::Json(pointer) => format!("a value at {pointer}"),
            From::Path(path, _) => format!("a value at {}", cut(path.as_str())),
            From::Header(name) => format!("the header {name}"),
            From::Cookie(name) => format!("the cookie {name}"),
            From::Regex(regex) => format!("a body that matches {}", cut(regex.as_str())),
            From::Url(_) => "the URL that answered".to_owned(),
            From::Parameter(name) => format!("the parameter {name} of the URL that answered"),
            From::Within(from, regex) => {
                format!("{} that matches {}", from.wanted(), cut(regex.as_str()))
            }
            From::Hop(number, from) => format!("{} of hop {number}", from.wanted()),
        }
    }
}

impl Test {
    fn why(&self, world: &ScenarioData, shopper: &mut Shopper, response: &Response) -> Why {
        let of = |field: Option<&str>, expected: String, got: String| Why {
            field: field.map(str::to_owned),
            expected,
            got,
        };
        match self {
            Test::Status(ranges) => of(
                None,
                format!("status {}", statuses(ranges)),
                response.status.to_string(),
            ),
            Test::Json {
                pointer,
                comparison,
            } => {
                let comparison = comparison.resolved(world, shopper);
                let key = pointer.rsplit('/').next().filter(|key| !key.is_empty());
                of(key, words(&comparison), value(&response.json(pointer)))
            }
            Test::Path(test) => {
                let comparison = test.comparison.resolved(world, shopper);
                test.why(&comparison, response.find(&test.path).as_ref())
            }
            Test::Header { name, comparison } => {
                let comparison = comparison.resolved(world, shopper);
                of(
                    Some(name),
                    words(&comparison),
                    value(&response.header(name)),
                )
            }
            Test::Url(comparison) => {
                let comparison = comparison.resolved(world, shopper);
                of(
                    None,
                    words(&comparison),
                    value(&response.url(UrlPart::Whole)),
                )
            }
            Test::Redirects(comparison) => {
                let comparison = comparison.resolved(world, shopper);
                let count = response.hops.len();
                of(
                    None,
                    format!("{} as the number of redirects", words(&comparison)),
                    count.to_string(),
                )
            }
            Test::Hop(number, test) => match response.hop(*number) {
                Some(hop) => test.why(world, shopper, &hop),
                None => of(
                    None,
                    format!("hop {number}"),
                    format!("{} answers", response.hops.len() + 1),
                ),
            },
            Test::Contains(text) => of(
                None,
                format!("a body with {}", operand(&text.resolved(world, shopper))),
                format!("{} bytes without it", response.body.len()),
            ),
            Test::BytesMax(max) => of(
                None,
                format!("at most {max} bytes"),
                format!("{} bytes", response.body.len()),
            ),
            Test::Within(limit) => of(
                None,
                format!("at most {}", time(*limit)),
                time(response.service_time),
            ),
        }
    }
}

impl PathTest {
    fn why(&self, comparison: &Comparison, found: Option<&Found<'_>>) -> Why {
        let (hoped, count) = (words(comparison), found.map_or(0, Found::len));
        let (expected, got) = match self.of {
            Quantity::First => (hoped, value(&first(found))),
            Quantity::Count => (
                format!("{hoped} as the number of values"),
                count.to_string(),
            ),
            _ if count == 0 => (hoped, "nothing".to_owned()),
            Quantity::Any => (
                format!("{hoped} for one of the values"),
                format!("{count} others"),
            ),
            Quantity::Every => (
                format!("{hoped} for every value"),
                value(&first_that_fails(found, comparison)),
            ),
        };
        Why {
            field: self.path.field().map(str::to_owned),
            expected,
            got,
        }
    }
}

fn time(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

fn statuses(ranges: &[(u16, u16)]) -> String {
    let one = |(from, to): &(u16, u16)| match (from, to) {
        (from, to) if from == to => from.to_string(),
        (from, to) if from % 100 == 0 && *to == from + 99 => format!("{}xx", from / 100),
        (from, to) => format!("{from} to {to}"),
    };
    listed(ranges.iter().map(one))
}

fn words(comparison: &Comparison) -> String {
    match comparison {
        Comparison::Exists => "a value".to_owned(),
        Comparison::Missing => "nothing".to_owned(),
        Comparison::Is(literal) => operand(literal),
        Comparison::IsNot(literal) => format!("anything but {}", operand(literal)),
        Comparison::Less(literal) => format!("below {}", operand(literal)),
        Comparison::LessOrEqual(literal) => format!("at most {}", operand(literal)),
        Comparison::Greater(literal) => format!("above {}", operand(literal)),
        Comparison::GreaterOrEqual(literal) => format!("at least {}", operand(literal)),
        Comparison::Contains(literal) => format!("a text with {}", operand(literal)),
        Comparison::OneOf(literals) => listed(literals.iter().map(operand)),
    }
}

fn listed(values: impl ExactSizeIterator<Item = String>) -> String {
    let more = values.len().saturating_sub(VALUES_MAX);
    let shown: Vec<String> = values.take(VALUES_MAX).collect();
    match more {
        0 => shown.join(" or "),
        more => format!("{} or one of {more} more", shown.join(" or ")),
    }
}

fn operand(literal: &Literal) -> String {
    match literal {
        Literal::Text(text) => quoted(text),
        Literal::Number(number) => number.to_string(),
        Literal::Bool(truth) => truth.to_string(),
        Literal::Unset | Literal::Value(_) => "a value that is not set".to_owned(),
    }
}

fn value(found: &Scalar<'_>) -> String {
    match found {
        Scalar::Unset => "nothing".to_owned(),
        Scalar::Text(text) => quoted(text),
        other => cut(&other.to_text()).into_owned(),
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", cut(text))
}

fn cut(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(VALUE_CHARS_MAX) {
        Some((at, _)) => Cow::Owned(format!("{}…", &text[..at])),
        None => Cow::Borrowed(text),
    }
}

//! Requests: method, URL, headers, body, and the tables that they fill.

mod auth;
mod body;
mod multipart;
mod url;

use checked_yaml::{Place, Problem};
use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue, Method};
use indexmap::IndexMap;

use super::names::Names;
use super::report::Report;
use super::response;
use super::template::Meaning;
use crate::redact::Redactor;
use crate::scenario::file::{HeaderShape, OnError, RedirectsShape, RedirectsWord, RequestShape};
use crate::scenario::{
    CounterId, HttpRequest, Redirects, Step, StepId, StepKind, StepName, StepNameId,
};
use crate::template::{Encoding, Template};

pub(super) use auth::authorization;
use body::body;
pub(super) use url::base_url;
use url::{default_name, service_of, url};

/// Most requests in a scenario: a step's id is 16 bits wide.
pub(super) const STEPS_MAX: usize = 10_000;
/// Headers that belong to the connection and not to a scenario.
const OWN_HEADERS: [&str; 4] = [
    "content-length",
    "connection",
    "transfer-encoding",
    "upgrade",
];

/// Most counters of one scenario.
const COUNTERS_MAX: usize = 1000;
/// Longest name that is made of a request's path; a longer one can be given.
const NAME_CHARS_MAX: usize = 200;

/// What requests add up to.
#[derive(Default)]
pub(super) struct Tables {
    pub(super) steps: Vec<Step>,
    pub(super) figures: Vec<StepName>,
    /// Counters with the first place that counts.
    pub(super) counters: IndexMap<String, Place>,
    /// For each figure: the request's default name and its place.
    signatures: Vec<(String, Place)>,
}

impl Tables {
    /// A counter and a variable of one name cannot be told apart in messages and thresholds.
    pub(super) fn report_clashes(&self, report: &Report<'_>, names: &Names) {
        if let Some((_, place)) = self.counters.get_index(COUNTERS_MAX) {
            report.add(report.at(place, format!("more than {COUNTERS_MAX} counters")));
        }
        for (name, place) in self.counters.iter() {
            let Some(variable) = names.set_at(name) else {
                continue;
            };
            report.add(
                report
                    .at(place, format!("`{name}` is both a counter and a variable"))
                    .label("counts here")
                    .also(report.document().key_span(variable), "a variable here")
                    .help("give one of them another name"),
            );
        }
    }

    pub(super) fn counter(&mut self, name: &str, place: &Place) -> CounterId {
        let entry = self.counters.entry(name.to_owned());
        let index = entry.index();
        entry.or_insert_with(|| place.clone());
        CounterId(index as u16)
    }

    fn figure(
        &mut self,
        report: &Report<'_>,
        figure: StepName,
        signature: String,
        place: &Place,
    ) -> StepNameId {
        let Some(index) = self
            .figures
            .iter()
            .position(|known| known.name == figure.name)
        else {
            self.figures.push(figure);
            self.signatures.push((signature, place.clone()));
            return StepNameId((self.figures.len() - 1) as u16);
        };
        let (first, first_place) = &self.signatures[index];
        if *first != signature && !url::is_route_of(&self.figures[index].name, &[first, &signature])
        {
            report.add(
                report
                    .at(&place.key("name"), format!("two different requests are called `{}`", figure.name))
                    .label(format!("this is {signature}"))
                    .also(report.document().head_span(first_place), format!("this is {first}"))
                    .help("requests of one name are measured together; give different ones different names"),
            );
        }
        for tag in figure.tags {
            if !self.figures[index].tags.contains(&tag) {
                self.figures[index].tags.push(tag);
            }
        }
        StepNameId(index as u16)
    }
}

/// Compiles one request.
pub(super) fn compile(
    report: &Report<'_>,
    meaning: Meaning<'_>,
    tables: &mut Tables,
    shape: &RequestShape,
    place: &Place,
) -> Option<StepId> {
    let (key, path) = method(report, shape, place)?;
    if tables.steps.len() >= STEPS_MAX {
        report.add(report.at_key(
            place,
            format!("more than {STEPS_MAX} requests in one scenario"),
        ));
        return None;
    }
    let method = Method::from_bytes(key.to_ascii_uppercase().as_bytes()).ok()?;
    if let Some(name) = &shape.name {
        let span = report.document().span(&place.key("name"));
        report.fixed("a request's name", name, span);
    }
    let signature = Redactor::default().name(&default_name(&method, path));
    let figure = StepName {
        name: shape.name.as_ref().map_or_else(
            || signature.chars().take(NAME_CHARS_MAX).collect(),
            |name| Redactor::default().name(name),
        ),
        service: shape
            .service
            .as_ref()
            .map_or_else(|| service_of(path), |name| name.0.clone()),
        tags: shape
            .tags
            .iter()
            .flatten()
            .map(|tag| tag.0.clone())
            .collect(),
    };
    let figure = tables.figure(report, figure, signature, place);
    let url = url(report, meaning, path, &place.key(key)).unwrap_or_default();
    let body = body(report, meaning, shape, place);
    let headers = shape.headers.as_ref();
    let mut headers = headers
        .map(|all| self::headers(report, meaning, all, &place.key("headers")))
        .unwrap_or_default();
    if let Some(auth) = &shape.auth {
        let place = place.key("auth");
        let value = authorization(report, meaning, auth, &place);
        if headers
            .iter()
            .any(|(name, _)| name == AUTHORIZATION.as_str())
        {
            let problem =
                report.at_key(&place, "`auth` and the header `authorization` say the same");
            report.add(problem.label("keep one of them"));
        }
        headers.extend(value.map(|value| (AUTHORIZATION.as_str().to_owned(), value)));
    }
    let step = Step {
        figure,
        kind: StepKind::Http(HttpRequest {
            method,
            url,
            headers,
            body,
            redirects: shape.redirects.map(redirects),
        }),
        timeout: shape
            .timeout
            .as_ref()
            .map(|text| report.positive_duration(text, &place.key("timeout"))),
        extract: response::extractions(report, meaning.names, shape, place),
        checks: response::checks(report, meaning, shape, place),
        outcomes: response::outcomes(report, meaning, shape, place),
        counts: response::counts(tables, shape, place),
        promise: response::promise(report, meaning, shape, place),
        go_on_after_error: matches!(shape.on_error, Some(OnError::GoOn | OnError::Continue)),
    };
    tables.steps.push(step);
    Some(StepId((tables.steps.len() - 1) as u16))
}

fn redirects(shape: RedirectsShape) -> Redirects {
    match shape {
        RedirectsShape::Word(RedirectsWord::Follow) => Redirects::Follow,
        RedirectsShape::Word(RedirectsWord::None) => Redirects::AtMost(0),
        RedirectsShape::AtMost(count) => Redirects::AtMost(count),
    }
}

fn method<'s>(
    report: &Report<'_>,
    shape: &'s RequestShape,
    place: &Place,
) -> Option<(&'static str, &'s str)> {
    let methods: Vec<(&'static str, &str)> = shape
        .methods()
        .map(|(key, path)| (key, path.as_str()))
        .collect();
    match methods.as_slice() {
        [one] => return Some(*one),
        [(first, _), (second, _), ..] => report.add(
            report
                .at_key(
                    &place.key(second),
                    format!("one request with both `{first}` and `{second}`"),
                )
                .label("and this")
                .also(report.document().key_span(&place.key(first)), "this")
                .help("make two steps, or put them side by side under `together`"),
        ),
        [] => report.add(
            report
                .at_key(place, "this request has no method")
                .label("add for example `get: /path`")
                .help(format!("methods: {}", RequestShape::METHODS.join(", "))),
        ),
    }
    None
}

/// Compiles headers: lower-case names, values as templates.
pub(super) fn headers(
    report: &Report<'_>,
    meaning: Meaning<'_>,
    headers: &IndexMap<String, HeaderShape>,
    place: &Place,
) -> Vec<(String, Template)> {
    let mut seen = IndexMap::new();
    let mut compiled = Vec::new();
    for (name, value) in headers {
        let place = place.key(name);
        let lower = name.to_ascii_lowercase();
        if let Some(problem) = header_name_problem(report, name, &lower, &place) {
            report.add(problem);
            continue;
        }
        report.unique("header", &mut seen, &lower, &place);
        for (value, place) in value.values(&place) {
            let text = report.text_of(value, &place);
            if HeaderValue::from_str(&text).is_err() {
                report.add(
                    report
                        .at(
                            &place,
                            format!("the value of `{name}` cannot be sent in a header"),
                        )
                        .label("contains a line break or a control character"),
                );
            }
            if let Some(template) = report.take(&place, meaning.template(&text, Encoding::Raw)) {
                compiled.push((lower.clone(), template));
            }
        }
        if lower == "cookie" && matches!(value, HeaderShape::Many(_)) {
            let problem = report.at_key(&place, "all cookies stand in one line");
            report.add(
                problem
                    .label("a list")
                    .help("join them into one value with `; ` between them"),
            );
        }
    }
    compiled
}

fn header_name_problem(
    report: &Report<'_>,
    name: &str,
    lower: &str,
    place: &Place,
) -> Option<Problem> {
    if HeaderName::from_bytes(lower.as_bytes()).is_err() {
        let problem = report.at_key(place, format!("`{name}` is not a header name"));
        return Some(problem.label("not allowed").help("letters, digits and `-`"));
    }
    if OWN_HEADERS.contains(&lower) {
        let problem = report.at_key(place, format!("`{name}` is set by loadgen itself"));
        return Some(problem.label("cannot be set").help("leave it out"));
    }
    None
}

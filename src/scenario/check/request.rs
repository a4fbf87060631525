//! Requests: method, URL, headers, body, and the tables that they fill.

use checked_yaml::{Place, Problem};
use http::{HeaderName, HeaderValue, Method, Uri};
use indexmap::IndexMap;
use serde_json::Value as Json;

use super::names::Names;
use super::report::Report;
use super::response;
use super::slip::Slip;
use super::template::{Meaning, Parts};
use crate::scenario::file::{OnError, RequestShape, Scalar};
use crate::scenario::{Body, CounterId, FigureId, FigureName, Step, StepId};
use crate::template::{Encoding, Template};

/// Most requests in a scenario: a step's id is 16 bits wide.
pub(super) const STEPS_MAX: usize = 10_000;
/// Headers that belong to the connection and not to a scenario.
const OWN_HEADERS: [&str; 5] = [
    "host",
    "content-length",
    "connection",
    "transfer-encoding",
    "upgrade",
];

/// What requests add up to.
#[derive(Default)]
pub(super) struct Tables {
    pub(super) steps: Vec<Step>,
    pub(super) figures: Vec<FigureName>,
    /// Counters with the first place that counts.
    pub(super) counters: IndexMap<String, Place>,
    /// For each figure: the request's default name and its place.
    signatures: Vec<(String, Place)>,
}

impl Tables {
    /// A counter and a variable of one name cannot be told apart in messages and thresholds.
    pub(super) fn report_clashes(&self, report: &Report<'_>, names: &Names) {
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
        figure: FigureName,
        signature: String,
        place: &Place,
    ) -> FigureId {
        let Some(index) = self
            .figures
            .iter()
            .position(|known| known.name == figure.name)
        else {
            self.figures.push(figure);
            self.signatures.push((signature, place.clone()));
            return FigureId((self.figures.len() - 1) as u16);
        };
        let (first, first_place) = &self.signatures[index];
        if *first != signature {
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
        FigureId(index as u16)
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
    let signature = default_name(&method, path);
    let figure = FigureName {
        name: shape.name.clone().unwrap_or_else(|| signature.clone()),
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
    let body = body(report, meaning, shape, &method, place);
    let headers = shape.headers.as_ref();
    let step = Step {
        figure,
        url,
        headers: headers
            .map(|all| self::headers(report, meaning, all, &place.key("headers")))
            .unwrap_or_default(),
        body,
        timeout: shape
            .timeout
            .as_ref()
            .map(|text| report.positive_duration(text, &place.key("timeout"))),
        extract: response::extractions(report, meaning.names, shape, place),
        checks: response::checks(report, shape, place),
        outcomes: response::outcomes(report, shape, place),
        counts: response::counts(tables, shape, place),
        promise: response::promise(report, meaning, shape, place),
        go_on_after_error: shape.on_error == Some(OnError::GoOn),
        method,
    };
    tables.steps.push(step);
    Some(StepId((tables.steps.len() - 1) as u16))
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

/// Method and path without query, values shown as `{…}`.
pub(super) fn default_name(method: &Method, url: &str) -> String {
    let path = path_of(url);
    let path = path.split(['?', '#']).next().unwrap_or(path);
    format!("{method} {}", path.replace("${", "{"))
}

/// The path of an absolute URL, or the text as it is.
fn path_of(url: &str) -> &str {
    let Some((_, rest)) = url.split_once("://") else {
        return url;
    };
    rest.find('/').map_or("/", |slash| &rest[slash..])
}

/// The shop's services by the second segment of their paths; elsewhere that segment itself.
fn service_of(url: &str) -> String {
    let path = path_of(url);
    let path = path.split(['?', '#']).next().unwrap_or(path);
    let mut segments = path.trim_start_matches('/').split('/');
    match (segments.next(), segments.next()) {
        (Some("api"), Some("products" | "orders")) => "orders".to_owned(),
        (Some("api"), Some(service)) if !service.contains("${") => service.to_owned(),
        _ => String::new(),
    }
}

fn url(report: &Report<'_>, meaning: Meaning<'_>, text: &str, place: &Place) -> Option<Template> {
    let mut parts = Parts::default();
    // A URL that begins with a value is one that the shop has sent (a `location`); it is used as it is.
    let encoding = |first: bool| if first { Encoding::Raw } else { Encoding::Uri };
    report.take(
        place,
        meaning.append(text, &mut parts, encoding, str::to_owned),
    )?;
    if let Err(slip) = check_url(text) {
        report.slip(place, slip);
    }
    Some(parts.finish())
}

/// Checks the constant part of a URL: values become a harmless letter.
fn check_url(text: &str) -> Result<(), Slip> {
    let mut outside = String::new();
    let mut rest = text;
    let mut offset = 0;
    while !rest.is_empty() {
        let (constant, after) = match rest.find("${").map(|at| (at, rest[at..].find('}'))) {
            Some((at, Some(length))) => (&rest[..at], &rest[at + length + 1..]),
            _ => (rest, ""),
        };
        if let Some((at, c)) = constant.char_indices().find(|(_, c)| !is_url_char(*c)) {
            let help = if c == '#' {
                "what follows `#` is never sent; leave it out".to_owned()
            } else {
                format!("write it percent-encoded: {}", percent(c))
            };
            return Err(Slip::new(
                offset + at..offset + at + c.len_utf8(),
                format!("`{c}` cannot stand in a URL"),
            )
            .label("not allowed")
            .help(help));
        }
        outside.push_str(constant);
        if constant.len() < rest.len() {
            outside.push('x');
        }
        offset += rest.len() - after.len();
        rest = after;
    }
    if outside.contains("://") {
        let whole = 0..text.len();
        return base_url(&outside).map_err(|reason| {
            Slip::new(whole, format!("this URL is wrong: {reason}")).label("not a URL")
        });
    }
    Ok(())
}

fn is_url_char(c: char) -> bool {
    c.is_ascii_graphic() && !"\"<>\\^`{|}#".contains(c)
}

fn percent(c: char) -> String {
    let mut bytes = [0; 4];
    c.encode_utf8(&mut bytes)
        .bytes()
        .map(|byte| format!("%{byte:02X}"))
        .collect()
}

/// Checks a URL with scheme and host.
pub(super) fn base_url(text: &str) -> Result<(), String> {
    let uri: Uri = text
        .parse()
        .map_err(|error: http::uri::InvalidUri| error.to_string())?;
    let scheme = uri.scheme_str().unwrap_or_default();
    if !["http", "https"].contains(&scheme) {
        return Err("it begins neither with http:// nor with https://".to_owned());
    }
    if uri.host().is_none_or(str::is_empty) {
        return Err("it names no host".to_owned());
    }
    let authority = uri.authority().map_or("", http::uri::Authority::as_str);
    if authority.contains('@') {
        return Err("it contains a user name; send an `authorization` header instead".to_owned());
    }
    if authority.ends_with(':')
        || (uri.port().is_some() && uri.port_u16().is_none_or(|port| port == 0))
    {
        return Err("its port is not a number from 1 to 65535".to_owned());
    }
    Ok(())
}

/// Compiles headers: lower-case names, values as templates.
pub(super) fn headers(
    report: &Report<'_>,
    meaning: Meaning<'_>,
    headers: &IndexMap<String, Scalar>,
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
        let text = scalar_text(value);
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
            compiled.push((lower, template));
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

/// A scalar as text.
pub(super) fn scalar_text(value: &Scalar) -> String {
    match value {
        Scalar::Bool(value) => value.to_string(),
        Scalar::Int(value) => value.to_string(),
        Scalar::Number(value) => value.to_string(),
        Scalar::Text(text) => text.clone(),
    }
}

fn body(
    report: &Report<'_>,
    meaning: Meaning<'_>,
    shape: &RequestShape,
    method: &Method,
    place: &Place,
) -> Option<Body> {
    let given: Vec<&str> = [
        ("json", shape.json.is_some()),
        ("form", shape.form.is_some()),
        ("body", shape.body.is_some()),
    ]
    .into_iter()
    .filter_map(|(key, present)| present.then_some(key))
    .collect();
    if let [first, second, ..] = given.as_slice() {
        report.add(
            report
                .at_key(
                    &place.key(second),
                    format!("one request with both `{first}` and `{second}`"),
                )
                .label("keep one of them")
                .also(report.document().key_span(&place.key(first)), "and this"),
        );
    }
    if let Some(key) = given.first()
        && [Method::GET, Method::HEAD].contains(method)
    {
        let problem = report.at_key(&place.key(key), format!("a {method} carries no body"));
        report.add(
            problem
                .label("not sent")
                .help("put values into the path's query, or use `post`"),
        );
    }
    if shape.content_type.is_some() && shape.body.is_none() {
        let problem = report.at_key(
            &place.key("content-type"),
            "`content-type` belongs to `body`",
        );
        report.add(
            problem
                .label("no `body` here")
                .help("`json` and `form` bring their own; other headers go under `headers`"),
        );
    }
    if let Some(json) = &shape.json {
        let mut parts = Parts::default();
        json_body(report, meaning, json, &place.key("json"), &mut parts);
        return Some(Body {
            content_type: "application/json".to_owned(),
            template: parts.finish(),
        });
    }
    if let Some(form) = &shape.form {
        let template = form_body(report, meaning, form, &place.key("form"));
        return Some(Body {
            content_type: "application/x-www-form-urlencoded".to_owned(),
            template,
        });
    }
    text_body(report, meaning, shape, place)
}

fn text_body(
    report: &Report<'_>,
    meaning: Meaning<'_>,
    shape: &RequestShape,
    place: &Place,
) -> Option<Body> {
    let text = shape.body.as_ref()?;
    let Some(content_type) = shape.content_type.clone() else {
        let problem = report.at_key(&place.key("body"), "`body` lacks its `content-type`");
        report.add(
            problem
                .label("of which type?")
                .help("add for example `content-type: text/plain`, or use `json`"),
        );
        return None;
    };
    if HeaderValue::from_str(&content_type).is_err() {
        report.add(
            report
                .at(
                    &place.key("content-type"),
                    "this content type cannot be sent in a header",
                )
                .label("contains a control character"),
        );
    }
    let template = report.take(&place.key("body"), meaning.template(text, Encoding::Raw))?;
    Some(Body {
        content_type,
        template,
    })
}

/// Writes JSON with holes: a text that is one hole becomes a value of the hole's type.
fn json_body(
    report: &Report<'_>,
    meaning: Meaning<'_>,
    json: &Json,
    place: &Place,
    parts: &mut Parts,
) {
    match json {
        Json::String(text) => json_text(report, meaning, text, place, parts),
        Json::Array(items) => {
            parts.text("[");
            for (index, item) in items.iter().enumerate() {
                parts.text(if index == 0 { "" } else { "," });
                json_body(report, meaning, item, &place.index(index), parts);
            }
            parts.text("]");
        }
        Json::Object(entries) => {
            parts.text("{");
            for (index, (key, value)) in entries.iter().enumerate() {
                parts.text(if index == 0 { "" } else { "," });
                parts.text(&Json::from(key.as_str()).to_string());
                parts.text(":");
                json_body(report, meaning, value, &place.key(key), parts);
            }
            parts.text("}");
        }
        other => parts.text(&other.to_string()),
    }
}

fn json_text(
    report: &Report<'_>,
    meaning: Meaning<'_>,
    text: &str,
    place: &Place,
    parts: &mut Parts,
) {
    if is_one_hole(text) {
        if let Some(expr) = report.take(place, meaning.value(text)) {
            parts.value(expr, Encoding::JsonValue);
        }
        return;
    }
    parts.text("\"");
    let escape = |text: &str| {
        let quoted = Json::from(text).to_string();
        quoted[1..quoted.len() - 1].to_owned()
    };
    report.take(
        place,
        meaning.append(text, parts, |_| Encoding::JsonText, escape),
    );
    parts.text("\"");
}

fn is_one_hole(text: &str) -> bool {
    text.starts_with("${")
        && text.ends_with('}')
        && text.matches("${").count() == 1
        && text.matches('}').count() == 1
}

fn form_body(
    report: &Report<'_>,
    meaning: Meaning<'_>,
    form: &IndexMap<String, Scalar>,
    place: &Place,
) -> Template {
    let mut parts = Parts::default();
    let escape = |text: &str| text.bytes().map(form_byte).collect::<String>();
    for (index, (key, value)) in form.iter().enumerate() {
        parts.text(if index == 0 { "" } else { "&" });
        parts.text(&escape(key));
        parts.text("=");
        let text = scalar_text(value);
        report.take(
            &place.key(key),
            meaning.append(&text, &mut parts, |_| Encoding::Uri, escape),
        );
    }
    parts.finish()
}

fn form_byte(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
        return char::from(byte).to_string();
    }
    format!("%{byte:02X}")
}

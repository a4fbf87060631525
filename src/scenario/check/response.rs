//! What a request does with its response: extraction, checks, outcomes, counters, promises.

use checked_yaml::Place;
use http::HeaderName;
use indexmap::IndexMap;
use regex::bytes::Regex;

use super::condition::status_range;
use super::names::Names;
use super::report::Report;
use super::request::Tables;
use super::slip::Slip;
use super::template::Meaning;
use super::units;
use crate::scenario::file::{
    CheckShape, ChecksShape, ComparisonShape, CountShape, ExtractDetail, ExtractShape, OutcomeThen,
    PointerText, RequestShape, Scalar, StatusOne, StatusShape,
};
use crate::scenario::{
    Check, Comparison, CounterId, Extract, From, Literal, Outcome, Promise, PromiseField, Test,
};
use crate::template::{Encoding, Value};

/// Compiles `extract`.
pub(super) fn extractions(
    report: &Report<'_>,
    names: &Names,
    shape: &RequestShape,
    place: &Place,
) -> Vec<Extract> {
    let place = place.key("extract");
    let mut compiled = Vec::new();
    for (name, shape) in shape.extract.iter().flatten() {
        let Some(slot) = names.slot(name.as_str()) else {
            continue;
        };
        let place = place.key(name.as_str());
        let (from, optional) = match shape {
            ExtractShape::Pointer(pointer) => {
                let span = report.document().span(&place);
                report.fixed("a JSON pointer", pointer.as_str(), span);
                (Some(From::Json(pointer.0.clone())), false)
            }
            ExtractShape::Detail(detail) => (
                source(report, detail, &place),
                detail.optional.unwrap_or(false),
            ),
        };
        compiled.extend(from.map(|from| Extract {
            slot,
            from,
            optional,
        }));
    }
    compiled
}

fn source(report: &Report<'_>, detail: &ExtractDetail, place: &Place) -> Option<From> {
    let pointer = detail.json.as_ref().map(PointerText::as_str);
    let fixed = [
        ("json", "a JSON pointer", pointer),
        ("cookie", "a cookie's name", detail.cookie.as_deref()),
        ("regex", "a regular expression", detail.regex.as_deref()),
    ];
    for (key, what, text) in fixed {
        let span = report.document().span(&place.key(key));
        report.fixed(what, text.unwrap_or_default(), span);
    }
    let sources = [
        detail
            .json
            .as_ref()
            .map(|pointer| From::Json(pointer.0.clone())),
        detail
            .header
            .as_ref()
            .map(|name| From::Header(header_name(report, name, &place.key("header")))),
        detail
            .cookie
            .as_ref()
            .map(|name| From::Cookie(name.clone())),
        detail
            .regex
            .as_ref()
            .and_then(|pattern| self::regex(report, pattern, &place.key("regex")))
            .map(From::Regex),
    ];
    let given = [
        detail.json.is_some(),
        detail.header.is_some(),
        detail.cookie.is_some(),
        detail.regex.is_some(),
    ];
    if given.iter().filter(|given| **given).count() != 1 {
        report.add(
            report
                .at_key(place, "an extraction takes its value from one source")
                .label("needs exactly one source")
                .help("sources: json, header, cookie, regex"),
        );
    }
    sources.into_iter().flatten().next()
}

fn regex(report: &Report<'_>, pattern: &str, place: &Place) -> Option<Regex> {
    match Regex::new(pattern) {
        Ok(regex) if regex.captures_len() >= 2 => return Some(regex),
        Ok(_) => report.add(
            report
                .at(place, "this regular expression has no group")
                .label("nothing to take")
                .help("put parentheses around the part to remember: `id=(\\d+)`"),
        ),
        Err(error) => {
            let text = error.to_string();
            let reason = text
                .lines()
                .last()
                .unwrap_or_default()
                .trim_start_matches("error: ")
                .to_owned();
            report.add(
                report
                    .at(place, format!("this regular expression is wrong: {reason}"))
                    .label("does not parse"),
            );
        }
    }
    None
}

fn header_name(report: &Report<'_>, name: &str, place: &Place) -> String {
    let lower = name.to_ascii_lowercase();
    if HeaderName::from_bytes(lower.as_bytes()).is_err() {
        report.add(
            report
                .at(place, format!("`{name}` is not a header name"))
                .label("not allowed")
                .help("letters, digits and `-`"),
        );
    }
    lower
}

/// Compiles `check`. Values are those that the request itself could use: checks come before `extract`.
pub(super) fn checks(
    report: &Report<'_>,
    meaning: Meaning<'_>,
    shape: &RequestShape,
    place: &Place,
) -> Vec<Check> {
    let place = place.key("check");
    let mut compiled = Vec::new();
    match &shape.check {
        None => {}
        Some(ChecksShape::One(shape)) => check(report, meaning, shape, &place, &mut compiled),
        Some(ChecksShape::Many(shapes)) => {
            for (index, shape) in shapes.iter().enumerate() {
                check(report, meaning, shape, &place.index(index), &mut compiled);
            }
        }
    }
    compiled
}

fn check(
    report: &Report<'_>,
    meaning: Meaning<'_>,
    shape: &CheckShape,
    place: &Place,
    compiled: &mut Vec<Check>,
) {
    let before = compiled.len();
    let span = report.document().span(&place.key("name"));
    report.fixed(
        "a check's name",
        shape.name.as_deref().unwrap_or_default(),
        span,
    );
    let mut add = |default: String, test: Test| {
        compiled.push(Check {
            name: shape.name.clone().unwrap_or(default),
            test,
        });
    };
    if let Some(status) = &shape.status {
        add(Check::STATUS.to_owned(), Test::Status(statuses(status)));
    }
    for (pointer, comparison) in shape.json.iter().flatten() {
        let place = place.key("json").key(pointer.as_str());
        add(
            format!("json {}", pointer.as_str()),
            json_test(report, meaning, pointer, comparison, &place),
        );
    }
    for (name, comparison) in shape.header.iter().flatten() {
        let place = place.key("header").key(name);
        if HeaderName::from_bytes(name.as_bytes()).is_err() {
            report.add(
                report
                    .at_key(&place, format!("`{name}` is not a header name"))
                    .label("not allowed"),
            );
        }
        let comparison = self::comparison(report, meaning, comparison, &place);
        add(
            format!("header {name}"),
            Test::Header {
                name: name.to_ascii_lowercase(),
                comparison,
            },
        );
    }
    if let Some(text) = &shape.contains {
        let literal = text_literal(report, meaning, text, &place.key("contains"));
        add(format!("contains {text}"), Test::Contains(literal));
    }
    if let Some(size) = &shape.body_max {
        add(
            "body-max".to_owned(),
            Test::BytesMax(units::size(size.as_str()).unwrap_or(u64::MAX)),
        );
    }
    if let Some(within) = &shape.within {
        let limit = report.positive_duration(within, &place.key("within"));
        add(
            format!("within {}", within.as_str().trim()),
            Test::Within(limit),
        );
    }
    if compiled.len() == before {
        report.add(
            report
                .at_key(place, "this check checks nothing")
                .label("add what must hold")
                .help("for example `status: 2xx`; checks: status, json, header, contains, body-max, within"),
        );
    }
}

fn json_test(
    report: &Report<'_>,
    meaning: Meaning<'_>,
    pointer: &PointerText,
    comparison: &ComparisonShape,
    place: &Place,
) -> Test {
    let span = report.document().key_span(place);
    report.fixed("a JSON pointer", pointer.as_str(), span);
    Test::Json {
        pointer: pointer.0.clone(),
        comparison: self::comparison(report, meaning, comparison, place),
    }
}

/// Codes and classes as inclusive ranges.
fn statuses(shape: &StatusShape) -> Vec<(u16, u16)> {
    match shape {
        StatusShape::One(one) => status(one).into_iter().collect(),
        StatusShape::Many(many) => many.iter().filter_map(status).collect(),
    }
}

fn status(one: &StatusOne) -> Option<(u16, u16)> {
    match one {
        StatusOne::Code(code) => Some((*code, *code)),
        StatusOne::Class(class) => status_range(class),
    }
}

fn comparison(
    report: &Report<'_>,
    meaning: Meaning<'_>,
    shape: &ComparisonShape,
    place: &Place,
) -> Comparison {
    let literal = |value: &Scalar, place: &Place| literal(report, meaning, value, place);
    match shape {
        ComparisonShape::Value(Scalar::Text(text)) => text_comparison(report, meaning, text, place),
        ComparisonShape::Value(value) => Comparison::Is(literal(value, place)),
        ComparisonShape::Detail(detail) => {
            let all = [
                detail
                    .is
                    .as_ref()
                    .map(|value| Comparison::Is(literal(value, &place.key("is")))),
                detail
                    .is_not
                    .as_ref()
                    .map(|value| Comparison::IsNot(literal(value, &place.key("is-not")))),
                detail.contains.as_ref().map(|text| {
                    let place = place.key("contains");
                    Comparison::Contains(text_literal(report, meaning, text, &place))
                }),
                detail.one_of.as_ref().map(|values| {
                    let place = place.key("one-of");
                    let values = values.iter().enumerate();
                    let literals = values.map(|(index, value)| literal(value, &place.index(index)));
                    Comparison::OneOf(literals.collect())
                }),
            ];
            let mut given = all.into_iter().flatten();
            match (given.next(), given.next()) {
                (Some(one), None) => one,
                _ => {
                    let problem = report.at_key(place, "a comparison needs exactly one key");
                    report.add(problem.label("one of: is, is-not, contains, one-of"));
                    Comparison::Exists
                }
            }
        }
    }
}

/// `exists`, `missing`, `> 5`, or the text itself.
fn text_comparison(
    report: &Report<'_>,
    meaning: Meaning<'_>,
    text: &str,
    place: &Place,
) -> Comparison {
    let trimmed = text.trim();
    match trimmed {
        "exists" => return Comparison::Exists,
        "missing" => return Comparison::Missing,
        _ => {}
    }
    type Compare = fn(Literal) -> Comparison;
    let signs: [(&str, Compare); 4] = [
        ("<=", Comparison::LessOrEqual),
        (">=", Comparison::GreaterOrEqual),
        ("<", Comparison::Less),
        (">", Comparison::Greater),
    ];
    for (sign, compare) in signs {
        let Some(rest) = trimmed.strip_prefix(sign) else {
            continue;
        };
        if rest.contains("${") {
            let start = text.len() - rest.trim_start().len();
            return match meaning.known(rest.trim()) {
                Ok(literal) => compare(literal),
                Err(slips) => {
                    let slips = slips.into_iter().map(|slip| slip.shifted(start));
                    slips.for_each(|slip| report.slip(place, slip));
                    Comparison::Exists
                }
            };
        }
        return units::finite(rest.trim())
            .map(|number| Literal::Number(number.to_string()))
            .map(compare)
            .unwrap_or_else(|| {
                let at = text.len() - rest.len()..text.len();
                let slip = Slip::new(at, format!("`{}` is not a number", rest.trim()))
                    .label("expected a number");
                report.slip(
                    place,
                    slip.help("to compare with a text that begins with a sign, write `{ is: … }`"),
                );
                Comparison::Exists
            });
    }
    Comparison::Is(text_literal(report, meaning, text, place))
}

/// A text to compare with, `${…}` in it included.
fn text_literal(report: &Report<'_>, meaning: Meaning<'_>, text: &str, place: &Place) -> Literal {
    report
        .take(place, meaning.known(text))
        .unwrap_or(Literal::Unset)
}

fn literal(report: &Report<'_>, meaning: Meaning<'_>, value: &Scalar, place: &Place) -> Literal {
    match report.value_of(value, place) {
        Value::Bool(truth) => Literal::Bool(truth),
        Value::Int(number) => Literal::Number(number.to_string()),
        Value::Number(number) => Literal::Number(number.into()),
        _ => text_literal(report, meaning, &report.text_of(value, place), place),
    }
}

/// Compiles `outcomes`.
pub(super) fn outcomes(
    report: &Report<'_>,
    meaning: Meaning<'_>,
    shape: &RequestShape,
    place: &Place,
) -> Vec<Outcome> {
    let place = place.key("outcomes");
    let mut seen = IndexMap::new();
    let mut compiled = Vec::new();
    for (index, outcome) in shape.outcomes.iter().flatten().enumerate() {
        let place = place.index(index);
        report.unique(
            "outcome",
            &mut seen,
            outcome.name.as_str(),
            &place.key("name"),
        );
        let mut tests: Vec<Test> = outcome
            .status
            .iter()
            .map(|status| Test::Status(statuses(status)))
            .collect();
        for (pointer, comparison) in outcome.json.iter().flatten() {
            tests.push(json_test(
                report,
                meaning,
                pointer,
                comparison,
                &place.key("json").key(pointer.as_str()),
            ));
        }
        if tests.is_empty() {
            let message = format!(
                "the outcome `{}` would fit every answer",
                outcome.name.as_str()
            );
            report.add(
                report
                    .at_key(&place, message)
                    .label("add `status` or `json`"),
            );
        }
        compiled.push(Outcome {
            name: outcome.name.0.clone(),
            tests,
            leave: outcome.then != Some(OutcomeThen::GoOn),
        });
    }
    compiled
}

/// Compiles `count`.
pub(super) fn counts(tables: &mut Tables, shape: &RequestShape, place: &Place) -> Vec<CounterId> {
    let place = place.key("count");
    match &shape.count {
        None => Vec::new(),
        Some(CountShape::One(name)) => vec![tables.counter(name.as_str(), &place)],
        Some(CountShape::Many(names)) => names
            .iter()
            .enumerate()
            .map(|(index, name)| tables.counter(name.as_str(), &place.index(index)))
            .collect(),
    }
}

/// Compiles `promise`.
pub(super) fn promise(
    report: &Report<'_>,
    meaning: Meaning<'_>,
    shape: &RequestShape,
    place: &Place,
) -> Option<Promise> {
    let shape = shape.promise.as_ref()?;
    let place = place.key("promise");
    let mut kind = None;
    let mut fields = Vec::new();
    for (name, value) in shape {
        let place = place.key(name.as_str());
        let text = report.text_of(value, &place);
        if name.as_str() == "kind" {
            let span = report.document().span(&place);
            report.fixed("the kind of a promise", &text, span);
            kind = Some(text);
        } else if text.starts_with('/') {
            let span = report.document().span(&place);
            report.fixed("a JSON pointer", &text, span);
            fields.push((name.0.clone(), PromiseField::Json(text)));
        } else if let Some(template) = report.take(&place, meaning.template(&text, Encoding::Raw)) {
            fields.push((name.0.clone(), PromiseField::Value(template)));
        }
    }
    if kind.is_none() {
        report.add(
            report
                .at_key(&place, "a promise says what kind of thing is promised")
                .label("add `kind: …`")
                .help("for example `promise: { kind: order, id: /id, total: /total }`"),
        );
    }
    Some(Promise {
        kind: kind?,
        fields,
    })
}

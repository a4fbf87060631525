//! What a request does with its response: extraction, checks, outcomes, counters, promises.

mod comparison;
mod extraction;
mod promise;
mod selector;

use checked_yaml::Place;
use http::HeaderName;
use indexmap::IndexMap;

use super::report::Report;
use super::request::Tables;
use super::template::Meaning;
use super::units;
use crate::scenario::file::{
    CheckShape, ChecksShape, CountShape, OutcomeThen, RequestShape, StatusOne, StatusShape,
};
use crate::scenario::{Check, CounterId, Outcome, Test};
use comparison::text_literal;
pub(super) use extraction::extractions;
pub(super) use promise::promise;
use selector::json_test;
pub(super) use selector::{Selector, quantity, selector};

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
    report_of_hop(report, shape, place);
    let mut add = |default: String, test: Test| {
        let (default, test) = match shape.hop {
            Some(hop) => (
                format!("hop {hop} {default}"),
                Test::Hop(hop, Box::new(test)),
            ),
            None => (default, test),
        };
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
        if let Some(test) = json_test(report, meaning, pointer.as_str(), comparison, &place) {
            add(format!("json {}", pointer.as_str()), test);
        }
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
        let comparison = comparison::comparison(report, meaning, comparison, &place);
        add(
            format!("header {name}"),
            Test::Header {
                name: name.to_ascii_lowercase(),
                comparison,
            },
        );
    }
    if let Some(url) = &shape.url {
        let comparison = comparison::comparison(report, meaning, url, &place.key("url"));
        add("url".to_owned(), Test::Url(comparison));
    }
    if let Some(redirects) = &shape.redirects {
        let place = place.key("redirects");
        let comparison = comparison::comparison(report, meaning, redirects, &place);
        add("redirects".to_owned(), Test::Redirects(comparison));
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
    if compiled.len() == before && shape.json.is_none() {
        report.add(
            report
                .at_key(place, "this check checks nothing")
                .label("add what must hold")
                .help("for example `status: 2xx`; checks: status, json, header, url, redirects, contains, body-max, within"),
        );
    }
}

/// Keys that cannot be about an answer on the way.
fn report_of_hop(report: &Report<'_>, shape: &CheckShape, place: &Place) {
    if shape.hop.is_none() {
        return;
    }
    let keys = [
        ("json", shape.json.is_some()),
        ("redirects", shape.redirects.is_some()),
        ("contains", shape.contains.is_some()),
        ("body-max", shape.body_max.is_some()),
        ("within", shape.within.is_some()),
    ];
    for (key, _) in keys.into_iter().filter(|(_, given)| *given) {
        report.add(
            report
                .at_key(&place.key(key), format!("`{key}` cannot be asked of a hop"))
                .label("of an answer on the way: status, header, url")
                .help("make it a check of its own, without `hop`"),
        );
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
        StatusOne::Class(class) => units::status_range(class),
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
            let place = place.key("json").key(pointer.as_str());
            tests.extend(json_test(
                report,
                meaning,
                pointer.as_str(),
                comparison,
                &place,
            ));
        }
        if tests.is_empty() && outcome.json.is_none() {
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

//! What is remembered from a response.

use checked_yaml::Place;
use http::HeaderName;
use regex::bytes::Regex;

use super::selector;
use crate::scenario::check::names::Names;
use crate::scenario::check::report::Report;
use crate::scenario::file::{ExtractDetail, ExtractShape, RequestShape};
use crate::scenario::{Extract, From};

/// Compiles `extract`.
pub(in crate::scenario::check) fn extractions(
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
            ExtractShape::Pointer(pointer) => (
                selector::source(report, pointer.as_str(), &place, None),
                false,
            ),
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
    let pick_at = place.key("pick");
    if detail.pick.is_some() && detail.json.is_none() {
        report.add(
            report
                .at_key(
                    &pick_at,
                    "`pick` chooses among the values that a JSONPath finds",
                )
                .label("nothing to choose from")
                .help("for example `{ json: $.items[*].id, pick: random }`"),
        );
    }
    let fixed = [
        ("cookie", "a cookie's name", detail.cookie.as_deref()),
        ("regex", "a regular expression", detail.regex.as_deref()),
    ];
    for (key, what, text) in fixed {
        let span = report.document().span(&place.key(key));
        report.fixed(what, text.unwrap_or_default(), span);
    }
    let sources = [
        detail.json.as_ref().and_then(|text| {
            let pick = detail.pick.map(|pick| (pick, &pick_at));
            selector::source(report, text.as_str(), &place.key("json"), pick)
        }),
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

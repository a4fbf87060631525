//! What is remembered from a response.

use checked_yaml::Place;
use http::HeaderName;
use regex::bytes::Regex;

use super::selector;
use crate::scenario::check::names::Names;
use crate::scenario::check::report::Report;
use crate::scenario::file::{ExtractDetail, ExtractShape, RequestShape, UrlPartShape};
use crate::scenario::{Extract, From, UrlPart};

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
        (
            "parameter",
            "a parameter's name",
            detail.parameter.as_deref(),
        ),
        ("regex", "a regular expression", detail.regex.as_deref()),
    ];
    for (key, what, text) in fixed {
        let span = report.document().span(&place.key(key));
        report.fixed(what, text.unwrap_or_default(), span);
    }
    let own = own_source(report, detail, place, &pick_at);
    let regex = detail.regex.as_ref();
    let regex = regex.and_then(|pattern| self::regex(report, pattern, &place.key("regex")));
    let given = [
        detail.json.is_some(),
        detail.header.is_some(),
        detail.cookie.is_some(),
        detail.url.is_some(),
        detail.parameter.is_some(),
    ];
    let given = given.iter().filter(|given| **given).count();
    if given > 1 || given == 0 && detail.regex.is_none() {
        report.add(
            report
                .at_key(place, "an extraction takes its value from one source")
                .label("needs exactly one source")
                .help("sources: json, header, cookie, url, parameter, regex; a regex may also look into one of the others"),
        );
        return None;
    }
    let from = match (own, regex) {
        (Some(own), Some(regex)) => From::Within(Box::new(own), regex),
        (Some(own), None) => own,
        (None, Some(regex)) if given == 0 => From::Regex(regex),
        (None, _) => return None,
    };
    let Some(hop) = detail.hop else {
        return Some(from);
    };
    if given == 0 || detail.json.is_some() {
        report.add(
            report
                .at_key(&place.key("hop"), "the bodies of redirects are not kept")
                .label("has no effect")
                .help("take a header, a cookie, the url or a parameter of a hop; or send the step with `redirects: none`"),
        );
    }
    Some(From::Hop(hop, Box::new(from)))
}

/// What the keys besides `regex` say.
fn own_source(
    report: &Report<'_>,
    detail: &ExtractDetail,
    place: &Place,
    pick_at: &Place,
) -> Option<From> {
    let sources = [
        detail.json.as_ref().and_then(|text| {
            let pick = detail.pick.map(|pick| (pick, pick_at));
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
        detail.url.map(|part| {
            From::Url(match part {
                UrlPartShape::Whole => UrlPart::Whole,
                UrlPartShape::Path => UrlPart::Path,
            })
        }),
        detail
            .parameter
            .as_ref()
            .map(|name| From::Parameter(name.clone())),
    ];
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

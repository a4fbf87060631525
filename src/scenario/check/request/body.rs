//! Request bodies: JSON, forms, texts, files.

use checked_yaml::{Place, Problem};
use http::HeaderValue;
use indexmap::IndexMap;
use serde_json::Value as Json;

use super::multipart::multipart;
use crate::scenario::check::report::Report;
use crate::scenario::check::template::{Meaning, Parts, is_one_hole};
use crate::scenario::file::{RequestShape, Scalar};
use crate::scenario::{Body, Piece};
use crate::template::{Encoding, TEXT_BYTES_MAX, Template, is_json_number};

pub(super) fn body(
    report: &Report<'_>,
    meaning: Meaning<'_>,
    shape: &RequestShape,
    place: &Place,
) -> Option<Body> {
    let given: Vec<&str> = [
        ("json", shape.json.is_some()),
        ("form", shape.form.is_some()),
        ("multipart", shape.multipart.is_some()),
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
    if shape.content_type.is_some() && shape.body.is_none() {
        let problem = report.at_key(
            &place.key("content-type"),
            "`content-type` belongs to `body`",
        );
        report.add(problem.label("no `body` here").help(
            "`json`, `form` and `multipart` bring their own; other headers go under `headers`",
        ));
    }
    if let Some(json) = &shape.json {
        let mut parts = Parts::default();
        json_body(report, meaning, json, &place.key("json"), &mut parts);
        return Some(Body::text("application/json", parts.finish()));
    }
    if let Some(form) = &shape.form {
        let template = form_body(report, meaning, form, &place.key("form"));
        return Some(Body::text("application/x-www-form-urlencoded", template));
    }
    if let Some(parts) = &shape.multipart {
        let body = multipart(report, meaning, parts, &place.key("multipart"));
        return within_bounds(report, body, &place.key("multipart"));
    }
    text_body(report, meaning, shape, place)
}

fn text_body(
    report: &Report<'_>,
    meaning: Meaning<'_>,
    shape: &RequestShape,
    place: &Place,
) -> Option<Body> {
    let written = shape.body.as_ref()?;
    let Some(content_type) = shape.content_type.clone() else {
        let problem = report.at_key(&place.key("body"), "`body` lacks its `content-type`");
        report.add(
            problem
                .label("of which type?")
                .help("add for example `content-type: text/plain`, or use `json`"),
        );
        return None;
    };
    let span = report.document().span(&place.key("content-type"));
    if content_type.contains("${") {
        report.add(
            Problem::new(span, "`content-type` takes no `${…}`")
                .label("would be taken as it stands")
                .help("write out a type here, and set `content-type` under `headers`, which goes before it"),
        );
    }
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
    let place = place.key("body");
    let text = |text| report.take(&place, meaning.template(text, Encoding::Raw));
    let piece = match written.strip_prefix('@') {
        None => Piece::Text(text(written)?),
        Some(rest) if rest.starts_with('@') => Piece::Text(text(rest)?),
        Some(file) => Piece::Bytes(report.body_file(file, &place)?),
    };
    Some(Body {
        content_type,
        pieces: vec![piece],
    })
}

/// Reports a body whose files are too large together.
fn within_bounds(report: &Report<'_>, body: Body, place: &Place) -> Option<Body> {
    let bytes = |piece: &Piece| match piece {
        Piece::Bytes(bytes) => bytes.len(),
        Piece::Text(_) => 0,
    };
    if body.pieces.iter().map(bytes).sum::<usize>() <= TEXT_BYTES_MAX {
        return Some(body);
    }
    let mebibytes = TEXT_BYTES_MAX >> 20;
    report.add(
        report
            .at_key(place, format!("this body is larger than {mebibytes} MiB"))
            .label("too large")
            .help("send fewer or smaller files in one request"),
    );
    None
}

/// Writes JSON with holes: a text that is one hole becomes a value of the hole's type.
pub(super) fn json_body(
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
                let place = place.key(key);
                parts.text("\"");
                let text = meaning.append(key, parts, |_| Encoding::JsonText, json_escaped);
                report.take_key(&place, text);
                parts.text("\":");
                json_body(report, meaning, value, &place, parts);
            }
            parts.text("}");
        }
        Json::Number(_) => json_number(report, place, parts),
        Json::Null | Json::Bool(_) => parts.text(&json.to_string()),
    }
}

/// A number goes out as it is written. YAML knows spellings that JSON does not, which would silently become other ones.
fn json_number(report: &Report<'_>, place: &Place, parts: &mut Parts) {
    let written = report.document().written(place);
    if !is_json_number(written) {
        report.add(
            report
                .at(place, format!("`{written}` is no number in JSON"))
                .label("not a JSON number")
                .help(format!("put it into quotes to send it as a text (`\"{written}\"`), or write it in decimal digits without leading zeros")),
        );
    }
    parts.text(written);
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
    report.take(
        place,
        meaning.append(text, parts, |_| Encoding::JsonText, json_escaped),
    );
    parts.text("\"");
}

/// A text as it stands between the quotes of a JSON string.
fn json_escaped(text: &str) -> String {
    let quoted = Json::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
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
        let place = place.key(key);
        let name = meaning.append(key, &mut parts, |_| Encoding::Uri, escape);
        report.take_key(&place, name);
        parts.text("=");
        let text = report.text_of(value, &place);
        report.take(
            &place,
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

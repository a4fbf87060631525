//! What a response promises.

use checked_yaml::Place;

use super::selector::promised;
use crate::json_path::JsonPath;
use crate::scenario::check::report::Report;
use crate::scenario::check::template::Meaning;
use crate::scenario::file::RequestShape;
use crate::scenario::{Promise, PromiseField};
use crate::template::Encoding;

/// Compiles `promise`.
pub(in crate::scenario::check) fn promise(
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
        } else if text.starts_with('/') || JsonPath::is_meant(&text) {
            let field = promised(report, &text, &place);
            fields.extend(field.map(|field| (name.0.clone(), field)));
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

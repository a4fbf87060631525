//! What values of a response are compared with, and how.

use checked_yaml::Place;

use super::selector::quantified;
use crate::scenario::check::report::Report;
use crate::scenario::check::slip::Slip;
use crate::scenario::check::template::Meaning;
use crate::scenario::check::units;
use crate::scenario::file::{ComparisonDetail, ComparisonShape, Scalar};
use crate::scenario::{Comparison, Literal};
use crate::template::Value;

pub(super) fn comparison(
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
                (Some(one), None) if !detail.is_of_several() => one,
                _ => {
                    report_keys(report, detail, place);
                    Comparison::Exists
                }
            }
        }
    }
}

/// A comparison that is none, or more than one.
fn report_keys(report: &Report<'_>, detail: &ComparisonDetail, place: &Place) {
    match quantified(detail) {
        Some((_, key, _)) => report.add(
            report
                .at_key(
                    &place.key(key),
                    format!("`{key}` is asked of the values that a JSONPath finds"),
                )
                .label("not here")
                .help("a JSONPath begins with `$`: `json: { '$.items[*].id': { count: 3 } }`"),
        ),
        None => {
            let problem = report.at_key(place, "a comparison needs exactly one key");
            report.add(
                problem.label(
                    "one of: is, is-not, contains, one-of; with a JSONPath: count, any, every",
                ),
            );
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
pub(super) fn text_literal(
    report: &Report<'_>,
    meaning: Meaning<'_>,
    text: &str,
    place: &Place,
) -> Literal {
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

//! Which values of a JSON body are meant: by a JSON pointer, or by a JSONPath, which begins with `$`.

use checked_yaml::Place;

use super::comparison::comparison;
use crate::json_path::{JsonPath, Mistake};
use crate::scenario::check::report::Report;
use crate::scenario::check::slip::Slip;
use crate::scenario::check::template::Meaning;
use crate::scenario::file::{ComparisonDetail, ComparisonShape, PickShape};
use crate::scenario::{From, PathTest, Pick, PromiseField, Quantity, Test};

/// A place, or several.
pub(in crate::scenario::check) enum Selector {
    Pointer(String),
    Path(JsonPath),
}

/// Reads a pointer or a path.
pub(in crate::scenario::check) fn selector(text: &str) -> Result<Selector, Slip> {
    if text.contains("${") {
        let what = if text.starts_with('/') {
            "pointer"
        } else {
            "path"
        };
        return Err(
            Slip::new(0..text.len(), format!("a JSON {what} takes no `${{…}}`"))
                .label("would be taken as it stands")
                .help("it is the same for all shoppers: write it out"),
        );
    }
    if !text.starts_with('$') {
        return match text.split('/').any(|key| key == "*") {
            true => Err(wildcard(text)),
            false => Ok(Selector::Pointer(text.to_owned())),
        };
    }
    JsonPath::parse(text)
        .map(Selector::Path)
        .map_err(|mistake| wrong(text, &mistake))
}

fn wrong(text: &str, mistake: &Mistake) -> Slip {
    let at = (0..text.len().min(mistake.at + 1))
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0);
    let (place, reason) = (mistake.place(text), &mistake.reason);
    let slip = Slip::new(
        at..text.len(),
        format!("this JSONPath is wrong {place}: {reason}"),
    );
    match &mistake.remedy {
        Some(remedy) => slip.label("not taken from here").help(remedy.as_str()),
        None => slip.label("not understood from here").help(
            "for example `$.items[*].id`, `$.items[-1]`, `$.items[?@.price > 10].id` (RFC 9535)",
        ),
    }
}

/// A pointer that someone takes for a pattern.
fn wildcard(pointer: &str) -> Slip {
    let path = |star: &str| {
        let keys = pointer.split('/').skip(1).map(|key| match key {
            "*" => star.to_owned(),
            index if index.bytes().all(|byte| byte.is_ascii_digit()) => format!("[{index}]"),
            name if name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') =>
            {
                format!(".{name}")
            }
            name => format!("['{name}']"),
        });
        format!("${}", keys.collect::<String>())
    };
    let star = pointer.find("/*").map_or(0, |at| at + 1);
    Slip::new(
        star..star + 1,
        "in a JSON pointer `*` is a key of that name",
    )
    .label("no wildcard")
    .help(format!(
        "for every item write a JSONPath: `{}`",
        path("[*]")
    ))
    .help(format!("for a key that is called so: `{}`", path("['*']")))
}

/// Where an extraction takes its value from.
pub(super) fn source(
    report: &Report<'_>,
    text: &str,
    place: &Place,
    pick: Option<(PickShape, &Place)>,
) -> Option<From> {
    match report.take(place, selector(text).map_err(|slip| vec![slip]))? {
        Selector::Path(path) => {
            let pick = pick.map_or(Pick::First, |(pick, _)| picked(pick));
            Some(From::Path(path, pick))
        }
        Selector::Pointer(pointer) => {
            if let Some((_, place)) = pick {
                report.add(
                    report
                        .at_key(
                            place,
                            "`pick` chooses among the values that a JSONPath finds",
                        )
                        .label("a JSON pointer finds one")
                        .help(
                            "a JSONPath begins with `$`: `{ json: $.items[*].id, pick: random }`",
                        ),
                );
            }
            Some(From::Json(pointer))
        }
    }
}

fn picked(shape: PickShape) -> Pick {
    match shape {
        PickShape::First => Pick::First,
        PickShape::Last => Pick::Last,
        PickShape::Random => Pick::Random,
        PickShape::All | PickShape::Each => Pick::All,
        PickShape::Count => Pick::Count,
    }
}

/// A test on what stands at a place; the text is the key at `place`.
pub(super) fn json_test(
    report: &Report<'_>,
    meaning: Meaning<'_>,
    text: &str,
    shape: &ComparisonShape,
    place: &Place,
) -> Option<Test> {
    match report.take_key(place, selector(text).map_err(|slip| vec![slip]))? {
        Selector::Pointer(pointer) => Some(Test::Json {
            pointer,
            comparison: comparison(report, meaning, shape, place),
        }),
        Selector::Path(path) => Some(Test::Path(path_test(report, meaning, path, shape, place))),
    }
}

fn path_test(
    report: &Report<'_>,
    meaning: Meaning<'_>,
    path: JsonPath,
    shape: &ComparisonShape,
    place: &Place,
) -> PathTest {
    let asked = match shape {
        ComparisonShape::Detail(detail) => quantified(detail),
        ComparisonShape::Value(_) => None,
    };
    let (of, comparison) = match asked {
        Some((of, key, inner)) => (of, comparison(report, meaning, inner, &place.key(key))),
        None => (Quantity::First, comparison(report, meaning, shape, place)),
    };
    PathTest {
        path,
        of,
        comparison,
    }
}

/// `count`, `any` or `every`, if it is all that is asked.
pub(super) fn quantified(
    detail: &ComparisonDetail,
) -> Option<(Quantity, &'static str, &ComparisonShape)> {
    let alone = detail.is.is_none()
        && detail.is_not.is_none()
        && detail.contains.is_none()
        && detail.one_of.is_none();
    let mut asked = [
        (Quantity::Count, "count", &detail.count),
        (Quantity::Any, "any", &detail.any),
        (Quantity::Every, "every", &detail.every),
    ]
    .into_iter()
    .filter_map(|(of, key, shape)| Some((of, key, shape.as_deref()?)));
    match (asked.next(), asked.next()) {
        (Some(one), None) if alone => Some(one),
        _ => None,
    }
}

/// The field of a promise that is taken out of the response.
pub(super) fn promised(report: &Report<'_>, text: &str, place: &Place) -> Option<PromiseField> {
    Some(
        match report.take(place, selector(text).map_err(|slip| vec![slip]))? {
            Selector::Pointer(pointer) => PromiseField::Json(pointer),
            Selector::Path(path) => PromiseField::Path(path),
        },
    )
}

/// Which of the values, as conditions say it after a path.
pub(in crate::scenario::check) fn quantity(word: &str) -> Option<Quantity> {
    Some(match word {
        "count" => Quantity::Count,
        "any" => Quantity::Any,
        "every" => Quantity::Every,
        _ => return None,
    })
}

//! The phases of a closed load: how many shoppers there are when.

use std::time::Duration;

use checked_yaml::Place;
use indexmap::IndexMap;

use super::not_too_long;
use crate::scenario::check::report::Report;
use crate::scenario::file::{ClosedShape, CrowdPhaseShape};
use crate::scenario::{CrowdPhase, CrowdSize, Load, Until};

const SIZES: &str = "shoppers, ramp, steps";

/// A crowd that is the same as long as the load lasts.
pub(super) fn constant(shoppers: u32) -> Vec<CrowdPhase> {
    vec![CrowdPhase {
        name: Load::ONLY_PHASE.to_owned(),
        duration: Duration::MAX,
        size: CrowdSize::Constant(shoppers),
    }]
}

/// Compiles a closed load.
pub(super) fn compile(report: &Report<'_>, closed: &ClosedShape, place: &Place) -> Load {
    let elapsed = closed
        .r#for
        .as_ref()
        .map(|text| report.positive_duration(text, &place.key("for")));
    let (crowd, elapsed) = match (&closed.phases, closed.shoppers) {
        (Some(shapes), None) => {
            if elapsed.is_some() {
                one_length(report, place);
            }
            let crowd = phases(report, shapes, place);
            let total = crowd.iter().map(|phase| phase.duration).sum();
            not_too_long(report, total, place);
            (crowd, Some(total))
        }
        (None, Some(shoppers)) => {
            if elapsed.is_none() && closed.journeys.is_none() {
                never_ends(report, place);
            }
            (constant(shoppers), elapsed)
        }
        (shapes, _) => {
            one_of_both(report, place, shapes.is_some());
            (constant(1), elapsed)
        }
    };
    Load::Closed {
        crowd,
        until: Until {
            elapsed,
            journeys: closed.journeys,
        },
    }
}

fn never_ends(report: &Report<'_>, place: &Place) {
    report.add(
        report
            .at_key(place, "this closed load never ends")
            .label("add `for` or `journeys`")
            .help("for example `for: 60s`, or `journeys: 1000`; with both, whichever comes first ends it"),
    );
}

fn one_length(report: &Report<'_>, place: &Place) {
    report.add(
        report
            .at_key(&place.key("for"), "the phases say how long this load lasts")
            .label("leave `for` out")
            .help("each phase has a `for` of its own; `journeys` may end the load earlier"),
    );
}

fn one_of_both(report: &Report<'_>, place: &Place, both: bool) {
    let problem = match both {
        true => report
            .at_key(
                &place.key("phases"),
                "this closed load has both `shoppers` and `phases`",
            )
            .label("keep one of them"),
        false => report
            .at_key(
                place,
                "this closed load does not say how many shoppers there are",
            )
            .label("add `shoppers` or `phases`"),
    };
    report.add(problem.help(
        "for example `shoppers: 32`, or `phases: [{ name: up, for: 1m, ramp: { from: 1, to: 32 } }]`",
    ));
}

fn phases(report: &Report<'_>, shapes: &[CrowdPhaseShape], place: &Place) -> Vec<CrowdPhase> {
    let mut seen = IndexMap::new();
    let compiled = shapes.iter().enumerate().map(|(index, shape)| {
        let place = place.key("phases").index(index);
        report.unique("phase", &mut seen, shape.name.as_str(), &place.key("name"));
        CrowdPhase {
            name: shape.name.0.clone(),
            duration: report.positive_duration(&shape.r#for, &place.key("for")),
            size: size(report, shape, &place),
        }
    });
    let phases: Vec<CrowdPhase> = compiled.collect();
    if phases.iter().all(|phase| phase.size.most() == 0) {
        report.add(
            report
                .at_key(&place.key("phases"), "no phase has a shopper")
                .label("give one at least 1"),
        );
    }
    phases
}

fn size(report: &Report<'_>, shape: &CrowdPhaseShape, place: &Place) -> CrowdSize {
    let ramp = shape.ramp.as_ref().map(|ramp| CrowdSize::Ramp {
        from: ramp.from,
        to: ramp.to,
    });
    let steps = shape.steps.as_ref().map(|steps| CrowdSize::Steps {
        from: steps.from,
        to: steps.to,
        count: steps.count,
    });
    let sizes: Vec<(&str, CrowdSize)> = [
        ("shoppers", shape.shoppers.map(CrowdSize::Constant)),
        ("ramp", ramp),
        ("steps", steps),
    ]
    .into_iter()
    .filter_map(|(key, size)| Some((key, size?)))
    .collect();
    if sizes.len() != 1 {
        one_size(report, &sizes, shape, place);
    }
    sizes
        .first()
        .map_or(CrowdSize::Constant(1), |(_, size)| *size)
}

fn one_size(
    report: &Report<'_>,
    sizes: &[(&str, CrowdSize)],
    shape: &CrowdPhaseShape,
    place: &Place,
) {
    let name = shape.name.as_str();
    let problem = match sizes {
        [(first, _), (second, _), ..] => report
            .at_key(
                &place.key(second),
                format!("phase `{name}` has both `{first}` and `{second}`"),
            )
            .label("keep one of them"),
        _ => report
            .at_key(
                place,
                format!("phase `{name}` does not say how many shoppers there are"),
            )
            .label("add `shoppers: …` here"),
    };
    report.add(problem.help(format!(
        "a phase of a closed load has exactly one of: {SIZES}"
    )));
}

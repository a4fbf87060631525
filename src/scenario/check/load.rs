//! The load section: phases and their curves.

use std::path::Path;
use std::time::Duration;

use checked_yaml::Place;
use indexmap::IndexMap;

use super::replay;
use super::report::Report;
use super::units::DURATION_MAX;
use crate::scenario::file::{
    DiurnalShape, LoadShape, OneByOneShape, OpenShape, PhaseShape, RampShape, SpacingShape,
    SpikeShape, StepsShape,
};
use crate::scenario::{Curve, Load, Phase, Spacing, Until};

mod crowd;

const CURVES: &str = "rate, ramp, steps, spike, diurnal, replay";

/// Compiles the load section.
pub(super) fn compile(report: &Report<'_>, shape: &LoadShape, folder: &Path) -> Load {
    let place = Place::root().key("load");
    match shape {
        LoadShape::Open(open) => open_load(report, open, &place, folder),
        LoadShape::Closed(closed) => crowd::compile(report, closed, &place),
        LoadShape::OneByOne(OneByOneShape { journeys }) => Load::Closed {
            crowd: crowd::constant(1),
            until: Until {
                elapsed: None,
                journeys: Some(journeys.unwrap_or(1)),
            },
        },
    }
}

fn open_load(report: &Report<'_>, open: &OpenShape, place: &Place, folder: &Path) -> Load {
    let mut seen = IndexMap::new();
    let mut phases = Vec::new();
    for (index, shape) in open.phases.iter().enumerate() {
        let place = place.key("phases").index(index);
        report.unique("phase", &mut seen, shape.name.as_str(), &place.key("name"));
        phases.push(phase(report, shape, &place, folder));
    }
    not_too_long(
        report,
        phases.iter().map(|phase| phase.duration).sum(),
        place,
    );
    let spacing = match open.spacing {
        Some(SpacingShape::Even) => Spacing::Even,
        Some(SpacingShape::Poisson) | None => Spacing::Poisson,
    };
    Load::Open { phases, spacing }
}

/// Reports phases that last too long together.
fn not_too_long(report: &Report<'_>, total: Duration, place: &Place) {
    if total > DURATION_MAX {
        report.add(
            report
                .at_key(&place.key("phases"), "all phases together are too long")
                .label("at most 366 days"),
        );
    }
}

fn phase(report: &Report<'_>, shape: &PhaseShape, place: &Place, folder: &Path) -> Phase {
    let duration = shape
        .r#for
        .as_ref()
        .map(|text| report.positive_duration(text, &place.key("for")));
    let curve = curve(report, shape, place, folder, duration);
    let replayed = match &curve {
        Curve::Replay(points) => points
            .last()
            .map(|(seconds, _)| Duration::from_secs_f64(*seconds)),
        _ => None,
    };
    let duration = duration.or(replayed).unwrap_or_else(|| {
        report.add(
            report
                .at_key(
                    place,
                    format!("phase `{}` lacks `for`", shape.name.as_str()),
                )
                .label("add `for: …` here")
                .help("for: how long the phase lasts, such as 20s or 5m"),
        );
        Duration::from_secs(1)
    });
    Phase {
        name: shape.name.0.clone(),
        duration,
        curve,
    }
}

fn curve(
    report: &Report<'_>,
    shape: &PhaseShape,
    place: &Place,
    folder: &Path,
    duration: Option<Duration>,
) -> Curve {
    let whole = duration.unwrap_or(Duration::from_secs(1));
    let mut curves: Vec<(&str, Curve)> = Vec::new();
    if let Some(rate) = &shape.rate {
        curves.push((
            "rate",
            Curve::Constant(report.positive_rate(rate, &place.key("rate"))),
        ));
    }
    if let Some(ramp) = &shape.ramp {
        curves.push(("ramp", ramp_curve(report, ramp, &place.key("ramp"))));
    }
    if let Some(steps) = &shape.steps {
        curves.push(("steps", steps_curve(report, steps, &place.key("steps"))));
    }
    if let Some(spike) = &shape.spike {
        curves.push((
            "spike",
            spike_curve(report, spike, &place.key("spike"), duration),
        ));
    }
    if let Some(diurnal) = &shape.diurnal {
        curves.push((
            "diurnal",
            diurnal_curve(report, diurnal, &place.key("diurnal"), whole),
        ));
    }
    if let Some(file) = &shape.replay {
        curves.push((
            "replay",
            replay::read(report, file, &place.key("replay"), folder),
        ));
    }
    if curves.len() != 1 {
        one_curve(report, &curves, shape, place);
    }
    curves
        .pop()
        .map_or(Curve::Constant(1.0), |(_, curve)| curve)
}

fn one_curve(report: &Report<'_>, curves: &[(&str, Curve)], shape: &PhaseShape, place: &Place) {
    let name = shape.name.as_str();
    let problem = match curves {
        [] => report
            .at_key(
                place,
                format!("phase `{name}` does not say how many shoppers arrive"),
            )
            .label("add `rate: …` here"),
        [(first, _), (second, _), ..] => report
            .at_key(
                &place.key(second),
                format!("phase `{name}` has both `{first}` and `{second}`"),
            )
            .label("keep one of them")
            .also(
                report.document().key_span(&place.key(first)),
                "and this one",
            ),
        [_] => return,
    };
    report.add(problem.help(format!("a phase has exactly one of: {CURVES}")));
}

fn ramp_curve(report: &Report<'_>, ramp: &RampShape, place: &Place) -> Curve {
    let from = report.rate(&ramp.from, &place.key("from"));
    let to = report.rate(&ramp.to, &place.key("to"));
    not_both_zero(report, from, to, place);
    Curve::Ramp { from, to }
}

fn steps_curve(report: &Report<'_>, steps: &StepsShape, place: &Place) -> Curve {
    let from = report.rate(&steps.from, &place.key("from"));
    let to = report.rate(&steps.to, &place.key("to"));
    not_both_zero(report, from, to, place);
    Curve::Steps {
        from,
        to,
        count: steps.count,
    }
}

fn not_both_zero(report: &Report<'_>, from: f64, to: f64, place: &Place) {
    if from == 0.0 && to == 0.0 {
        report.add(
            report
                .at_key(place, "a rate of zero sends nothing")
                .label("both ends are zero"),
        );
    }
}

fn spike_curve(
    report: &Report<'_>,
    spike: &SpikeShape,
    place: &Place,
    phase: Option<Duration>,
) -> Curve {
    let base = report.rate(&spike.base, &place.key("base"));
    let peak = report.positive_rate(&spike.peak, &place.key("peak"));
    let at = report.duration(&spike.at, &place.key("at"));
    let width = report.positive_duration(&spike.width, &place.key("width"));
    if phase.is_some_and(|phase| at + width > phase) {
        report.add(
            report
                .at(&place.key("at"), "the spike ends after its phase")
                .label("begins here")
                .also(
                    report.document().span(&place.key("width")),
                    "and lasts so long",
                )
                .help("`at` + `width` must not be more than the phase's `for`"),
        );
    }
    if peak < base {
        report.add(
            report
                .at(
                    &place.key("peak"),
                    "the spike is lower than what surrounds it",
                )
                .label("below `base`")
                .help("`peak` is at least `base`"),
        );
    }
    Curve::Spike {
        base,
        peak,
        at,
        width,
    }
}

fn diurnal_curve(
    report: &Report<'_>,
    diurnal: &DiurnalShape,
    place: &Place,
    phase: Duration,
) -> Curve {
    let low = report.rate(&diurnal.low, &place.key("low"));
    let high = report.positive_rate(&diurnal.high, &place.key("high"));
    let period = diurnal.period.as_ref().map_or(phase, |text| {
        report.positive_duration(text, &place.key("period"))
    });
    let peak_at = diurnal.peak_at.as_ref().map_or(period / 2, |text| {
        report.duration(text, &place.key("peak-at"))
    });
    if low > high {
        report.add(
            report
                .at(&place.key("low"), "`low` is above `high`")
                .label("must not be above `high`"),
        );
    }
    Curve::Diurnal {
        low,
        high,
        period,
        peak_at,
    }
}

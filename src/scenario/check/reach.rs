//! Rates that cannot be reached, and totals that are too large.
//!
//! By Little's law, shoppers present = arrivals a second × mean time in the shop. Only think times are counted, for
//! responses may be arbitrarily fast: of `when` the shorter way, of loops the fewest rounds (`while` none), of `choose`
//! the weighted mean, all times the persona's pace. A rate counts that a phase holds for three times that mean, when
//! at least 95 % of the steady number are present. If that many shoppers exceed `limits.shoppers`, or `limits.connections`
//! while each shopper has connections of its own, arrivals would be dropped in every run, and the file is refused.

use std::time::Duration;

use checked_yaml::Place;

use super::report::Report;
use super::units::{self, show_rate};
use crate::scenario::file::{File, RepeatShape, StepShape, ThinkShape};
use crate::scenario::{Connections, Curve, Load, Phase, Scenario};
use crate::schedule::crowd;

/// Most arrivals of a run.
const ARRIVALS_MAX: f64 = 1e10;
/// Share of the steady number of shoppers that is present at the end of a stretch of three mean times.
const PRESENT: f64 = 0.95;
const STRETCH_MEANS: f64 = 3.0;
/// Readings of a curve over a phase.
const READINGS: usize = 300;

/// Reports what can be known not to work.
pub(super) fn check(report: &Report<'_>, file: &File, scenario: &Scenario) {
    warm_up(report, scenario);
    let Load::Open { phases, .. } = &scenario.load else {
        closed(report, scenario);
        return;
    };
    totals(report, phases);
    let stay = mean_stay(file, scenario);
    let (limit, key) = limit(scenario);
    for (index, phase) in phases.iter().enumerate() {
        let rate = sustained_rate(phase, stay * STRETCH_MEANS);
        let needed = rate * stay * PRESENT;
        if needed > f64::from(limit) {
            let place = Place::root().key("load").key("phases").index(index);
            report.add(
                report
                    .at_key(&place, format!("phase `{}` cannot reach {}", phase.name, show_rate(rate)))
                    .label(format!("needs about {} shoppers at the same time", (rate * stay).ceil()))
                    .help(format!(
                        "a shopper stays {:.1} s on average for thinking alone, and `limits.{key}` allows {limit} at the same time",
                        stay
                    ))
                    .help(format!("raise `limits: {{ {key}: … }}`, lower the rate, or shorten the think times")),
            );
        }
    }
}

fn closed(report: &Report<'_>, scenario: &Scenario) {
    let (limit, key) = limit(scenario);
    let Load::Closed { crowd, .. } = &scenario.load else {
        return;
    };
    let most = crowd::most(crowd);
    if most > limit {
        report.add(
            report
                .at_key(
                    &Place::root().key("load"),
                    format!("{most} shoppers are more than `limits.{key}` allows"),
                )
                .label(format!("at most {limit}"))
                .help(format!(
                    "raise `limits: {{ {key}: … }}`, or ask for fewer shoppers"
                )),
        );
    }
}

/// The most shoppers there can be, and the key that says so.
fn limit(scenario: &Scenario) -> (u32, &'static str) {
    let limits = &scenario.limits;
    match scenario.http.connections {
        Connections::PerShopper { .. } if limits.connections_max < limits.shoppers_max => {
            (limits.connections_max, "connections")
        }
        _ => (limits.shoppers_max, "shoppers"),
    }
}

fn warm_up(report: &Report<'_>, scenario: &Scenario) {
    let total = scenario
        .load
        .phases()
        .fold(Duration::ZERO, |sum, (_, length)| {
            sum.saturating_add(length)
        });
    if !scenario.warm_up.is_zero() && scenario.warm_up >= total {
        let problem = report.at(
            &Place::root().key("warm-up"),
            "the warm-up is as long as the whole load",
        );
        report.add(
            problem
                .label(format!("the load lasts {}", units::show_duration(total)))
                .help("nothing would be judged; shorten it"),
        );
    }
}

fn totals(report: &Report<'_>, phases: &[Phase]) {
    let arrivals: f64 = phases
        .iter()
        .map(|phase| mean_rate(phase) * phase.duration.as_secs_f64())
        .sum();
    if arrivals > ARRIVALS_MAX {
        let problem = report.at_key(
            &Place::root().key("load"),
            format!("this load means {arrivals:.0} journeys"),
        );
        report.add(
            problem
                .label("more than 10000000000")
                .help("shorten the phases or lower their rates"),
        );
    }
    if arrivals < 1.0 && !phases.is_empty() {
        let problem = report.at_key(&Place::root().key("load"), "not one shopper would arrive");
        report.add(
            problem
                .label(format!("{arrivals:.2} journeys in all"))
                .help(
                    "lengthen the phases or raise their rates, so that at least one journey begins",
                ),
        );
    }
}

fn readings(phase: &Phase) -> impl Iterator<Item = f64> + '_ {
    let step = phase.duration.as_secs_f64() / READINGS as f64;
    (0..READINGS).map(move |index| {
        rate_at(
            &phase.curve,
            (index as f64 + 0.5) * step,
            phase.duration.as_secs_f64(),
        )
    })
}

fn mean_rate(phase: &Phase) -> f64 {
    readings(phase).sum::<f64>() / READINGS as f64
}

/// The highest rate that the phase holds without a break for so many seconds; 0 if it is shorter.
fn sustained_rate(phase: &Phase, seconds: f64) -> f64 {
    let length = phase.duration.as_secs_f64();
    if seconds > length || seconds <= 0.0 {
        return 0.0;
    }
    let window = ((seconds / length * READINGS as f64).ceil() as usize).clamp(1, READINGS);
    let rates: Vec<f64> = readings(phase).collect();
    rates
        .windows(window)
        .map(|window| window.iter().copied().fold(f64::INFINITY, f64::min))
        .fold(0.0, f64::max)
}

fn rate_at(curve: &Curve, at: f64, length: f64) -> f64 {
    match curve {
        Curve::Constant(rate) => *rate,
        Curve::Ramp { from, to } => from + (to - from) * at / length,
        Curve::Steps { from, to, count } => {
            let step = (at / length * f64::from(*count))
                .floor()
                .min(f64::from(count - 1));
            from + (to - from) * step / f64::from(count - 1)
        }
        Curve::Spike {
            base,
            peak,
            at: begin,
            width,
        } => {
            let inside = at >= begin.as_secs_f64() && at < (*begin + *width).as_secs_f64();
            if inside { *peak } else { *base }
        }
        Curve::Diurnal {
            low,
            high,
            period,
            peak_at,
        } => {
            let turn = std::f64::consts::TAU * (at - peak_at.as_secs_f64()) / period.as_secs_f64();
            low + (high - low) * (1.0 + turn.cos()) / 2.0
        }
        Curve::Replay(points) => replayed(points, at),
    }
}

fn replayed(points: &[(f64, f64)], at: f64) -> f64 {
    let after = points.iter().position(|(time, _)| *time > at);
    match after {
        Some(index) if index > 0 => {
            let ((from, rate_from), (to, rate_to)) = (points[index - 1], points[index]);
            rate_from + (rate_to - rate_from) * (at - from) / (to - from)
        }
        _ => points.last().map_or(0.0, |(_, rate)| *rate),
    }
}

/// Mean seconds that a shopper thinks, over personas and journeys.
fn mean_stay(file: &File, scenario: &Scenario) -> f64 {
    let journeys: Vec<f64> = file
        .journeys
        .iter()
        .map(|journey| thinking(&journey.steps).seconds)
        .collect();
    let mut stay = 0.0;
    let mut weights = 0.0;
    for persona in &scenario.personas {
        let total: f64 = persona.journeys.iter().sum();
        if total <= 0.0 {
            continue;
        }
        let walked: f64 = persona
            .journeys
            .iter()
            .zip(&journeys)
            .map(|(weight, seconds)| weight * seconds)
            .sum();
        stay += persona.weight * persona.pace * walked / total;
        weights += persona.weight;
    }
    if weights > 0.0 { stay / weights } else { 0.0 }
}

/// Mean thinking on a stretch of a journey, and the share of shoppers who come out at its end.
#[derive(Clone, Copy)]
struct Stretch {
    seconds: f64,
    out: f64,
}

const NOTHING: Stretch = Stretch {
    seconds: 0.0,
    out: 1.0,
};

fn thinking(steps: &[StepShape]) -> Stretch {
    steps.iter().fold(NOTHING, |before, step| {
        let stretch = one(step);
        Stretch {
            seconds: before.seconds + before.out * stretch.seconds,
            out: before.out * stretch.out,
        }
    })
}

fn one(step: &StepShape) -> Stretch {
    match step {
        StepShape::Think(step) => Stretch {
            seconds: mean_think(&step.think),
            out: 1.0,
        },
        StepShape::Leave(step) => Stretch {
            seconds: 0.0,
            out: stays(step.leave.as_str()),
        },
        StepShape::Request(request) => Stretch {
            seconds: 0.0,
            out: request
                .leave
                .as_ref()
                .map_or(1.0, |leave| stays(leave.as_str())),
        },
        StepShape::Repeat(step) => {
            let rounds = match &step.repeat {
                RepeatShape::Exactly(count) => *count,
                RepeatShape::Range(text) => units::range(text.as_str()).map_or(0, |(from, _)| from),
            };
            repeated(thinking(&step.steps), rounds)
        }
        StepShape::Until(step) => thinking(&step.steps),
        StepShape::When(step) => {
            let then = thinking(&step.then);
            let other = step.r#else.as_deref().map_or(NOTHING, thinking);
            Stretch {
                seconds: then.seconds.min(other.seconds),
                out: then.out.min(other.out),
            }
        }
        StepShape::Choose(step) => {
            let total: f64 = step
                .choose
                .iter()
                .map(|way| way.weight.unwrap_or(1.0))
                .sum();
            step.choose.iter().fold(
                Stretch {
                    seconds: 0.0,
                    out: 0.0,
                },
                |sum, way| {
                    let share = way.weight.unwrap_or(1.0) / total;
                    let way = thinking(&way.steps);
                    Stretch {
                        seconds: sum.seconds + share * way.seconds,
                        out: sum.out + share * way.out,
                    }
                },
            )
        }
        // A loop may go round not even once.
        StepShape::ForEach(_)
        | StepShape::While(_)
        | StepShape::Set(_)
        | StepShape::Together(_) => NOTHING,
    }
}

/// The sum of a geometric series: each round is begun by those who came out of the one before.
fn repeated(round: Stretch, rounds: u32) -> Stretch {
    let rounds = f64::from(rounds);
    if round.out >= 1.0 {
        return Stretch {
            seconds: round.seconds * rounds,
            out: 1.0,
        };
    }
    let out = round.out.powf(rounds);
    Stretch {
        seconds: round.seconds * (1.0 - out) / (1.0 - round.out),
        out,
    }
}

fn stays(text: &str) -> f64 {
    1.0 - units::share(text).unwrap_or(0.0).min(1.0)
}

fn mean_think(shape: &ThinkShape) -> f64 {
    let seconds = |text: &str| units::duration(text).unwrap_or_default().as_secs_f64();
    match shape {
        ThinkShape::Text(text) => match units::duration_range(text.as_str()) {
            Some((from, to)) => (from + to).as_secs_f64() / 2.0,
            None => seconds(text.as_str()),
        },
        ThinkShape::Exponential(shape) => seconds(shape.exponential.as_str()),
        ThinkShape::Normal(shape) => seconds(shape.normal.mean.as_str()),
        // The mean is above the median by e^(sigma²/2); the median is the safe side.
        ThinkShape::LogNormal(shape) => seconds(shape.lognormal.median.as_str()),
    }
}

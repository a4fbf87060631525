//! What a scenario amounts to, in figures and in JSON.

use std::time::Duration;

use serde_json::{Value, json};

use crate::scenario::{CrowdPhase, Curve, Load, Phase, Scenario, show_duration, show_rate};
use crate::schedule::{Schedule, crowd};

/// How long the load lasts, if that is known beforehand.
pub(super) fn duration(scenario: &Scenario) -> Option<Duration> {
    match &scenario.load {
        Load::Open { phases, .. } => Some(phases.iter().map(|phase| phase.duration).sum()),
        Load::Closed { until, .. } => until.elapsed,
    }
}

/// The highest rate of arrivals, if there are arrivals.
pub(super) fn peak_rate(scenario: &Scenario) -> Option<f64> {
    match &scenario.load {
        Load::Open { phases, .. } => Some(
            phases
                .iter()
                .map(|phase| phase.curve.peak())
                .fold(0.0, f64::max),
        ),
        Load::Closed { .. } => None,
    }
}

/// How long it lasts, for a table.
pub(super) fn lasts(scenario: &Scenario) -> String {
    match (&scenario.load, duration(scenario)) {
        (_, Some(duration)) => show_duration(duration),
        (Load::Closed { until, .. }, None) => match until.journeys {
            Some(1) => "1 journey".to_owned(),
            journeys => format!("{} journeys", journeys.unwrap_or_default()),
        },
        (Load::Open { .. }, None) => "-".to_owned(),
    }
}

/// The highest rate or the number of shoppers, for a table.
pub(super) fn peak(scenario: &Scenario) -> String {
    match (&scenario.load, peak_rate(scenario)) {
        (_, Some(rate)) => show_rate(rate),
        (Load::Closed { crowd, .. }, None) => counted(crowd::most(crowd) as usize, "shopper"),
        (Load::Open { .. }, None) => "-".to_owned(),
    }
}

/// The whole scenario in one line.
pub(super) fn one_line(scenario: &Scenario) -> String {
    format!(
        "{}, {} at most, {}, {}, {}",
        lasts(scenario),
        peak(scenario),
        counted(scenario.journeys.len(), "journey"),
        counted(scenario.steps.len(), "request"),
        counted(scenario.thresholds.len(), "threshold"),
    )
}

/// `1 journey`, `2 journeys`.
pub(super) fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// The first sentence of a text, in one line.
pub(super) fn first_sentence(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.find(". ") {
        Some(end) => line[..=end].to_owned(),
        None => line,
    }
}

/// Everything that a program may want to know of a scenario.
pub(super) fn json(scenario: &Scenario) -> Value {
    let figure =
        |id: &crate::scenario::StepNameId| scenario.figures[usize::from(id.0)].name.as_str();
    json!({
        "name": scenario.name,
        "about": scenario.about,
        "origin": scenario.source.origin,
        "hash": scenario.source.hash,
        "seed": scenario.seed,
        "target": scenario.target,
        "duration_s": duration(scenario).map(|duration| duration.as_secs_f64()),
        "peak_rate_per_s": peak_rate(scenario),
        "load": load_json(scenario),
        "personas": scenario.personas.iter().map(|persona| json!({
            "name": persona.name,
            "weight": persona.weight,
            "returning": persona.returning,
            "declined_cards": persona.declined_cards,
        })).collect::<Vec<_>>(),
        "journeys": scenario.journeys.iter().map(|journey| json!({
            "name": journey.name,
            "funnel": journey.funnel.iter().map(figure).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "steps": scenario.figures.iter().map(|figure| json!({
            "name": figure.name,
            "service": figure.service,
            "tags": figure.tags,
        })).collect::<Vec<_>>(),
        "prepare": scenario.prepare.iter()
            .map(|id| figure(&scenario.steps[usize::from(id.0)].figure))
            .collect::<Vec<_>>(),
        "counters": scenario.counters,
        "variables": scenario.variables,
        "thresholds": scenario.thresholds.iter().map(|threshold| &threshold.text).collect::<Vec<_>>(),
    })
}

fn load_json(scenario: &Scenario) -> Value {
    match &scenario.load {
        Load::Open { phases, spacing } => {
            let schedule = Schedule::new(phases, *spacing, scenario.seed);
            json!({
                "model": "open",
                "spacing": format!("{spacing:?}").to_lowercase(),
                "journeys": schedule.total(),
                "phases": phases.iter().map(phase_json).collect::<Vec<_>>(),
            })
        }
        Load::Closed { crowd, until } => json!({
            "model": "closed",
            "shoppers": crowd::most(crowd),
            "phases": crowd.iter().map(crowd_phase_json).collect::<Vec<_>>(),
            "duration_s": until.elapsed.map(|elapsed| elapsed.as_secs_f64()),
            "journeys": until.journeys,
        }),
    }
}

fn crowd_phase_json(phase: &CrowdPhase) -> Value {
    let duration = (phase.duration < Duration::MAX).then_some(phase.duration.as_secs_f64());
    json!({
        "name": phase.name,
        "duration_s": duration,
        "shoppers": phase.size.most(),
    })
}

fn phase_json(phase: &Phase) -> Value {
    let curve = match &phase.curve {
        Curve::Constant(_) => "constant",
        Curve::Ramp { .. } => "ramp",
        Curve::Steps { .. } => "steps",
        Curve::Spike { .. } => "spike",
        Curve::Diurnal { .. } => "diurnal",
        Curve::Replay(_) => "replay",
    };
    json!({
        "name": phase.name,
        "duration_s": phase.duration.as_secs_f64(),
        "curve": curve,
        "peak_rate_per_s": phase.curve.peak(),
    })
}

//! Changes from the command line: single values, and the load as a whole.

use std::time::Duration;

use checked_yaml::{Document, Problems, closest};

use super::check::units;
use super::sections;
use super::{CrowdPhase, Curve, Load, Overrides, Phase};

/// What flags change about a scenario.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// `--set key=value`: a dotted path into the file, or a variable's name.
    pub set: Overrides,
    /// `--rate-scale`: multiplies every rate.
    pub rate_scale: Option<f64>,
    /// `--rate`: scales all rates so that the highest becomes this, in arrivals a second.
    pub rate: Option<f64>,
    /// `--duration`: scales all phases so that they last this long together; of a closed load the time limit.
    pub duration: Option<Duration>,
    /// `--secret`: names whose values are never shown, besides those of the file.
    pub secrets: Vec<String>,
}

impl From<Overrides> for Changes {
    fn from(set: Overrides) -> Self {
        Self {
            set,
            ..Self::default()
        }
    }
}

/// Applies `--set` to a file before it is checked.
pub(super) fn set(document: &mut Document, overrides: &Overrides) {
    for (key, value) in overrides {
        let first = key.split('.').next().unwrap_or(key);
        let variable = document
            .root()
            .get("variables")
            .is_some_and(|variables| variables.get(key).is_some());
        if variable && !sections::is_section(first) {
            document.set_scalar("--set", &format!("variables.{key}"), value);
        } else if first == "variables" && key.matches('.').count() == 1 {
            document.set_scalar("--set", key, value);
        } else {
            document.set("--set", key, value);
        }
    }
}

/// Applies the flags about the load.
pub(super) fn load(load: &mut Load, changes: &Changes) -> Result<(), Problems> {
    let factor = factor(load, changes)?;
    match load {
        Load::Open { phases, .. } => {
            for phase in phases.iter_mut() {
                scale_rate(&mut phase.curve, factor);
            }
            if let Some(wanted) = changes.duration {
                stretch(phases, wanted);
            }
        }
        Load::Closed { crowd, until } => {
            if let Some(wanted) = changes.duration {
                stretch(crowd, wanted);
                until.elapsed = Some(wanted);
            }
        }
    }
    Ok(())
}

fn factor(load: &Load, changes: &Changes) -> Result<f64, Problems> {
    let scale = changes.rate_scale.unwrap_or(1.0);
    if !scale.is_finite() || scale <= 0.0 {
        return Err(refuse(
            "--rate-scale",
            &scale.to_string(),
            "a rate is multiplied by a number above 0",
            "for example `--rate-scale 0.5`",
        ));
    }
    match (load, changes.rate) {
        (Load::Open { .. }, None) => Ok(scale),
        (Load::Open { phases, .. }, Some(rate)) if rate.is_finite() && rate > 0.0 => {
            let peak = phases
                .iter()
                .map(|phase| phase.curve.peak())
                .fold(0.0, f64::max);
            Ok(scale * if peak > 0.0 { rate / peak } else { 1.0 })
        }
        (Load::Open { .. }, Some(rate)) => Err(refuse(
            "--rate",
            &rate.to_string(),
            "a rate is above 0",
            "for example `--rate 100/s`",
        )),
        (Load::Closed { .. }, None) if changes.rate_scale.is_none() => Ok(1.0),
        (Load::Closed { .. }, _) => Err(refuse(
            "--rate",
            "closed",
            "a closed load has no rate: its shoppers begin again when they have finished",
            "change the number of shoppers instead: `--set load.shoppers=64`, or `--set load.phases.0.shoppers=64`",
        )),
    }
}

fn refuse(flag: &str, value: &str, message: &str, help: &str) -> Problems {
    Problems::without_text(flag, format!("{flag} {value}: {message}"), help)
}

fn scale_rate(curve: &mut Curve, factor: f64) {
    match curve {
        Curve::Constant(rate) => *rate *= factor,
        Curve::Ramp { from, to } | Curve::Steps { from, to, .. } => {
            *from *= factor;
            *to *= factor;
        }
        Curve::Spike { base, peak, .. } => {
            *base *= factor;
            *peak *= factor;
        }
        Curve::Diurnal { low, high, .. } => {
            *low *= factor;
            *high *= factor;
        }
        Curve::Replay(points) => points.iter_mut().for_each(|(_, rate)| *rate *= factor),
    }
}

/// A phase whose length can be changed.
trait Stretch {
    fn duration(&mut self) -> &mut Duration;
    /// Multiplies its length and all times in it.
    fn scale_time(&mut self, factor: f64);
}

impl Stretch for Phase {
    fn duration(&mut self) -> &mut Duration {
        &mut self.duration
    }

    fn scale_time(&mut self, factor: f64) {
        scale_time(self, factor);
    }
}

impl Stretch for CrowdPhase {
    fn duration(&mut self) -> &mut Duration {
        &mut self.duration
    }

    fn scale_time(&mut self, factor: f64) {
        self.duration = self.duration.mul_f64(factor);
    }
}

/// Makes phases last so long together. The one phase that lasts as long as its load is left alone.
fn stretch(phases: &mut [impl Stretch], wanted: Duration) {
    let total = phases.iter_mut().fold(Duration::ZERO, |sum, phase| {
        sum.saturating_add(*phase.duration())
    });
    if total.is_zero() || total == Duration::MAX || wanted.is_zero() {
        return;
    }
    let factor = wanted.as_secs_f64() / total.as_secs_f64();
    let Some((last, others)) = phases.split_last_mut() else {
        return;
    };
    for phase in others.iter_mut() {
        phase.scale_time(factor);
    }
    last.scale_time(factor);
    // What rounding took or gave falls to the last phase: the total is exactly what was asked for.
    let before: Duration = others.iter_mut().map(|phase| *phase.duration()).sum();
    *last.duration() = wanted.saturating_sub(before);
}

fn scale_time(phase: &mut Phase, factor: f64) {
    phase.duration = phase.duration.mul_f64(factor);
    match &mut phase.curve {
        Curve::Spike { at, width, .. } => {
            *at = at.mul_f64(factor);
            *width = width.mul_f64(factor);
        }
        Curve::Diurnal {
            period, peak_at, ..
        } => {
            *period = period.mul_f64(factor);
            *peak_at = peak_at.mul_f64(factor);
        }
        Curve::Replay(points) => points.iter_mut().for_each(|(time, _)| *time *= factor),
        Curve::Constant(_) | Curve::Ramp { .. } | Curve::Steps { .. } => {}
    }
}

impl Curve {
    /// The highest rate that the curve reaches.
    pub fn peak(&self) -> f64 {
        match self {
            Self::Constant(rate) => *rate,
            Self::Ramp { from, to } | Self::Steps { from, to, .. } => from.max(*to),
            Self::Spike { base, peak, .. } => base.max(*peak),
            Self::Diurnal { high, .. } => *high,
            Self::Replay(points) => points.iter().map(|(_, rate)| *rate).fold(0.0, f64::max),
        }
    }
}

/// Reads a `--duration`.
///
/// # Errors
/// What is not a duration, in words for a command line.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    match units::duration(text) {
        Some(duration) if !duration.is_zero() => Ok(duration),
        Some(_) => Err("must be above 0".to_owned()),
        None => Err("expected a duration such as 30s, 5m or 1m30s".to_owned()),
    }
}

/// Reads a `--rate`.
///
/// # Errors
/// What is not a rate, in words for a command line.
pub fn parse_rate(text: &str) -> Result<f64, String> {
    match units::rate(text) {
        Some(rate) if rate > 0.0 => Ok(rate),
        Some(_) => Err("must be above 0".to_owned()),
        None => Err("expected a rate such as 500/s, 600/min or 12/h".to_owned()),
    }
}

/// Reads a `--set key=value`.
///
/// # Errors
/// What is not of that form, in words for a command line.
pub fn parse_set(text: &str) -> Result<(String, String), String> {
    let Some((key, value)) = text.split_once('=') else {
        return Err("expected key=value, for example load.phases.0.rate=10/s".to_owned());
    };
    let key = key.trim();
    if key.is_empty() || key.split('.').any(str::is_empty) {
        return Err(format!(
            "`{key}` is not a key; expected a dotted path, for example load.phases.0.rate"
        ));
    }
    let first = key.split('.').next().unwrap_or(key);
    if key.contains('.') && !sections::is_section(first) {
        let hint = closest(first, sections::names())
            .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        return Err(format!("a scenario has no `{first}`{hint}"));
    }
    Ok((key.to_owned(), value.to_owned()))
}

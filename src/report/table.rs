//! CSV: one row per step over the run, per phase, and per window. One header, so that any tool can filter by `scope`.

use super::QUANTILES;
use super::figures::{Figures, StepFigures, name};
use super::read::{ReadError, Run, window_figures};
use crate::measure::{LatencyHistogram, StepStats};
use crate::redact::plain;

/// The name under which all steps together are listed.
pub const ALL_STEPS: &str = "all steps";

/// The table.
///
/// # Errors
/// When a window is damaged.
pub fn csv(run: &Run) -> Result<String, ReadError> {
    let figures = Figures::of(&run.report);
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut rows = vec![header()];
    let end = run.report.phases.last().map_or(0.0, |phase| phase.end_s);
    let whole = Span("run", "", end - figures.seconds, end);
    rows.extend(block(&whole, &figures.steps, &figures.all));
    for phase in &figures.phases {
        let span = Span(
            "phase",
            &phase.name,
            phase.begin_s,
            phase.begin_s + phase.seconds,
        );
        rows.extend(block(&span, &phase.steps, &phase.all));
    }
    rows.extend(windows(run)?);
    for row in rows {
        // A vector takes every row.
        let _ = writer.write_record(&row);
    }
    let bytes = writer.into_inner().unwrap_or_default();
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Scope, phase, begin and end.
struct Span<'a>(&'a str, &'a str, f64, f64);

fn header() -> Vec<String> {
    let fixed = [
        "scope",
        "phase",
        "begin_s",
        "end_s",
        "step",
        "service",
        "ok",
        "outcomes",
        "errors",
        "in_flight",
    ];
    let mut header: Vec<String> = fixed.map(str::to_owned).into();
    for kind in ["response", "service", "failure"] {
        header.extend(
            QUANTILES
                .iter()
                .map(|(name, _)| format!("{kind}_{name}_ms")),
        );
    }
    header
}

fn block(span: &Span<'_>, steps: &[StepFigures], all: &StepStats) -> Vec<Vec<String>> {
    let mut rows: Vec<_> = steps
        .iter()
        .map(|step| row(span, &step.step, &step.service, &step.cell))
        .collect();
    rows.push(row(span, ALL_STEPS, "", all));
    rows
}

fn row(span: &Span<'_>, step: &str, service: &str, cell: &StepStats) -> Vec<String> {
    let Span(scope, phase, begin, end) = span;
    let mut row = vec![
        (*scope).to_owned(),
        plain::cell(phase),
        format!("{begin:.3}"),
        format!("{end:.3}"),
        plain::cell(step),
        plain::cell(service),
        cell.ok.to_string(),
        cell.outcomes.to_string(),
        cell.errors().to_string(),
        cell.in_flight.to_string(),
    ];
    for times in [&cell.response, &cell.service, &cell.failure] {
        row.extend(QUANTILES.iter().map(|(_, q)| millis(times, *q)));
    }
    row
}

/// A quantile in milliseconds to the microsecond; empty without readings.
pub fn millis(times: &LatencyHistogram, q: f64) -> String {
    let value = times.quantile(q);
    value.map_or_else(String::new, |time| {
        format!("{:.3}", time.as_micros() as f64 / 1e3)
    })
}

fn windows(run: &Run) -> Result<Vec<Vec<String>>, ReadError> {
    let mut rows = Vec::new();
    for window in window_figures(run) {
        let (record, figures) = window?;
        let end = record.at_ms as f64 / 1e3;
        let begin = end - record.length_ms as f64 / 1e3;
        let phase = run.report.phases.iter().find(|p| begin < p.end_s);
        let phase = phase
            .or(run.report.phases.last())
            .map_or("", |p| p.name.as_str());
        let span = Span("window", phase, begin, end);
        let steps: Vec<StepFigures> = figures
            .figures
            .into_iter()
            .map(|(figure, mut cell)| {
                cell.in_flight = cell.readings().saturating_sub(cell.finished());
                StepFigures {
                    step: name(&run.report, figure.0),
                    service: String::new(),
                    cell,
                }
            })
            .collect();
        let mut all = StepStats::default();
        steps.iter().for_each(|step| all.add(&step.cell));
        rows.extend(block(&span, &steps, &all));
    }
    Ok(rows)
}

//! The record as JSON for programs: without its windows, with all percentiles computed.

use serde_json::{Value, json};

use super::QUANTILES;
use super::figures::Figures;
use super::read::Run;
use super::table::ALL_STEPS;
use crate::measure::{LatencyHistogram, StepStats};

/// The document.
pub fn json(run: &Run) -> String {
    format!("{:#}\n", record(run))
}

fn record(run: &Run) -> Value {
    let mut report = run.report.clone();
    report.windows.clear();
    let figures = Figures::of(&report);
    let steps: Vec<Value> = figures
        .steps
        .iter()
        .map(|row| summary(&row.step, &row.cell))
        .collect();
    let mut value = serde_json::to_value(&report).unwrap_or_default();
    if let Some(fields) = value.as_object_mut() {
        fields.insert("remarks".to_owned(), json!(run.remarks));
        let summary = json!({"seconds": figures.seconds, "steps": steps, "all": summary(ALL_STEPS, &figures.all)});
        fields.insert("summary".to_owned(), summary);
    }
    value
}

fn summary(name: &str, cell: &StepStats) -> Value {
    let quantiles = |times: &LatencyHistogram| -> Value {
        let one = |(name, q): (&str, f64)| {
            let millis = times.quantile(q).map(|time| time.as_micros() as f64 / 1e3);
            (name.to_owned(), json!(millis))
        };
        QUANTILES
            .into_iter()
            .map(one)
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    json!({
        "step": name, "ok": cell.ok, "outcomes": cell.outcomes, "errors": cell.errors(), "in_flight": cell.in_flight,
        "response_ms": quantiles(&cell.response), "service_ms": quantiles(&cell.service),
        "failure_ms": quantiles(&cell.failure),
    })
}

//! The numbers behind the charts: compact arrays, percentiles and heat map rows instead of histograms.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::measure::{LatencyHistogram, StepStats};
use crate::report::WindowRecord;
use crate::report::figures::{Figures, name};
use crate::report::read::{ReadError, Run, window_figures};
use crate::report::table::ALL_STEPS;
use crate::verdict::thresholds::WindowFigures;

/// Most points in time on a chart. Longer runs have wider points, made by adding whole windows.
const POINTS_MAX: usize = 720;

/// Steps that can be looked at alone; the busiest are taken.
const STEPS_MAX: usize = 40;

/// Rows of the heat map for each factor of ten.
const HEAT_ROWS_PER_DECADE: f64 = 16.0;

/// Points of the distribution for each factor of ten in rarity.
const DISTRIBUTION_POINTS: u32 = 20;

/// Percentiles drawn over time.
const OVER_TIME: [f64; 4] = [0.5, 0.9, 0.99, 0.999];

/// JSON that can stand inside a `<script>` element.
///
/// # Errors
/// When a window is damaged.
pub(super) fn data(run: &Run, figures: &Figures) -> Result<String, ReadError> {
    let report = &run.report;
    let shown = shown(run, figures);
    let mut steps = vec![Curve::new(ALL_STEPS)];
    steps.extend(shown.iter().map(|(_, name)| Curve::new(name)));
    let mut frame = Frame::default();
    let per_point = report.windows.len().div_ceil(POINTS_MAX).max(1);
    let mut point = Point::default();
    for (index, window) in window_figures(run).enumerate() {
        let (record, figures) = window?;
        point.add(record, figures);
        if (index + 1) % per_point == 0 || index + 1 == report.windows.len() {
            std::mem::take(&mut point).close(&mut frame, &mut steps, &shown);
        }
    }
    let cells = std::iter::once(&figures.all).chain(
        shown
            .iter()
            .filter_map(|(_, name)| figures.steps.iter().find(|s| s.step == *name))
            .map(|step| &step.cell),
    );
    let steps: Vec<Value> = steps
        .iter()
        .zip(cells)
        .map(|(s, cell)| s.json(cell))
        .collect();
    let span = |name: &str, begin: f64, end: f64| json!({"name": name, "begin": begin, "end": end});
    let value = json!({
        "t": frame.t, "w": frame.length,
        "planned": frame.planned, "achieved": frame.achieved,
        "shoppers": frame.shoppers, "connections": frame.connections, "cpu": frame.cpu,
        "lag": frame.lag, "cores": report.workers,
        "phases": report.phases.iter().map(|p| span(&p.name, p.begin_s, p.end_s)).collect::<Vec<_>>(),
        "faults": report.faults.iter().map(|f| span(&f.name, f.begin_s, f.end_s)).collect::<Vec<_>>(),
        "marks": report.rate_changes.iter().map(|c| json!({"at": c.at_s, "text": format!("rate × {}", c.factor)})).collect::<Vec<_>>(),
        "perDecade": HEAT_ROWS_PER_DECADE,
        "steps": steps,
    });
    Ok(script_safe(&value.to_string()))
}

/// `<`, `>` and `&` as escapes of JSON, so that no text can end the script element; line separators for old engines.
fn script_safe(json: &str) -> String {
    let mut out = String::with_capacity(json.len() + 64);
    for c in json.chars() {
        match c {
            '<' => out.push_str("\\u003c"),
            '>' => out.push_str("\\u003e"),
            '&' => out.push_str("\\u0026"),
            '\u{2028}' => out.push_str("\\u2028"),
            '\u{2029}' => out.push_str("\\u2029"),
            c => out.push(c),
        }
    }
    out
}

/// Index and name of the steps that can be looked at alone.
fn shown(run: &Run, figures: &Figures) -> Vec<(u16, String)> {
    let mut busiest: Vec<_> = figures.steps.iter().collect();
    busiest.sort_by_key(|step| std::cmp::Reverse(step.cell.readings()));
    busiest.truncate(STEPS_MAX);
    let position = |wanted: &str| {
        (0..=u16::MAX)
            .take(run.report.figures.len())
            .find(|index| name(&run.report, *index) == wanted)
    };
    let steps = figures.steps.iter();
    steps
        .filter(|step| busiest.iter().any(|kept| kept.step == step.step))
        .filter_map(|step| Some((position(&step.step)?, step.step.clone())))
        .collect()
}

/// What all charts share.
#[derive(Default)]
struct Frame {
    t: Vec<f64>,
    length: Vec<f64>,
    planned: Vec<f64>,
    achieved: Vec<f64>,
    shoppers: Vec<u32>,
    connections: Vec<u32>,
    cpu: Vec<f64>,
    lag: [Vec<Option<f64>>; 3],
}

/// One point in time, while windows are added to it.
#[derive(Default)]
struct Point {
    at: f64,
    length: f64,
    planned: f64,
    achieved: f64,
    shoppers: u32,
    connections: u32,
    cpu: f64,
    lag: LatencyHistogram,
    cells: BTreeMap<u16, StepStats>,
}

impl Point {
    fn add(&mut self, record: &WindowRecord, figures: WindowFigures) {
        let length = record.length_ms as f64 / 1e3;
        self.at = record.at_ms as f64 / 1e3;
        self.length += length;
        self.planned += record.planned_rate * length;
        self.achieved += record.achieved_rate * length;
        self.cpu += record.cpu * length;
        self.shoppers = self.shoppers.max(record.shoppers);
        self.connections = self.connections.max(record.connections);
        self.lag.add(&figures.start_lag);
        for (figure, cell) in figures.figures {
            match self.cells.entry(figure.0) {
                std::collections::btree_map::Entry::Vacant(empty) => drop(empty.insert(cell)),
                std::collections::btree_map::Entry::Occupied(mut sum) => sum.get_mut().add(&cell),
            }
        }
    }

    fn close(self, frame: &mut Frame, steps: &mut [Curve], shown: &[(u16, String)]) {
        let length = self.length.max(1e-3);
        frame.t.push(round(self.at));
        frame.length.push(round(length));
        frame.planned.push(round(self.planned / length));
        frame.achieved.push(round(self.achieved / length));
        frame.shoppers.push(self.shoppers);
        frame.connections.push(self.connections);
        frame.cpu.push(round(self.cpu / length));
        for (curve, q) in frame.lag.iter_mut().zip([0.5, 0.99, 1.0]) {
            curve.push(millis(&self.lag, q));
        }
        let mut all = StepStats::default();
        self.cells.values().for_each(|cell| {
            all.response.add(&cell.response);
            all.failure.add(&cell.failure);
            all.ok += cell.ok;
            all.outcomes += cell.outcomes;
            all.failed += cell.errors();
        });
        steps[0].push(&all, length);
        let empty = StepStats::default();
        for (curve, (index, _)) in steps[1..].iter_mut().zip(shown) {
            curve.push(self.cells.get(index).unwrap_or(&empty), length);
        }
    }
}

/// One step (or all) over time.
struct Curve {
    name: String,
    quantiles: [Vec<Option<f64>>; 4],
    rate: Vec<f64>,
    errors: Vec<f64>,
    heat: Vec<Vec<u64>>,
}

impl Curve {
    fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            quantiles: Default::default(),
            rate: Vec::new(),
            errors: Vec::new(),
            heat: Vec::new(),
        }
    }

    fn push(&mut self, cell: &StepStats, seconds: f64) {
        for (curve, q) in self.quantiles.iter_mut().zip(OVER_TIME) {
            curve.push(millis(&cell.response, q));
        }
        self.rate.push(round(cell.readings() as f64 / seconds));
        self.errors.push(round(cell.errors() as f64 / seconds));
        self.heat.push(heat(&cell.response));
    }

    fn json(&self, cell: &StepStats) -> Value {
        json!({
            "name": self.name, "p": self.quantiles, "rate": self.rate, "errors": self.errors, "heat": self.heat,
            "response": distribution(&cell.response), "service": distribution(&cell.service),
        })
    }
}

/// Row and count in turn, rows without readings left out. Row `r` begins at `10^(r / rows per decade)` µs.
fn heat(times: &LatencyHistogram) -> Vec<u64> {
    let mut rows: BTreeMap<u64, u64> = BTreeMap::new();
    if times.count() > 0 {
        for value in times.histogram().iter_recorded() {
            let micros = value.value_iterated_to().max(1) as f64;
            let row = (micros.log10() * HEAT_ROWS_PER_DECADE) as u64;
            *rows.entry(row).or_default() += value.count_at_value();
        }
    }
    rows.into_iter()
        .flat_map(|(row, count)| [row, count])
        .collect()
}

/// Pairs of `log10(1 / (1 − q))` and milliseconds, up to the slowest reading, which is drawn where 1 in `count` lies.
fn distribution(times: &LatencyHistogram) -> Vec<[f64; 2]> {
    let count = times.count();
    let last = (count.max(1) as f64).log10();
    let mut points = Vec::new();
    for step in 0_u32.. {
        let x = f64::from(step) / f64::from(DISTRIBUTION_POINTS);
        if x >= last {
            break;
        }
        let q = 1.0 - 10_f64.powf(-x);
        points.extend(millis(times, q).map(|value| [round(x), value]));
    }
    points.extend(millis(times, 1.0).map(|value| [round(last), value]));
    points
}

fn millis(times: &LatencyHistogram, q: f64) -> Option<f64> {
    times
        .quantile(q)
        .map(|time: Duration| time.as_micros() as f64 / 1e3)
}

/// Three decimals are more than a chart can show, and a third of the bytes.
fn round(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::script_safe;

    #[test]
    fn no_text_can_end_the_script_element() {
        let json = serde_json::json!({"name": "</script><script>alert(1)</script>&\u{2028}"});
        let safe = script_safe(&json.to_string());
        assert!(!safe.contains('<') && !safe.contains('&') && !safe.contains('\u{2028}'));
        let back: serde_json::Value = serde_json::from_str(&safe).unwrap();
        assert_eq!(back, json, "and it is still the same text");
    }
}

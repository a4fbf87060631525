//! PURE: two runs side by side.
//!
//! The difference of a percentile is the Hodges–Lehmann estimate (the median of all Walsh averages, Hodges and Lehmann 1963)
//! of ln(B/A) over blocks of ten seconds, with the exact interval of the signed-rank distribution (Hollander, Wolfe and
//! Chicken, Nonparametric Statistical Methods, 3.2 and 3.3). Blocks, not single windows, because neighbouring seconds of a
//! queueing system resemble each other. A block's value is the median over its windows, as in the gate.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::figures::{Figures, name};
use super::read::{ReadError, Run, window_figures};
use super::table::ALL_STEPS;
use crate::measure::{LatencyHistogram, StepStats};
use crate::verdict::show_time;

mod limit;
mod rank;
mod shift;
mod show;

pub use limit::{Limit, Limited};
pub use rank::{Estimate, hodges_lehmann};
pub use shift::Shift;

/// Length of a block, seconds.
const BLOCK_S: u64 = 10;

/// Most blocks; longer runs have longer blocks, so that the number of Walsh averages stays bounded.
const BLOCKS_MAX: u64 = 200;

/// Readings that a window needs on both sides for a quantile q to mean something: 2 / (1 − q).
fn enough(q: f64) -> u64 {
    (2.0 / (1.0 - q)).ceil() as u64
}

/// What is compared.
const QUANTILES: [(&str, f64); 4] = [("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99)];

/// The figure of error shares.
const ERRORS: &str = "errors";

/// Two runs side by side.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    /// Folder, verdict and begin of A.
    pub a: Side,
    /// The same of B.
    pub b: Side,
    /// In what the two runs differ besides what was measured.
    pub unlike: Vec<String>,
    /// Whether the same load was sent to both, so that the same moments can be paired.
    pub paired: bool,
    /// Length of a block, seconds.
    pub block_s: u64,
    /// One row per step and percentile, and for error shares: first those that moved, by how much.
    pub rows: Vec<Row>,
    /// Whether all steps moved by about the same time.
    pub together: Option<Shift>,
    /// Intervals that are given, and how many of them leave out zero. One in twenty does by chance alone.
    pub intervals: usize,
    /// See there.
    pub intervals_without_zero: usize,
    /// Limits on differences, judged.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<Limited>,
    /// What none of this proves.
    pub caveats: Vec<String>,
}

/// One of the runs.
#[derive(Debug, Clone, Serialize)]
pub struct Side {
    /// Its folder, and what it is called.
    pub folder: String,
    /// `VALID · PASS` and its like.
    pub verdict: String,
    /// When it began.
    pub started_at: String,
}

/// One figure of both runs.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// The step.
    pub step: String,
    /// The figure.
    pub figure: String,
    /// Its value in A, for people.
    pub a: String,
    /// Its value in B.
    pub b: String,
    /// B minus A over the whole runs, milliseconds; none for error shares.
    pub moved_ms: Option<f64>,
    /// B against A over the whole runs, as a ratio minus one; for error shares the difference.
    pub change: Option<f64>,
    /// The estimate over blocks with its interval, as ratios minus one.
    pub interval: Option<Interval>,
}

/// An estimated change.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    /// Hodges–Lehmann estimate.
    pub estimate: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Blocks behind it.
    pub blocks: usize,
}

impl Interval {
    /// Whether it speaks for a change.
    pub fn leaves_out_zero(&self) -> bool {
        self.low > 0.0 || self.high < 0.0
    }
}

/// Compares B with A.
///
/// # Errors
/// When a window of a run is damaged.
pub fn compare(a: &Run, b: &Run) -> Result<Comparison, ReadError> {
    let unlike = unlike(a, b);
    let paired = same_load(a, b);
    let longest = a.report.load_s.max(b.report.load_s) as u64;
    let block_s = BLOCK_S.max(longest.div_ceil(BLOCKS_MAX));
    let blocks = if paired {
        Some((blocks(a)?, blocks(b)?))
    } else {
        None
    };
    let (x, y) = (Figures::of(&a.report), Figures::of(&b.report));
    let mut rows = Vec::new();
    let intervals = |step: &str, q: f64| {
        let (a, b) = blocks.as_ref()?;
        interval(a.get(step)?, b.get(step)?, q, block_s)
    };
    step_rows(&mut rows, ALL_STEPS, &x.all, &y.all, &intervals);
    for step in &x.steps {
        if let Some(other) = y.steps.iter().find(|other| other.step == step.step) {
            step_rows(&mut rows, &step.step, &step.cell, &other.cell, &intervals);
        }
    }
    let together = Shift::of(&rows);
    rows.sort_by(shift::by_movement);
    let with = || rows.iter().filter_map(|row| row.interval);
    Ok(Comparison {
        together,
        intervals: with().count(),
        intervals_without_zero: with().filter(Interval::leaves_out_zero).count(),
        limits: Vec::new(),
        a: side(a),
        b: side(b),
        caveats: caveats(a, b, paired),
        unlike,
        paired,
        block_s,
        rows,
    })
}

fn side(run: &Run) -> Side {
    Side {
        folder: match run.report.labels.is_empty() {
            true => run.path.display().to_string(),
            false => format!("{} ({})", run.path.display(), run.report.labels.line()),
        },
        verdict: super::markdown::verdict(&run.report),
        started_at: run.report.started_at.clone(),
    }
}

/// The same arrivals at the same moments.
fn same_load(a: &Run, b: &Run) -> bool {
    let shape = |run: &Run| {
        let planned: Vec<u64> = run
            .report
            .arrivals
            .iter()
            .map(|second| second.planned)
            .collect();
        (run.report.scenario.hash.clone(), planned)
    };
    shape(a) == shape(b)
}

fn unlike(a: &Run, b: &Run) -> Vec<String> {
    let (x, y) = (&a.report, &b.report);
    let (e, f) = (&x.environment, &y.environment);
    let machine = |e: &super::Environment| {
        format!("{}, {} cores, {} MiB", e.cpu, e.cores, e.memory_bytes >> 20)
    };
    let fields = [
        ("scenario", x.scenario.name.clone(), y.scenario.name.clone()),
        (
            "scenario's text",
            x.scenario.hash.clone(),
            y.scenario.hash.clone(),
        ),
        (
            "seed",
            x.scenario.seed.to_string(),
            y.scenario.seed.to_string(),
        ),
        (
            "planned journeys",
            x.accounting.planned.to_string(),
            y.accounting.planned.to_string(),
        ),
        ("target", target(x), target(y)),
        (
            "worker threads",
            x.workers.to_string(),
            y.workers.to_string(),
        ),
        (
            "loadgen",
            x.loadgen_version.clone(),
            y.loadgen_version.clone(),
        ),
        ("machine", machine(e), machine(f)),
        ("kernel", e.kernel.clone(), f.kernel.clone()),
    ];
    let mut found: Vec<String> = fields
        .into_iter()
        .filter(|(_, a, b)| a != b)
        .map(|(what, a, b)| format!("{what}: {a} | {b}"))
        .collect();
    let steps = |run: &Run| -> Vec<String> {
        Figures::of(&run.report)
            .steps
            .into_iter()
            .map(|s| s.step)
            .collect()
    };
    let (of_a, of_b) = (steps(a), steps(b));
    for (side, only) in [("A", missing(&of_a, &of_b)), ("B", missing(&of_b, &of_a))] {
        if !only.is_empty() {
            found.push(format!("steps in {side} alone: {}", only.join(", ")));
        }
    }
    found
}

fn missing(these: &[String], those: &[String]) -> Vec<String> {
    these
        .iter()
        .filter(|name| !those.contains(name))
        .cloned()
        .collect()
}

fn target(report: &super::RunReport) -> String {
    // The embedded shop has another port each time, and is still the same shop.
    if report.embedded_shop {
        "the embedded shop".to_owned()
    } else {
        report.target.to_string()
    }
}

fn caveats(a: &Run, b: &Run, paired: bool) -> Vec<String> {
    let mut found = Vec::new();
    for (name, run) in [("A", a), ("B", b)] {
        if !run.report.verdict.valid {
            found.push(format!("{name} is INVALID: its figures cannot be trusted, and no difference from them either"));
        }
    }
    for (name, run) in [("A", a), ("B", b)] {
        if run.report.verdict.nothing_succeeded.is_some() {
            found.push(format!(
                "in {name} nothing succeeded: its times are those of failures"
            ));
        }
    }
    if !paired {
        found.push("the two runs did not get the same load, so a difference may come from the load alone; no intervals are given".to_owned());
    }
    found.push(
        "the runs were made one after the other: between sessions on one machine, latencies of the same build differ by more than ±5 % in 80 to 98 % of cases, and CPU per request in 35 %".to_owned(),
    );
    found.push(
        "an interval tells how much the two runs vary within themselves, not how much two sessions do; a change outside its interval may still be the machine's".to_owned(),
    );
    found.push("that a change causes a difference is shown only by runs of both builds interleaved in one session, in random order".to_owned());
    found
}

fn step_rows(
    rows: &mut Vec<Row>,
    step: &str,
    a: &StepStats,
    b: &StepStats,
    interval: &dyn Fn(&str, f64) -> Option<Interval>,
) {
    let shown = |time: Option<Duration>| time.map_or("–".to_owned(), show_time);
    for (figure, q) in QUANTILES
        .into_iter()
        .chain([("p99.9", 0.999), ("max", 1.0)])
    {
        let (x, y) = (a.response.quantile(q), b.response.quantile(q));
        let change = match (x, y) {
            (Some(x), Some(y)) if !x.is_zero() => Some(y.as_secs_f64() / x.as_secs_f64() - 1.0),
            _ => None,
        };
        rows.push(Row {
            step: step.to_owned(),
            figure: figure.to_owned(),
            a: shown(x),
            b: shown(y),
            moved_ms: x
                .zip(y)
                .map(|(x, y)| (y.as_secs_f64() - x.as_secs_f64()) * 1e3),
            change,
            interval: QUANTILES
                .iter()
                .any(|(name, _)| *name == figure)
                .then(|| interval(step, q))
                .flatten(),
        });
    }
    let share = |cell: &StepStats| {
        (cell.finished() > 0).then(|| cell.errors() as f64 / cell.finished() as f64)
    };
    let text = |share: Option<f64>| {
        share.map_or("–".to_owned(), |share| format!("{:.3} %", share * 100.0))
    };
    rows.push(Row {
        step: step.to_owned(),
        figure: ERRORS.to_owned(),
        a: text(share(a)),
        b: text(share(b)),
        moved_ms: None,
        change: share(a).zip(share(b)).map(|(a, b)| b - a),
        interval: None,
    });
}

/// Histograms by second, of one step.
type Seconds = BTreeMap<u64, LatencyHistogram>;

/// Response times by step and second, warm-up left out.
fn blocks(run: &Run) -> Result<BTreeMap<String, Seconds>, ReadError> {
    let warm_up = run.report.phases.iter().filter(|phase| !phase.counts);
    let from = warm_up.map(|phase| phase.end_s).fold(0.0, f64::max);
    let mut steps: BTreeMap<String, Seconds> = BTreeMap::new();
    for window in window_figures(run) {
        let (record, figures) = window?;
        let second = (record.at_ms + 500) / 1000;
        let begin = record.at_ms.saturating_sub(record.length_ms) as f64 / 1e3;
        if begin + 0.5 < from {
            continue;
        }
        for (figure, cell) in &figures.figures {
            for step in [ALL_STEPS.to_owned(), name(&run.report, figure.0)] {
                let seconds = steps.entry(step).or_default();
                seconds.entry(second).or_default().add(&cell.response);
            }
        }
    }
    Ok(steps)
}

/// Pairs the same moments of both runs, block by block.
fn interval(a: &Seconds, b: &Seconds, q: f64, block_s: u64) -> Option<Interval> {
    let mut by_block: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
    let slot = slot(a, b, q, block_s);
    for (begin, (x, y)) in paired(a, b, slot) {
        if x.count().min(y.count()) < enough(q) {
            continue;
        }
        if let (Some(x), Some(y)) = (x.quantile(q), y.quantile(q)) {
            let ratio = y.as_secs_f64().max(1e-6) / x.as_secs_f64().max(1e-6);
            by_block
                .entry(begin / block_s)
                .or_default()
                .push(ratio.ln());
        }
    }
    let values: Vec<f64> = by_block
        .into_values()
        .map(|mut block| median(&mut block))
        .collect();
    let found = hodges_lehmann(&values)?;
    let ratio = |ln: f64| ln.exp() - 1.0;
    Some(Interval {
        estimate: ratio(found.estimate),
        low: ratio(found.low),
        high: ratio(found.high),
        blocks: values.len(),
    })
}

/// Seconds per slot: as few as hold enough readings on average, at most a block.
fn slot(a: &Seconds, b: &Seconds, q: f64, block_s: u64) -> u64 {
    let rate = |seconds: &Seconds| {
        let count: u64 = seconds.values().map(LatencyHistogram::count).sum();
        count as f64 / (seconds.len().max(1) as f64)
    };
    let slowest = rate(a).min(rate(b)).max(1e-9);
    ((enough(q) as f64 * 1.5 / slowest).ceil() as u64).clamp(1, block_s)
}

fn paired(
    a: &Seconds,
    b: &Seconds,
    slot: u64,
) -> BTreeMap<u64, (LatencyHistogram, LatencyHistogram)> {
    let mut slots: BTreeMap<u64, (LatencyHistogram, LatencyHistogram)> = BTreeMap::new();
    for (second, times) in a {
        slots
            .entry(second.saturating_sub(1) / slot * slot)
            .or_default()
            .0
            .add(times);
    }
    for (second, times) in b {
        slots
            .entry(second.saturating_sub(1) / slot * slot)
            .or_default()
            .1
            .add(times);
    }
    slots
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() % 2 {
        0 if middle > 0 => (values[middle - 1] + values[middle]) / 2.0,
        _ => values.get(middle).copied().unwrap_or(0.0),
    }
}

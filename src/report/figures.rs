//! PURE: the figures of a run as every output shows them, computed in this one place from the stored histograms.
//!
//! A figure of the run leaves the warm-up out. Must not know: how figures are shown.

use std::collections::BTreeMap;

use super::{Accounting, Blob, PhaseRecord, RunReport, StepRecord, TimesRecord};
use crate::measure::{Arrivals, JourneyStats, LatencyHistogram, Replays, StepStats};

/// All figures of a run.
#[derive(Debug, Clone, Default)]
pub struct Figures {
    /// Every step, in the order of the scenario.
    pub steps: Vec<StepFigures>,
    /// All steps together.
    pub all: StepStats,
    /// Seconds over which the run's figures were taken.
    pub seconds: f64,
    /// Every phase in order, warm-up included.
    pub phases: Vec<PhaseFigures>,
    /// Every journey.
    pub journeys: Vec<JourneyFigures>,
    /// Errors by step and name, most frequent first; warm-up included, because an error is an error.
    pub errors: Vec<Named>,
    /// Foreseen outcomes in the same way.
    pub outcomes: Vec<Named>,
    /// The generator's lateness.
    pub start_lag: LatencyHistogram,
}

/// One step.
#[derive(Debug, Clone)]
pub struct StepFigures {
    /// Its name.
    pub step: String,
    /// The service that answers it.
    pub service: String,
    /// What was measured.
    pub cell: StepStats,
}

/// One phase.
#[derive(Debug, Clone)]
pub struct PhaseFigures {
    /// Its name.
    pub name: String,
    /// Whether it counts towards the run's figures.
    pub counts: bool,
    /// Its length.
    pub seconds: f64,
    /// Begin since the run began.
    pub begin_s: f64,
    /// Arrivals.
    pub arrivals: Arrivals,
    /// The generator's lateness.
    pub start_lag: LatencyHistogram,
    /// All steps together.
    pub all: StepStats,
    /// Every step.
    pub steps: Vec<StepFigures>,
}

/// One journey, warm-up left out.
#[derive(Debug, Clone)]
pub struct JourneyFigures {
    /// Its name.
    pub journey: String,
    /// How many ended how, and how long they took.
    pub cell: JourneyStats,
}

/// How often something with a name happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Its name.
    pub name: String,
    /// The step.
    pub step: String,
    /// How often.
    pub count: u64,
    /// Of an error: what was expected and what came, once.
    pub why: Option<String>,
}

impl Figures {
    /// Computes all figures.
    pub fn of(report: &RunReport) -> Self {
        let counts = |phase: &str| counted(report, phase);
        let steps = steps(report, counts);
        let mut all = StepStats::default();
        steps.iter().for_each(|step| all.add(&step.cell));
        let phases: Vec<PhaseFigures> = report.phases.iter().map(|p| phase(report, p)).collect();
        let mut start_lag = LatencyHistogram::default();
        let counting = || phases.iter().filter(|phase| phase.counts);
        counting().for_each(|phase| start_lag.add(&phase.start_lag));
        Self {
            all,
            seconds: counting().map(|phase| phase.seconds).sum(),
            journeys: journeys(report),
            errors: named(report, |record| &record.errors),
            outcomes: named(report, |record| &record.outcomes),
            start_lag,
            phases,
            steps,
        }
    }
}

fn counted(report: &RunReport, name: &str) -> bool {
    let phase = report.phases.iter().find(|phase| phase.name == name);
    phase.is_none_or(|phase| phase.counts)
}

/// Sums by step over the phases that `take` accepts, in the order of the scenario (or of the record, if that is not known).
fn steps(report: &RunReport, take: impl Fn(&str) -> bool) -> Vec<StepFigures> {
    let mut rows: Vec<StepFigures> = Vec::new();
    for record in report.steps.iter().filter(|record| take(&record.phase)) {
        let cell = cell_of(record);
        match rows.iter_mut().find(|row| row.step == record.step) {
            Some(row) => row.cell.add(&cell),
            None => rows.push(StepFigures {
                step: record.step.clone(),
                service: record.service.clone(),
                cell,
            }),
        }
    }
    let order = |name: &str| report.figures.iter().position(|figure| figure.name == name);
    rows.sort_by_key(|row| order(&row.step).unwrap_or(usize::MAX));
    rows
}

fn phase(report: &RunReport, record: &PhaseRecord) -> PhaseFigures {
    let steps = steps(report, |phase| phase == record.name);
    let mut all = StepStats::default();
    steps.iter().for_each(|step| all.add(&step.cell));
    let (begin, end) = (record.begin_s, record.end_s);
    let mut arrivals = Arrivals::default();
    let seconds = report.arrivals.iter().enumerate();
    seconds
        .filter(|(second, _)| (*second as f64) >= begin.floor() && (*second as f64) < end)
        .for_each(|(_, one)| arrivals.add(one));
    PhaseFigures {
        name: record.name.clone(),
        counts: record.counts,
        seconds: end - begin,
        begin_s: begin,
        arrivals,
        start_lag: times(&record.start_lag),
        all,
        steps,
    }
}

fn journeys(report: &RunReport) -> Vec<JourneyFigures> {
    let mut rows: Vec<JourneyFigures> = Vec::new();
    let records = report.journeys.iter();
    for record in records.filter(|record| counted(report, &record.phase)) {
        let cell = JourneyStats {
            response: times(&record.response),
            failure: times(&record.failure_time),
            completed: record.completed,
            failed: record.failed,
            timed_out: record.timed_out,
            in_flight: record.in_flight,
        };
        match rows.iter_mut().find(|row| row.journey == record.journey) {
            Some(row) => row.cell.add(&cell),
            None => rows.push(JourneyFigures {
                journey: record.journey.clone(),
                cell,
            }),
        }
    }
    rows
}

fn named(report: &RunReport, of: fn(&StepRecord) -> &BTreeMap<String, u64>) -> Vec<Named> {
    let mut sums: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for record in &report.steps {
        for (name, count) in of(record) {
            *sums.entry((name, &record.step)).or_default() += count;
        }
    }
    let mut rows: Vec<Named> = sums
        .into_iter()
        .map(|((name, step), count)| Named {
            name: name.to_owned(),
            step: step.to_owned(),
            count,
            why: why(report, step, name),
        })
        .collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.count));
    rows
}

fn why(report: &RunReport, step: &str, error: &str) -> Option<String> {
    let mut records = report.steps.iter().filter(|record| record.step == step);
    let why = records.find_map(|record| record.why.get(error))?;
    Some(why.to_string())
}

/// The histogram of a record that has been read, so that it can be decoded; anything else counts as empty.
pub fn times(record: &TimesRecord) -> LatencyHistogram {
    record.hdr.times().unwrap_or_default()
}

/// One step of one phase.
pub fn cell_of(record: &StepRecord) -> StepStats {
    let timed_out = record.errors.get("timeout").copied().unwrap_or(0);
    StepStats {
        response: times(&record.response),
        service: times(&record.service_time),
        connection_wait: times(&record.connection_wait),
        failure: times(&record.failure_time),
        ok: record.ok,
        outcomes: record.outcomes.values().sum(),
        failed: record.errors.values().sum::<u64>() - timed_out,
        timed_out,
        in_flight: record.in_flight,
        bytes: record.bytes,
        decoded_bytes: record.decoded_bytes,
        replays: record.replays,
    }
}

/// The name of a window's figure.
pub fn name(report: &RunReport, index: u16) -> String {
    match report.figures.get(usize::from(index)) {
        Some(figure) => figure.name.clone(),
        None => format!("step {}", u32::from(index) + 1),
    }
}

/// Fills the record of a run that did not end from its windows: one phase, and steps without what windows do not hold
/// (connection wait, names of errors, bytes).
///
/// # Errors
/// When a histogram cannot be decoded.
pub fn from_windows(report: &mut RunReport) -> Result<(), String> {
    const PHASE: &str = "until the end of the record";
    let mut sums: BTreeMap<u16, StepStats> = BTreeMap::new();
    let mut lag = LatencyHistogram::default();
    let mut arrivals = Vec::new();
    for window in &report.windows {
        let figures = window.figures()?;
        lag.add(&figures.start_lag);
        for (figure, cell) in &figures.figures {
            sums.entry(figure.0).or_default().add(cell);
        }
        arrivals.push(Arrivals {
            planned: (window.planned_rate * figures.length.as_secs_f64()).round() as u64,
            started: (window.achieved_rate * figures.length.as_secs_f64()).round() as u64,
            ..Arrivals::default()
        });
        report.generator.shoppers_max = report.generator.shoppers_max.max(window.shoppers);
        report.generator.connections_max = report.generator.connections_max.max(window.connections);
        report.generator.cpu_s += window.cpu * figures.length.as_secs_f64();
    }
    report.accounting = Accounting {
        planned: arrivals.iter().map(|second| second.planned).sum(),
        ..Accounting::default()
    };
    report.arrivals = arrivals;
    report.phases = vec![PhaseRecord {
        name: PHASE.to_owned(),
        begin_s: 0.0,
        end_s: report.elapsed_s,
        counts: true,
        start_lag: TimesRecord::of(&lag),
    }];
    report.steps = sums
        .iter()
        .map(|(index, cell)| step_of(report, *index, cell, PHASE))
        .collect();
    Ok(())
}

fn step_of(report: &RunReport, index: u16, cell: &StepStats, phase: &str) -> StepRecord {
    let some = |name: &str, count: u64| {
        let counts = (count > 0).then(|| (name.to_owned(), count));
        counts.into_iter().collect()
    };
    let figure = report.figures.get(usize::from(index));
    StepRecord {
        step: name(report, index),
        service: figure
            .map(|figure| figure.service.clone())
            .unwrap_or_default(),
        phase: phase.to_owned(),
        ok: cell.ok,
        outcomes: some("unnamed", cell.outcomes),
        errors: some("unnamed", cell.failed),
        why: BTreeMap::new(),
        in_flight: cell.readings().saturating_sub(cell.finished()),
        bytes: 0,
        decoded_bytes: 0,
        replays: Replays::default(),
        response: TimesRecord::of(&cell.response),
        service_time: TimesRecord::of(&cell.service),
        failure_time: TimesRecord::of(&cell.failure),
        connection_wait: TimesRecord {
            hdr: Blob::default(),
            ..TimesRecord::default()
        },
    }
}

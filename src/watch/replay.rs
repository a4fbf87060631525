//! A run that is over, played again from the windows of its record.
//!
//! Rates, latencies and error counts follow the time of the replay. What the record holds only for the whole run (kinds of
//! errors, the funnel, counters, the verdict) is shown as it was at the end.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::elsewhere::{log_of, tick_of};
use crate::measure::samples::Sample;
use crate::measure::snapshot::{
    ErrorKind, HISTORY, HistogramSummary, JourneyTally, Mark, Snapshot, StepSummary, Subject, Tick,
};
use crate::measure::{LatencyHistogram, StepStats};
use crate::report::read::Run;
use crate::report::{RunReport, WindowRecord, read};
use crate::tui::Source;
use crate::tui::keys::Command;

/// The whole run, and how far it has been played.
pub(super) struct Replay {
    windows: Vec<WindowRecord>,
    ticks: Vec<Arc<Tick>>,
    end_state: Snapshot,
    subject: Subject,
    log: Vec<String>,
    /// Windows before this offset count for nothing.
    warm_up: Duration,
    position: Duration,
    speed: f64,
    at: Option<Instant>,
    sums: Sums,
    snapshot: Arc<Snapshot>,
}

/// Sums of the first windows.
#[derive(Default)]
struct Sums {
    windows: usize,
    all: StepStats,
    figures: Vec<StepStats>,
    start_lag: LatencyHistogram,
}

impl Replay {
    /// Reads the run.
    pub(super) fn of(folder: &Path, speed: f64) -> Result<(Self, Subject), read::ReadError> {
        let mut run = read::read(folder)?;
        let subject = subject_of(&run.report);
        let uncounted = run.report.phases.iter().filter(|phase| !phase.counts);
        let warm_up = uncounted.map(|phase| phase.end_s).fold(0.0, f64::max);
        let replay = Self {
            end_state: end_state(&run, &subject),
            windows: std::mem::take(&mut run.report.windows),
            ticks: Vec::new(),
            subject: subject.clone(),
            log: log_of(&folder.join("loadgen.log")),
            warm_up: seconds(warm_up),
            position: Duration::ZERO,
            speed,
            at: None,
            sums: Sums::default(),
            snapshot: Arc::default(),
        };
        Ok((replay, subject))
    }

    fn length(&self) -> Duration {
        let last = self.windows.last();
        last.map_or(Duration::ZERO, |window| Duration::from_millis(window.at_ms))
    }

    /// Lets the time since the last call pass, times the speed.
    fn advance(&mut self) {
        let now = Instant::now();
        if let Some(before) = self.at.replace(now) {
            self.position += (now - before).mul_f64(self.speed);
        }
        self.position = self.position.min(self.length());
    }

    fn show(&mut self) {
        let done = |window: &WindowRecord| Duration::from_millis(window.at_ms) <= self.position;
        let count = self.windows.partition_point(done);
        if count == self.sums.windows && count > 0 {
            return;
        }
        if count < self.sums.windows {
            self.sums = Sums::default();
        }
        while self.sums.windows < count {
            self.play_one();
        }
        let shown = &self.ticks[..count.min(self.ticks.len())];
        let elapsed = shown.last().map_or(Duration::ZERO, |tick| tick.at);
        let phases = self.subject.phases.iter().rev();
        let mut phases = phases.filter(|(_, begin)| *begin < elapsed || begin.is_zero());
        self.snapshot = Arc::new(Snapshot {
            elapsed,
            phase: phases
                .next()
                .map(|(name, _)| name.clone())
                .unwrap_or_default(),
            all: StepSummary::of(&self.sums.all),
            figures: self.sums.figures.iter().map(StepSummary::of).collect(),
            start_lag: HistogramSummary::of(&self.sums.start_lag),
            finished: count == self.windows.len(),
            history: shown[count.saturating_sub(HISTORY)..]
                .iter()
                .cloned()
                .collect(),
            ..self.end_state.clone()
        });
    }

    fn play_one(&mut self) {
        let number = self.subject.figures.len();
        let sums = &mut self.sums;
        sums.figures.resize(number, StepStats::default());
        let Some(window) = self.windows.get(sums.windows) else {
            return;
        };
        sums.windows += 1;
        if self.ticks.len() < sums.windows {
            self.ticks
                .push(Arc::new(tick_of(window, number).unwrap_or_default()));
        }
        // The reader has checked that all histograms can be decoded.
        let Ok(decoded) = window.figures() else {
            return;
        };
        if decoded.at <= self.warm_up {
            return;
        }
        sums.start_lag.add(&decoded.start_lag);
        for (figure, cell) in &decoded.figures {
            sums.all.add(cell);
            if let Some(sum) = sums.figures.get_mut(usize::from(figure.0)) {
                sum.add(cell);
            }
        }
    }
}

impl Source for Replay {
    fn read(&mut self) -> Arc<Snapshot> {
        self.advance();
        self.show();
        self.snapshot.clone()
    }

    fn log(&self) -> Vec<String> {
        self.log.clone()
    }

    fn steer(&mut self, command: &Command) {
        match command {
            Command::Speed(speed) => self.speed = *speed,
            Command::Jump(by) => {
                let by_s = Duration::from_secs(by.unsigned_abs());
                self.position = match by.is_negative() {
                    true => self.position.saturating_sub(by_s),
                    false => self.position + by_s,
                };
            }
            _ => {}
        }
    }
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

fn subject_of(report: &RunReport) -> Subject {
    let figures: Vec<String> = report
        .figures
        .iter()
        .map(|figure| figure.name.clone())
        .collect();
    let place = |name: &str| {
        let at = figures.iter().position(|figure| figure == name)?;
        u16::try_from(at).ok()
    };
    let journeys = report.funnels.iter().map(|funnel| {
        let steps = funnel.steps.iter().filter_map(|(step, _)| place(step));
        (funnel.journey.clone(), steps.collect())
    });
    let phases = report.phases.iter();
    Subject {
        scenario: report.scenario.name.clone(),
        target: report.target.to_string(),
        journeys: journeys.collect(),
        counters: report.counters.keys().cloned().collect(),
        phases: phases
            .map(|phase| (phase.name.clone(), seconds(phase.begin_s)))
            .collect(),
        start_lag_max: Duration::from_millis(5),
        figures,
    }
}

/// What the record holds for the whole run only.
fn end_state(run: &Run, subject: &Subject) -> Snapshot {
    let report = &run.report;
    let marks = report.rate_changes.iter().map(|change| Mark {
        at: seconds(change.at_s),
        text: format!("rate ×{:.2}", change.factor),
    });
    let funnels = report.funnels.iter();
    Snapshot {
        planned: Some(seconds(report.load_s)),
        counters: report
            .counters
            .values()
            .map(|phases| phases.values().sum())
            .collect(),
        funnels: funnels
            .map(|funnel| funnel.steps.iter().map(|(_, count)| *count).collect())
            .collect(),
        journeys: report
            .funnels
            .iter()
            .map(|funnel| tally(report, &funnel.journey))
            .collect(),
        errors: errors(run, subject),
        invalid: report.verdict.reasons.clone(),
        marks: marks.collect(),
        rate_factor: report
            .rate_changes
            .last()
            .map_or(1.0, |change| change.factor),
        ..Snapshot::default()
    }
}

fn tally(report: &RunReport, journey: &str) -> JourneyTally {
    let of = report
        .journeys
        .iter()
        .filter(|record| record.journey == journey);
    of.fold(JourneyTally::default(), |mut sum, record| {
        sum.completed += record.completed;
        sum.failed += record.failed;
        sum.timed_out += record.timed_out;
        sum
    })
}

fn errors(run: &Run, subject: &Subject) -> Vec<ErrorKind> {
    let mut counts: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for record in &run.report.steps {
        for (name, count) in &record.errors {
            *counts.entry((&record.step, name)).or_default() += count;
        }
    }
    let mut kinds: Vec<ErrorKind> = counts
        .into_iter()
        .filter_map(|((step, name), count)| {
            let figure = subject.figures.iter().position(|figure| figure == step)?;
            let same = |sample: &&Sample| {
                sample.kept == "failed" && sample.step == step && sample.ending == name
            };
            Some(ErrorKind {
                figure: u16::try_from(figure).ok()?,
                name: name.to_owned(),
                count,
                example: run.samples.iter().find(same).cloned().map(Arc::new),
            })
        })
        .collect();
    kinds.sort_by_key(|kind| std::cmp::Reverse(kind.count));
    kinds
}

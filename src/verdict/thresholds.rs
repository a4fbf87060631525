//! PURE: one threshold against what was measured.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{
    Evidence, Measure, Op, Over, PhaseId, StepStats, Subject, Threshold, ThresholdResult,
    show_time, telemetry,
};
use crate::measure::LatencyHistogram;
use crate::scenario::StepNameId;

/// The figures of one second-level window, by the time at which steps were done.
#[derive(Debug, Clone, Default)]
pub struct WindowFigures {
    /// End of the window since the run began.
    pub at: Duration,
    /// Its length.
    pub length: Duration,
    /// By figure.
    pub figures: BTreeMap<StepNameId, StepStats>,
    /// The generator's lateness.
    pub start_lag: LatencyHistogram,
}

/// Judges one threshold.
pub fn judge(threshold: &Threshold, evidence: &Evidence<'_>) -> ThresholdResult {
    if let Measure::Telemetry(query) = &threshold.measure {
        return telemetry::judge(threshold, query, evidence);
    }
    let value = match &threshold.over {
        Over::Run => over_phases(threshold, evidence, |phase| evidence.phases.counts(phase)),
        Over::Phase(index) => {
            let wanted = evidence.phases.planned(*index);
            over_phases(threshold, evidence, |phase| phase == wanted)
        }
        Over::Every(length) => worst_of_windows(threshold, evidence, *length),
    };
    let met = value.is_some_and(|value| holds(threshold.op, value, threshold.limit));
    let shown = match value {
        Some(value) => {
            let (mut got, mut limit) = (
                show(&threshold.measure, value),
                show(&threshold.measure, threshold.limit),
            );
            // Nobody should have to guess how two equal figures differ.
            if got == limit && !met {
                (got, limit) = (value.to_string(), threshold.limit.to_string());
            }
            format!("{got} (limit {limit})")
        }
        None => format!(
            "nothing was measured (limit {})",
            show(&threshold.measure, threshold.limit)
        ),
    };
    ThresholdResult {
        text: threshold.text.clone(),
        value,
        limit: threshold.limit,
        shown,
        met,
    }
}

/// Whether `value op limit`.
pub fn holds(op: Op, value: f64, limit: f64) -> bool {
    match op {
        Op::Less => value < limit,
        Op::LessOrEqual => value <= limit,
        Op::Greater => value > limit,
        Op::GreaterOrEqual => value >= limit,
        Op::Equal => (value - limit).abs() <= 1e-9 * limit.abs().max(1.0),
    }
}

fn over_phases(
    threshold: &Threshold,
    evidence: &Evidence<'_>,
    take: impl Fn(PhaseId) -> bool,
) -> Option<f64> {
    let totals = evidence.totals;
    let seconds: f64 = (0..evidence.phases.names().len())
        .map(|index| PhaseId(u16::try_from(index).unwrap_or(u16::MAX)))
        .filter(|phase| take(*phase))
        .map(|phase| evidence.phases.span(phase, evidence.elapsed))
        .map(|(begin, end)| (end - begin).as_secs_f64())
        .sum();
    let counted = |counter| {
        let of = totals
            .counters
            .iter()
            .filter(|((phase, of), _)| take(*phase) && *of == counter);
        of.map(|(_, count)| *count).sum::<u64>() as f64
    };
    match &threshold.measure {
        Measure::Count(counter) => return Some(counted(*counter)),
        Measure::CountPerMinute(counter) => {
            return Some(counted(*counter) / seconds.max(1e-9) * 60.0);
        }
        Measure::StartLag(q) => return seconds_at(&totals.start_lag_where(take), *q),
        Measure::Outcome(name) => {
            let of = totals
                .outcomes
                .iter()
                .filter(|((phase, figure, outcome), _)| {
                    take(*phase)
                        && outcome == name
                        && selects(&threshold.subject, *figure, evidence)
                });
            return Some(of.map(|(_, count)| *count).sum::<u64>() as f64);
        }
        _ => {}
    }
    if let Subject::Journey(journey) = threshold.subject {
        return of_journey(threshold, evidence, journey, take);
    }
    let cell = totals
        .cells_where(|phase, figure| take(phase) && selects(&threshold.subject, figure, evidence));
    // How fast failures are says nothing about what never succeeded.
    if is_latency(&threshold.measure) && cell.succeeded() == 0 {
        return None;
    }
    of_cell(&threshold.measure, &cell, seconds)
}

fn of_journey(
    threshold: &Threshold,
    evidence: &Evidence<'_>,
    journey: usize,
    take: impl Fn(PhaseId) -> bool,
) -> Option<f64> {
    let mut sum = crate::measure::JourneyStats::default();
    for ((phase, of), cell) in &evidence.totals.journeys {
        if take(*phase) && usize::from(*of) == journey {
            sum.add(cell);
        }
    }
    let errors = (sum.failed + sum.timed_out) as f64;
    let ended = sum.total().saturating_sub(sum.in_flight) as f64;
    match threshold.measure {
        // How fast failures are says nothing about what never succeeded.
        Measure::Response(_) | Measure::Service(_) if sum.completed == 0 => None,
        Measure::Response(q) | Measure::Service(q) => seconds_at(&sum.response, q),
        Measure::Failure(q) => seconds_at(&sum.failure, q),
        Measure::ErrorShare => (ended > 0.0).then(|| errors / ended),
        Measure::Burn { target } => (ended > 0.0).then(|| errors / ended / (1.0 - target)),
        _ => None,
    }
}

fn worst_of_windows(
    threshold: &Threshold,
    evidence: &Evidence<'_>,
    length: Duration,
) -> Option<f64> {
    let windows = evidence.windows;
    // Over the whole run: windows in which nothing succeeded tell by themselves only of those that were timed out.
    if is_latency(&threshold.measure) && sum_of(threshold, evidence, windows).succeeded() == 0 {
        return None;
    }
    let mut worst: Option<f64> = None;
    let mut first = 0;
    for (last, window) in windows.iter().enumerate() {
        while first < last && windows[first].at + length <= window.at {
            first += 1;
        }
        let begin = windows[first].at.saturating_sub(windows[first].length);
        // The first windows are shorter than the sliding one; judging them would judge noise.
        if window.at - begin + window.length / 2 < length {
            continue;
        }
        let Some(value) = over_windows(threshold, evidence, &windows[first..=last]) else {
            continue;
        };
        let worse = match threshold.op {
            Op::Greater | Op::GreaterOrEqual => worst.is_none_or(|so_far| value < so_far),
            Op::Less | Op::LessOrEqual | Op::Equal => worst.is_none_or(|so_far| value > so_far),
        };
        if worse {
            worst = Some(value);
        }
    }
    worst
}

fn over_windows(
    threshold: &Threshold,
    evidence: &Evidence<'_>,
    windows: &[WindowFigures],
) -> Option<f64> {
    if let Measure::StartLag(q) = threshold.measure {
        let mut sum = LatencyHistogram::default();
        windows.iter().for_each(|window| sum.add(&window.start_lag));
        return seconds_at(&sum, q);
    }
    of_cell(
        &threshold.measure,
        &sum_of(threshold, evidence, windows),
        windows
            .iter()
            .map(|window| window.length.as_secs_f64())
            .sum(),
    )
}

/// What the threshold's steps came to in these windows.
fn sum_of(threshold: &Threshold, evidence: &Evidence<'_>, windows: &[WindowFigures]) -> StepStats {
    let mut sum = StepStats::default();
    let cells = windows.iter().flat_map(|window| &window.figures);
    cells
        .filter(|(figure, _)| selects(&threshold.subject, **figure, evidence))
        .for_each(|(_, cell)| sum.add(cell));
    sum
}

/// Whether it is a time that a target takes.
fn is_latency(measure: &Measure) -> bool {
    matches!(
        measure,
        Measure::Response(_) | Measure::Service(_) | Measure::ConnectionWait(_)
    )
}

fn selects(subject: &Subject, figure: StepNameId, evidence: &Evidence<'_>) -> bool {
    let of = evidence.scenario.figures.get(usize::from(figure.0));
    match subject {
        Subject::Run => true,
        Subject::Step(wanted) => figure == *wanted,
        Subject::Service(service) => of.is_some_and(|name| name.service == *service),
        Subject::Tag(tag) => of.is_some_and(|name| name.tags.contains(tag)),
        Subject::Journey(_) => false,
    }
}

fn of_cell(measure: &Measure, cell: &StepStats, seconds: f64) -> Option<f64> {
    let finished = cell.finished() as f64;
    let error_share = (finished > 0.0).then(|| cell.errors() as f64 / finished);
    match measure {
        Measure::Response(q) => seconds_at(&cell.response, *q),
        Measure::Service(q) => seconds_at(&cell.service, *q),
        Measure::Failure(q) => seconds_at(&cell.failure, *q),
        Measure::ConnectionWait(q) => seconds_at(&cell.connection_wait, *q),
        Measure::ErrorShare => error_share,
        Measure::Burn { target } => error_share.map(|share| share / (1.0 - target)),
        Measure::Rate => Some(finished / seconds.max(1e-9)),
        Measure::StartLag(_)
        | Measure::Count(_)
        | Measure::CountPerMinute(_)
        | Measure::Outcome(_)
        | Measure::Telemetry(_) => None,
    }
}

fn seconds_at(times: &LatencyHistogram, q: f64) -> Option<f64> {
    times.quantile(q).map(|time| time.as_secs_f64())
}

fn show(measure: &Measure, value: f64) -> String {
    match measure {
        Measure::Response(_)
        | Measure::Service(_)
        | Measure::Failure(_)
        | Measure::StartLag(_)
        | Measure::ConnectionWait(_) => {
            show_time(Duration::try_from_secs_f64(value).unwrap_or(Duration::MAX))
        }
        Measure::ErrorShare => format!("{:.3} %", value * 100.0),
        Measure::Rate => format!("{value:.1}/s"),
        Measure::Count(_) | Measure::Outcome(_) => format!("{value:.0}"),
        Measure::CountPerMinute(_) => format!("{value:.0} a minute"),
        Measure::Burn { .. } => format!("{value:.2}"),
        Measure::Telemetry(_) => value.to_string(),
    }
}

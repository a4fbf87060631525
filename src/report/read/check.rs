//! Whether a record that was read makes sense.

use std::path::Path;

use super::{ReadError, damaged};
use crate::report::{RunReport, TimesRecord};

/// What the types do not say: names that refer to something, times that go forward, histograms that can be decoded.
pub(super) fn check(path: &Path, report: &RunReport) -> Result<(), ReadError> {
    let phase_is_known = |name: &str| report.phases.iter().any(|phase| phase.name == name);
    let segment = report.segment;
    if segment.index == 0 || segment.index > segment.of {
        let what = format!("segment {}/{} cannot be", segment.index, segment.of);
        return Err(damaged(path, what));
    }
    for phase in &report.phases {
        if !(phase.begin_s >= 0.0 && phase.end_s >= phase.begin_s) {
            let what = format!("phase '{}' ends before it begins", phase.name);
            return Err(damaged(path, what));
        }
        readable(path, &format!("phase '{}'", phase.name), &phase.start_lag)?;
    }
    for step in &report.steps {
        let place = format!("step '{}' in phase '{}'", step.step, step.phase);
        if !phase_is_known(&step.phase) {
            return Err(damaged(path, format!("{place}: there is no such phase")));
        }
        let counts = [step.ok, step.in_flight].into_iter();
        let counts = counts.chain(step.outcomes.values().copied());
        let finished = counts
            .chain(step.errors.values().copied())
            .fold(0, u64::saturating_add);
        if finished != step.response.count + step.failure_time.count {
            let what = format!(
                "{place}: {finished} steps, but {} response times",
                step.response.count + step.failure_time.count
            );
            return Err(damaged(path, what));
        }
        let all = [
            &step.response,
            &step.service_time,
            &step.connection_wait,
            &step.failure_time,
        ];
        for times in all {
            readable(path, &place, times)?;
        }
    }
    for journey in &report.journeys {
        let place = format!("journey '{}'", journey.journey);
        readable(path, &place, &journey.response)?;
        readable(path, &place, &journey.failure_time)?;
    }
    check_windows(path, report)
}

fn readable(path: &Path, place: &str, times: &TimesRecord) -> Result<(), ReadError> {
    let found = times.hdr.times();
    let found = found.map_err(|what| damaged(path, format!("{place}: {what}")))?;
    if found.count() != times.count {
        let what = format!(
            "{place}: {} readings are announced, {} are in the histogram",
            times.count,
            found.count()
        );
        return Err(damaged(path, what));
    }
    Ok(())
}

pub(super) fn check_windows(path: &Path, report: &RunReport) -> Result<(), ReadError> {
    let mut before = 0;
    for window in &report.windows {
        let at = window.at_ms;
        // A run that was stopped before it began has one window, a millisecond long and ending at its start.
        if at < before || window.length_ms > at.max(1) {
            let what = format!("the window that ends at {at} ms is not behind the one before it");
            return Err(damaged(path, what));
        }
        before = at;
        // Runs of the first version did not name their figures; theirs are numbered.
        let unknown = |index: &&u16| {
            !report.figures.is_empty() && usize::from(**index) >= report.figures.len()
        };
        if let Some(index) = window.figures.keys().find(unknown) {
            let what =
                format!("the window that ends at {at} ms has a step {index}, which has no name");
            return Err(damaged(path, what));
        }
    }
    Ok(())
}

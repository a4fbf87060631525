//! PURE: the thresholds of a record judged again, on what stands in the record.
//!
//! The scenario's file may be gone or changed; a threshold's words refer to names alone, and those are in the record.

use std::time::Duration;

use super::figures::{cell_of, times};
use super::{PhaseRecord, RunReport};
use crate::journey::Program;
use crate::measure::health::OwnHealth;
use crate::measure::totals::Totals;
use crate::measure::{JourneyStats, PhaseId, Phases};
use crate::scenario::{
    CounterId, Curve, Journey, Load, Measure, OneStep, OneStepLoad, Phase, Scenario, Spacing,
    StepName, StepNameId, Threshold,
};
use crate::verdict::Evidence;
use crate::verdict::thresholds::{WindowFigures, judge};

/// Judges all thresholds of the record again. What cannot be judged is left out of the verdict with a remark.
pub fn rejudge(report: &mut RunReport, remarks: &mut Vec<String>) {
    let texts: Vec<String> = report
        .verdict
        .thresholds
        .iter()
        .map(|result| result.text.clone())
        .collect();
    report.verdict.thresholds.clear();
    report.verdict.passed = None;
    if texts.is_empty() || report.interrupted.is_some() {
        return;
    }
    match judged(report, &texts) {
        Ok(results) => {
            report.verdict.passed = Some(results.iter().all(|result| result.met));
            report.verdict.thresholds = results;
        }
        Err(what) => remarks.push(format!("thresholds were not judged again: {what}")),
    }
}

fn judged(
    report: &RunReport,
    texts: &[String],
) -> Result<Vec<crate::verdict::ThresholdResult>, String> {
    let scenario = names(report)?;
    let windows: Vec<WindowFigures> = report
        .windows
        .iter()
        .map(|window| window.figures())
        .collect::<Result<_, _>>()?;
    let evidence = Evidence {
        scenario: &scenario,
        phases: &Phases::of(&scenario),
        totals: &totals(report, &scenario),
        health: &OwnHealth::default(),
        cores: report.workers,
        elapsed: Duration::try_from_secs_f64(report.load_s).map_err(|e| e.to_string())?,
        interrupted: false,
        windows: &windows,
        recording: None,
    };
    let one = |text: &String| {
        let threshold = Threshold::parse(text, &scenario)
            .map_err(|_| format!("`{text}` names something that is not in the record"))?;
        match threshold.measure {
            Measure::Telemetry(_) => Err(format!(
                "`{text}` asks for recordings, and those of segments are not put together"
            )),
            _ => Ok(judge(&threshold, &evidence)),
        }
    };
    texts.iter().map(one).collect()
}

/// A scenario with the record's names and phases, as far as thresholds look at one.
fn names(report: &RunReport) -> Result<Scenario, String> {
    let step = OneStep {
        url: "http://127.0.0.1/".to_owned(),
        method: "GET".to_owned(),
        headers: Vec::new(),
        body: None,
        load: OneStepLoad::Open {
            rate: 1.0,
            duration: Duration::from_secs(1),
            even: true,
        },
        timeout: None,
        traced: false,
    };
    let blank = Scenario::one_step(&step, &[])
        .map_err(|_| "the record's names make no scenario".to_owned())?;
    let (warm_up, phases) = phases(&report.phases)?;
    Ok(Scenario {
        figures: report
            .figures
            .iter()
            .map(|figure| StepName {
                name: figure.name.clone(),
                service: figure.service.clone(),
                tags: figure.tags.clone(),
            })
            .collect(),
        journeys: report
            .funnels
            .iter()
            .map(|funnel| Journey {
                name: funnel.journey.clone(),
                program: Program::default(),
                funnel: Vec::new(),
            })
            .collect(),
        counters: report.counters.keys().cloned().collect(),
        load: match phases.as_slice() {
            // The one phase of a closed load; thresholds of open loads may name it, so it does no harm there.
            [] => blank.load.clone(),
            _ => Load::Open {
                phases,
                spacing: Spacing::Even,
            },
        },
        warm_up,
        ..blank
    })
}

fn phases(records: &[PhaseRecord]) -> Result<(Duration, Vec<Phase>), String> {
    let seconds = |s: f64| Duration::try_from_secs_f64(s).map_err(|e| e.to_string());
    let (mut warm_up, mut begin) = (Duration::ZERO, Duration::ZERO);
    let mut phases = Vec::new();
    for record in records {
        let end = seconds(record.end_s)?;
        if !record.counts {
            warm_up = end;
            continue;
        }
        phases.push(Phase {
            name: record.name.clone(),
            duration: end.saturating_sub(begin),
            curve: Curve::Constant(1.0),
        });
        begin = end;
    }
    Ok((warm_up, phases))
}

fn totals(report: &RunReport, scenario: &Scenario) -> Totals {
    let phase = |name: &str| {
        let index = report.phases.iter().position(|phase| phase.name == name)?;
        Some(PhaseId(u16::try_from(index).ok()?))
    };
    let mut totals = Totals {
        arrivals: report.arrivals.clone(),
        dropped: report.accounting.dropped.clone(),
        ..Totals::default()
    };
    for record in &report.phases {
        if let Some(phase) = phase(&record.name) {
            totals.start_lag.insert(phase, times(&record.start_lag));
        }
    }
    for (record, phase) in report
        .steps
        .iter()
        .filter_map(|r| Some((r, phase(&r.phase)?)))
    {
        let index = scenario.figures.iter().position(|f| f.name == record.step);
        let Some(figure) = index
            .and_then(|index| u16::try_from(index).ok())
            .map(StepNameId)
        else {
            continue;
        };
        totals
            .cells
            .entry((phase, figure))
            .or_default()
            .add(&cell_of(record));
        for (name, count) in &record.outcomes {
            totals
                .outcomes
                .insert((phase, figure, name.clone()), *count);
        }
        for (name, count) in &record.errors {
            totals.errors.insert((phase, figure, name.clone()), *count);
        }
    }
    journeys(report, scenario, &phase, &mut totals);
    totals
}

fn journeys(
    report: &RunReport,
    scenario: &Scenario,
    phase: &dyn Fn(&str) -> Option<PhaseId>,
    totals: &mut Totals,
) {
    for (record, phase) in report
        .journeys
        .iter()
        .filter_map(|r| Some((r, phase(&r.phase)?)))
    {
        let index = scenario
            .journeys
            .iter()
            .position(|j| j.name == record.journey);
        let Some(index) = index.and_then(|index| u16::try_from(index).ok()) else {
            continue;
        };
        let cell = JourneyStats {
            response: times(&record.response),
            failure: times(&record.failure_time),
            completed: record.completed,
            failed: record.failed,
            timed_out: record.timed_out,
            in_flight: record.in_flight,
        };
        totals
            .journeys
            .entry((phase, index))
            .or_default()
            .add(&cell);
    }
    for (index, phases) in (0_u16..).zip(report.counters.values()) {
        for (name, count) in phases {
            if let Some(phase) = phase(name) {
                totals.counters.insert((phase, CounterId(index)), *count);
            }
        }
    }
}

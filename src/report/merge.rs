//! PURE: the segments of one run, put together exactly: histograms are added bucket for bucket, counts are added, and
//! thresholds are judged again on the sums.

use std::collections::BTreeMap;

use super::figures::Figures;
use super::read::Run;
use super::rejudge::rejudge;
use super::{
    Blob, GeneratorRecord, JourneyRecord, PhaseRecord, RunReport, StepRecord, TimesRecord,
    WindowRecord, WindowStep,
};
use crate::measure::{Arrivals, LatencyHistogram};
use crate::redact;
use crate::verdict::{Reason, nothing_succeeded};

/// Why runs do not belong together.
#[derive(Debug, thiserror::Error)]
#[error("these run folders are no segments of one run:{}", list(.0))]
pub struct MergeError(Vec<String>);

fn list(problems: &[String]) -> String {
    problems
        .iter()
        .map(|text| format!("\n  - {text}"))
        .collect()
}

/// Puts the segments of one run together; a single run stays what it is.
///
/// # Errors
/// When they do not belong together: another scenario, seed, load or number of segments, or a segment twice. All reasons at
/// once.
pub fn merge(mut runs: Vec<Run>) -> Result<Run, MergeError> {
    runs.sort_by_key(|run| run.report.segment.index);
    let problems = strangers(&runs);
    if !problems.is_empty() {
        return Err(MergeError(problems));
    }
    let mut runs = runs.into_iter();
    let Some(mut whole) = runs.next() else {
        return Err(MergeError(vec!["none was given".to_owned()]));
    };
    let mut parts = vec![whole.report.segment.index];
    if runs.len() > 0 {
        name_reasons(&mut whole.report);
    }
    for mut run in runs {
        name_reasons(&mut run.report);
        parts.push(run.report.segment.index);
        add(&mut whole.report, &run.report).map_err(|what| {
            MergeError(vec![format!("'{}' is damaged: {what}", run.path.display())])
        })?;
        whole.samples.extend(run.samples);
        whole.remarks.extend(run.remarks);
    }
    if parts.len() > 1 {
        conclude(&mut whole, &parts);
    }
    Ok(whole)
}

fn strangers(runs: &[Run]) -> Vec<String> {
    let mut problems = Vec::new();
    for pair in runs.windows(2) {
        let (a, b) = (&pair[0], &pair[1]);
        let mut differ = |what: &str, one: String, other: String| {
            if one != other {
                problems.push(format!(
                    "{what}: '{}' has {one}, '{}' has {other}",
                    a.path.display(),
                    b.path.display()
                ));
            }
        };
        let (x, y) = (&a.report, &b.report);
        differ("scenario", x.scenario.name.clone(), y.scenario.name.clone());
        differ("scenario's text (hash)", short(x), short(y));
        let seed = |report: &RunReport| report.scenario.seed.to_string();
        differ("seed", seed(x), seed(y));
        let of = |report: &RunReport| report.segment.of.to_string();
        differ("number of segments", of(x), of(y));
        differ("phases", phases(x), phases(y));
        differ("load", load_flags(x), load_flags(y));
        if x.segment == y.segment {
            problems.push(format!(
                "segment {}/{} is there twice: '{}' and '{}'",
                x.segment.index,
                x.segment.of,
                a.path.display(),
                b.path.display()
            ));
        }
    }
    problems
}

fn short(report: &RunReport) -> String {
    report.scenario.hash.chars().take(12).collect()
}

fn phases(report: &RunReport) -> String {
    let phase = |phase: &PhaseRecord| format!("{} from {} s", phase.name, phase.begin_s);
    let names: Vec<String> = report.phases.iter().map(phase).collect();
    names.join(", ")
}

/// The flags that change what is sent; the scenario's hash does not know them.
fn load_flags(report: &RunReport) -> String {
    const FLAGS: [&str; 8] = [
        "--rate",
        "--rate-scale",
        "--duration",
        "--set",
        "--url",
        "--method",
        "--connections",
        // Segments of two runs, unless each drew its own.
        "--run-id",
    ];
    let mut found = Vec::new();
    // Hashes of secrets differ from process to process.
    let words: Vec<String> = report
        .command
        .iter()
        .map(|word| redact::without_hashes(word))
        .collect();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let (flag, value) = match word.split_once('=') {
            Some((flag, value)) => (flag, Some(value)),
            None => (word.as_str(), None),
        };
        if FLAGS.contains(&flag) {
            let next = || words.next().map(String::as_str);
            found.push(format!(
                "{flag} {}",
                value.or_else(next).unwrap_or_default()
            ));
        }
    }
    found.sort();
    if found.is_empty() {
        "no flags that change it".to_owned()
    } else {
        found.join(" ")
    }
}

fn name_reasons(report: &mut RunReport) {
    let segment = format!("segment {}/{}: ", report.segment.index, report.segment.of);
    for reason in &mut report.verdict.reasons {
        reason.what.insert_str(0, &segment);
    }
}

fn conclude(whole: &mut Run, parts: &[u64]) {
    let report = &mut whole.report;
    let missing: Vec<String> = (1..=report.segment.of)
        .filter(|index| !parts.contains(index))
        .take(10)
        .map(|index| format!("{index}/{}", report.segment.of))
        .collect();
    if !missing.is_empty() {
        report.verdict.reasons.push(Reason {
            what: format!(
                "of this run's segments, {} is not among the folders",
                missing.join(", ")
            ),
            when: None,
            remedy: "give the folders of all segments".to_owned(),
        });
    }
    report.segment.index = 1;
    if missing.is_empty() {
        report.segment.of = 1;
    }
    report.verdict.valid = report.verdict.reasons.is_empty();
    report.verdict.nothing_succeeded = dead_target(report);
    rejudge(report, &mut whole.remarks);
    if whole.path.file_name().is_some() {
        whole.path.pop();
    }
}

fn dead_target(report: &RunReport) -> Option<Reason> {
    if report.interrupted.is_some() {
        return None;
    }
    let figures = Figures::of(report);
    let errors = figures.errors.iter();
    nothing_succeeded(
        &figures.all,
        errors.map(|row| (row.name.as_str(), row.count)),
    )
}

fn add(to: &mut RunReport, from: &RunReport) -> Result<(), String> {
    to.elapsed_s = to.elapsed_s.max(from.elapsed_s);
    to.load_s = to.load_s.max(from.load_s);
    to.workers += from.workers;
    to.interrupted = to.interrupted.take().or_else(|| from.interrupted.clone());
    to.verdict
        .reasons
        .extend(from.verdict.reasons.iter().cloned());
    for (phase, other) in to.phases.iter_mut().zip(&from.phases) {
        phase.end_s = phase.end_s.max(other.end_s);
        add_times(&mut phase.start_lag, &other.start_lag)?;
    }
    add_steps(&mut to.steps, &from.steps)?;
    add_journeys(&mut to.journeys, &from.journeys)?;
    for (counter, phases) in &from.counters {
        add_counts(to.counters.entry(counter.clone()).or_default(), phases);
    }
    add_accounting(to, from);
    add_generator(&mut to.generator, &from.generator);
    add_windows(&mut to.windows, &from.windows)?;
    for fault in &from.faults {
        if !to.faults.contains(fault) {
            to.faults.push(fault.clone());
        }
    }
    for change in &from.rate_changes {
        if !to.rate_changes.contains(change) {
            to.rate_changes.push(*change);
        }
    }
    add_funnels(to, from);
    match (&mut to.rum, &from.rum) {
        (Some(to), Some(from)) => to.add(from),
        (to, from) => *to = to.take().or_else(|| from.clone()),
    }
    Ok(())
}

fn add_funnels(to: &mut RunReport, from: &RunReport) {
    for other in &from.funnels {
        let same = |funnel: &&mut super::FunnelRecord| funnel.journey == other.journey;
        let Some(funnel) = to.funnels.iter_mut().find(same) else {
            to.funnels.push(other.clone());
            continue;
        };
        for ((_, count), (_, more)) in funnel.steps.iter_mut().zip(&other.steps) {
            *count += more;
        }
    }
}

fn add_accounting(to: &mut RunReport, from: &RunReport) {
    let (sum, other) = (&mut to.accounting, &from.accounting);
    sum.planned += other.planned;
    sum.completed += other.completed;
    sum.failed += other.failed;
    sum.timed_out += other.timed_out;
    sum.in_flight += other.in_flight;
    add_counts(&mut sum.dropped, &other.dropped);
    if to.arrivals.len() < from.arrivals.len() {
        to.arrivals.resize(from.arrivals.len(), Arrivals::default());
    }
    for (second, other) in to.arrivals.iter_mut().zip(&from.arrivals) {
        second.add(other);
    }
}

/// Sums of what adds up; of the rest, the worst.
fn add_generator(to: &mut GeneratorRecord, from: &GeneratorRecord) {
    to.cpu_s += from.cpu_s;
    to.cpu_share_max = to.cpu_share_max.max(from.cpu_share_max);
    to.memory_bytes_max = to.memory_bytes_max.max(from.memory_bytes_max);
    to.shop_memory_bytes_max = to.shop_memory_bytes_max.max(from.shop_memory_bytes_max);
    to.shoppers_max += from.shoppers_max;
    to.connections_max += from.connections_max;
    add_counts(&mut to.protocols, &from.protocols);
}

fn add_steps(to: &mut Vec<StepRecord>, from: &[StepRecord]) -> Result<(), String> {
    for other in from {
        let same = |step: &&mut StepRecord| step.step == other.step && step.phase == other.phase;
        let Some(step) = to.iter_mut().find(same) else {
            to.push(other.clone());
            continue;
        };
        step.ok += other.ok;
        step.in_flight += other.in_flight;
        step.bytes += other.bytes;
        step.decoded_bytes += other.decoded_bytes;
        step.replays.add(&other.replays);
        add_counts(&mut step.outcomes, &other.outcomes);
        add_counts(&mut step.errors, &other.errors);
        for (error, why) in &other.why {
            step.why.entry(error.clone()).or_insert_with(|| why.clone());
        }
        add_times(&mut step.response, &other.response)?;
        add_times(&mut step.service_time, &other.service_time)?;
        add_times(&mut step.connection_wait, &other.connection_wait)?;
        add_times(&mut step.failure_time, &other.failure_time)?;
    }
    Ok(())
}

fn add_journeys(to: &mut Vec<JourneyRecord>, from: &[JourneyRecord]) -> Result<(), String> {
    for other in from {
        let same =
            |row: &&mut JourneyRecord| row.journey == other.journey && row.phase == other.phase;
        let Some(row) = to.iter_mut().find(same) else {
            to.push(other.clone());
            continue;
        };
        row.completed += other.completed;
        row.failed += other.failed;
        row.timed_out += other.timed_out;
        row.in_flight += other.in_flight;
        add_times(&mut row.response, &other.response)?;
        add_times(&mut row.failure_time, &other.failure_time)?;
    }
    Ok(())
}

/// Windows of the same second are added; segments of one run tick alike, but need not begin at the same moment.
fn add_windows(to: &mut Vec<WindowRecord>, from: &[WindowRecord]) -> Result<(), String> {
    let second = |window: &WindowRecord| (window.at_ms + 500) / 1000;
    let mut by_second: BTreeMap<u64, WindowRecord> = std::mem::take(to)
        .into_iter()
        .map(|w| (second(&w), w))
        .collect();
    for other in from {
        match by_second.get_mut(&second(other)) {
            Some(window) => add_window(window, other)?,
            None => drop(by_second.insert(second(other), other.clone())),
        }
    }
    to.extend(by_second.into_values());
    Ok(())
}

fn add_window(to: &mut WindowRecord, from: &WindowRecord) -> Result<(), String> {
    to.planned_rate += from.planned_rate;
    to.achieved_rate += from.achieved_rate;
    to.shoppers += from.shoppers;
    to.connections += from.connections;
    to.cpu += from.cpu;
    add_blob(&mut to.start_lag, &from.start_lag)?;
    for (index, other) in &from.figures {
        let step: &mut WindowStep = to.figures.entry(*index).or_default();
        step.ok += other.ok;
        step.outcomes += other.outcomes;
        step.errors += other.errors;
        add_blob(&mut step.response, &other.response)?;
        add_blob(&mut step.service_time, &other.service_time)?;
        add_blob(&mut step.failure_time, &other.failure_time)?;
    }
    Ok(())
}

fn add_counts(to: &mut BTreeMap<String, u64>, from: &BTreeMap<String, u64>) {
    for (name, count) in from {
        *to.entry(name.clone()).or_default() += count;
    }
}

fn add_times(to: &mut TimesRecord, from: &TimesRecord) -> Result<(), String> {
    *to = TimesRecord::of(&sum(&to.hdr, &from.hdr)?);
    Ok(())
}

fn add_blob(to: &mut Blob, from: &Blob) -> Result<(), String> {
    *to = Blob::of(&sum(to, from)?);
    Ok(())
}

fn sum(a: &Blob, b: &Blob) -> Result<LatencyHistogram, String> {
    let mut sum = LatencyHistogram::default();
    sum.add(&a.times()?);
    sum.add(&b.times()?);
    Ok(sum)
}

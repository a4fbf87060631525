//! PURE: can the measurement be trusted (VALID / INVALID), did the system do anything at all (NOTHING SUCCEEDED), and did it
//! meet its thresholds (PASS / FAIL).
//!
//! Must not know: how figures were measured or where they will be shown.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::measure::health::OwnHealth;
use crate::measure::totals::Totals;
use crate::measure::{Arrivals, PhaseId, Phases, Replays, StepStats};
use crate::scenario::{Measure, Op, Over, Scenario, Subject, Threshold};

pub mod telemetry;
pub mod thresholds;

/// Share of planned arrivals that must be achieved in every [`WINDOW`].
const ACHIEVED_MIN: f64 = 0.99;

/// Length of the sliding window in which arrivals and CPU are judged.
const WINDOW: Duration = Duration::from_secs(10);

/// From so many journeys on, the 99th percentile of their start lag is not the largest.
const JOURNEYS_ENOUGH: u64 = 100;

/// A run shorter than this is too short for its CPU share to mean anything.
const SHORTEST: Duration = Duration::from_secs(1);

/// Share of the given cores that the generator may use itself.
const CPU_MAX: f64 = 0.85;

/// Share of answers to requests with an idempotency key that may be replays of what the run never asked for: a gateway that
/// tries again after a lost answer causes a few.
const REPLAYED_MAX: f64 = 0.01;

/// What the verdict on a target that gave no good answer is called.
pub const NOTHING_SUCCEEDED: &str = "NOTHING SUCCEEDED";

/// The judgement of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Whether the measurement can be trusted.
    pub valid: bool,
    /// Why not, if not.
    pub reasons: Vec<Reason>,
    /// Set when steps were sent and not one ended as hoped or in a foreseen way: there was nothing to measure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nothing_succeeded: Option<Reason>,
    /// Whether all thresholds were met; `None` when none was evaluated (none set, or the run was interrupted).
    pub passed: Option<bool>,
    /// Each threshold with its value.
    pub thresholds: Vec<ThresholdResult>,
}

impl Verdict {
    /// Everything that speaks against the run: why it cannot be trusted, and that nothing succeeded.
    pub fn all_reasons(&self) -> impl Iterator<Item = &Reason> {
        self.reasons.iter().chain(&self.nothing_succeeded)
    }
}

/// Why a run is invalid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// What happened, with figures.
    pub what: String,
    /// When, as offsets since the run began, if it has a place in time.
    pub when: Option<String>,
    /// What to do about it.
    pub remedy: String,
}

/// One threshold, judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ThresholdResult {
    /// As written.
    pub text: String,
    /// The value found (for sliding windows: the worst), in base units; `None` when there was nothing to measure.
    pub value: Option<f64>,
    /// The limit, in base units.
    pub limit: f64,
    /// Value and limit for people.
    pub shown: String,
    /// Whether it was met. A threshold on something that never happened is not met.
    pub met: bool,
}

/// What a run is judged by.
pub struct Evidence<'a> {
    /// What was asked for.
    pub scenario: &'a Scenario,
    /// The run's phases.
    pub phases: &'a Phases,
    /// What was measured.
    pub totals: &'a Totals,
    /// How the generator fared.
    pub health: &'a OwnHealth,
    /// Cores that the generator was given: its workers.
    pub cores: u32,
    /// How long the load lasted.
    pub elapsed: Duration,
    /// Whether the run was cut short by a person.
    pub interrupted: bool,
    /// Second-level windows in order, for sliding thresholds.
    pub windows: &'a [thresholds::WindowFigures],
    /// What the system told of itself, if that was recorded.
    pub recording: Option<telemetry::Recorded<'a>>,
}

/// Judges a run.
pub fn judge(evidence: &Evidence<'_>) -> Verdict {
    let reasons = reasons(evidence);
    let thresholds = match evidence.interrupted {
        true => Vec::new(),
        false => evidence
            .scenario
            .thresholds
            .iter()
            .map(|threshold| thresholds::judge(threshold, evidence))
            .collect(),
    };
    let passed = (!thresholds.is_empty())
        .then(|| thresholds.iter().all(|result: &ThresholdResult| result.met));
    Verdict {
        valid: reasons.is_empty(),
        reasons,
        nothing_succeeded: match evidence.interrupted {
            true => None,
            false => dead_target(evidence),
        },
        passed,
        thresholds,
    }
}

fn dead_target(evidence: &Evidence<'_>) -> Option<Reason> {
    let counts = |phase: PhaseId| evidence.phases.counts(phase);
    let all = evidence.totals.cells_where(|phase, _| counts(phase));
    let errors = evidence.totals.errors.iter();
    let errors = errors.filter(|((phase, ..), _)| counts(*phase));
    nothing_succeeded(
        &all,
        errors.map(|((_, _, name), count)| (name.as_str(), *count)),
    )
}

/// Why there was nothing to measure, if so: of all steps in the phases that count, none succeeded.
pub fn nothing_succeeded<'a>(
    all: &StepStats,
    errors: impl Iterator<Item = (&'a str, u64)>,
) -> Option<Reason> {
    let sent = all.finished() + all.in_flight;
    if sent == 0 || all.succeeded() > 0 {
        return None;
    }
    let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
    errors.for_each(|(name, count)| *kinds.entry(name).or_default() += count);
    let most = kinds.iter().max_by_key(|(_, count)| **count);
    let most = most.map_or_else(
        || "no answer came before the run ended".to_owned(),
        |(name, count)| format!("{count} ended with {name}"),
    );
    Some(Reason {
        what: format!("none of {sent} steps succeeded: {most}"),
        when: None,
        remedy: "check that the target is the right one and is up; answers that are meant to be errors are named in the scenario, by a check (such as status: 503) or an outcome".to_owned(),
    })
}

/// Every reason for distrust, not only the first.
pub fn reasons(evidence: &Evidence<'_>) -> Vec<Reason> {
    let mut found = Vec::new();
    found.extend(reasons_so_far(evidence));
    found.extend(unaccounted(evidence));
    found
}

/// The reasons that can be known while journeys are still under way.
pub fn reasons_so_far(evidence: &Evidence<'_>) -> Vec<Reason> {
    let mut found = Vec::new();
    found.extend(late_arrivals(evidence.totals));
    found.extend(dropped(evidence.totals));
    found.extend(start_lag(evidence));
    found.extend(own_cpu(evidence));
    found.extend(exhaustion(evidence));
    found.extend(replays(evidence.totals));
    found.extend(incomplete_journal(evidence.health));
    found
}

fn late_arrivals(totals: &Totals) -> Option<Reason> {
    let width = usize::try_from(WINDOW.as_secs()).unwrap_or(10);
    let (at, worst) = worst_window(&totals.arrivals, width)?;
    let share = worst.on_time as f64 / worst.planned as f64;
    if share >= ACHIEVED_MIN {
        return None;
    }
    Some(Reason {
        what: format!("only {:.1} % of {} planned journeys began on time (at least 99 % must)", share * 100.0, worst.planned),
        when: Some(format!("{at} s to {} s", at + width)),
        remedy: "lower the rate, give the generator more cores with --workers, or spread the load with --segment".to_owned(),
    })
}

/// The window with the smallest share of arrivals on time: its first second, and its sum.
fn worst_window(seconds: &[Arrivals], width: usize) -> Option<(usize, Arrivals)> {
    let width = width.min(seconds.len()).max(1);
    let sums = seconds.windows(width).enumerate().map(|(at, window)| {
        let mut sum = Arrivals::default();
        window.iter().for_each(|second| sum.add(second));
        (at, sum)
    });
    let share = |sum: &Arrivals| sum.on_time as f64 / sum.planned as f64;
    sums.filter(|(_, sum)| sum.planned > 0)
        .min_by(|(_, a), (_, b)| share(a).total_cmp(&share(b)))
}

fn dropped(totals: &Totals) -> Vec<Reason> {
    let remedy = |reason: &str| match reason {
        "shoppers_limit" => {
            "raise limits.shoppers in the scenario, or find out why journeys take so long"
        }
        "feeder_exhausted" => {
            "add rows to the feeder's file, or set when-exhausted: wrap, or stop to end the load with them"
        }
        _ => "see loadgen.log in the run folder",
    };
    let reasons = totals.dropped.iter().filter(|(_, count)| **count > 0);
    reasons
        .map(|(reason, count)| Reason {
            what: format!("{count} journeys were dropped: {reason}"),
            when: None,
            remedy: remedy(reason).to_owned(),
        })
        .collect()
}

fn start_lag(evidence: &Evidence<'_>) -> Option<Reason> {
    let counts = |phase: PhaseId| evidence.phases.counts(phase);
    let lags = evidence.totals.start_lag_where(counts);
    let lag = lags.quantile(judged_quantile(lags.count())?)?;
    // The usual case, asked every second by the live view: no need to add up all response times.
    if lag <= evidence.scenario.limits.start_lag_max {
        return None;
    }
    let response = evidence
        .totals
        .cells_where(|phase, _| counts(phase))
        .response
        .quantile(0.5)
        .unwrap_or_default();
    let bound = evidence.scenario.limits.start_lag_max.max(response / 10);
    if lag <= bound {
        return None;
    }
    Some(Reason {
        what: format!(
            "the generator began {} more than {} late (bound: {})",
            match lags.count() {
                few @ ..JOURNEYS_ENOUGH => format!("at least two of {few} journeys"),
                _ => "1 % of journeys".to_owned(),
            },
            show_time(lag),
            show_time(bound)
        ),
        when: None,
        remedy:
            "keep other work off this machine, give the generator its own cores, or lower the rate"
                .to_owned(),
    })
}

/// The quantile of start lag that is judged: the 99th percentile, but of few journeys the second largest lag, for one late start
/// of ten says nothing about the generator. None of a single one.
fn judged_quantile(journeys: u64) -> Option<f64> {
    match journeys {
        0 | 1 => None,
        // Half a rank below, so that no rounding reaches the largest.
        few @ ..JOURNEYS_ENOUGH => Some((1.0 - 1.5 / few as f64).max(0.0)),
        _ => Some(0.99),
    }
}

fn own_cpu(evidence: &Evidence<'_>) -> Option<Reason> {
    let (begin, share) = busiest(&evidence.health.cpu, evidence.cores)?;
    if share <= CPU_MAX {
        return None;
    }
    Some(Reason {
        what: format!(
            "the generator used {:.0} % of the {} cores it was given (at most 85 %)",
            share * 100.0,
            evidence.cores
        ),
        when: Some(format!(
            "{:.0} s to {:.0} s",
            begin.as_secs_f64(),
            (begin + WINDOW).as_secs_f64()
        )),
        remedy: "lower the rate, raise --workers, or split the run over machines with --segment"
            .to_owned(),
    })
}

/// Begin and CPU share of the busiest window.
fn busiest(ticks: &[(Duration, Duration)], cores: u32) -> Option<(Duration, f64)> {
    let mut begin = Duration::ZERO;
    let mut best: Option<(Duration, f64)> = None;
    for (index, (_, length)) in ticks.iter().enumerate() {
        let (mut used, mut wall) = (Duration::ZERO, Duration::ZERO);
        for (cpu, length) in &ticks[index..] {
            used += *cpu;
            wall += *length;
            if wall >= WINDOW {
                break;
            }
        }
        // A tail shorter than the window says little, unless it is all there is.
        if wall >= WINDOW || (index == 0 && wall >= SHORTEST) {
            let share = used.as_secs_f64() / wall.as_secs_f64().max(1e-9) / f64::from(cores.max(1));
            if best.is_none_or(|(_, highest)| share > highest) {
                best = Some((begin, share));
            }
        }
        begin += *length;
    }
    best
}

/// Highest share of the given cores used over any ten seconds, 0…1.
pub fn cpu_share_max(health: &OwnHealth, cores: u32) -> f64 {
    busiest(&health.cpu, cores).map_or(0.0, |(_, share)| share)
}

fn exhaustion(evidence: &Evidence<'_>) -> Vec<Reason> {
    let causes = [
        (
            "out_of_descriptors",
            "this machine ran out of file descriptors",
            "raise the limit of open files (ulimit -n)",
        ),
        (
            "out_of_ports",
            "this machine ran out of local ports",
            "use shared connections, or widen net.ipv4.ip_local_port_range",
        ),
        (
            "out_of_connections",
            "the limit of open connections was reached",
            "raise limits.connections in the scenario",
        ),
    ];
    let count = |name: &str| {
        let errors = evidence
            .totals
            .errors
            .iter()
            .filter(|((_, _, error), _)| error == name);
        errors.map(|(_, count)| count).sum::<u64>()
    };
    causes
        .into_iter()
        .filter_map(|(name, what, remedy)| {
            let times = count(name);
            (times > 0).then(|| Reason {
                what: format!("{what} ({times} times)"),
                when: None,
                remedy: remedy.to_owned(),
            })
        })
        .collect()
}

/// Answers from a target's memory measure its memory.
fn replays(totals: &Totals) -> Option<Reason> {
    let mut sum = Replays::default();
    for cell in totals.cells.values() {
        sum.add(&cell.replays);
    }
    if sum.unforeseen as f64 <= REPLAYED_MAX * sum.keyed as f64 {
        return None;
    }
    Some(Reason {
        what: format!(
            "{} of {} answers to requests with an idempotency key were replays for a key's first use: the target gave them from memory and did no work (at most 1 % may be)",
            sum.unforeseen, sum.keyed
        ),
        when: None,
        remedy: "give each run a --run-id of its own, or none, and let the scenario make its keys with ${uuid}".to_owned(),
    })
}

/// planned = completed + failed + timed out + in flight + dropped, or something was lost.
fn unaccounted(evidence: &Evidence<'_>) -> Option<Reason> {
    let arrivals = evidence.totals.arrivals_all();
    let ended: u64 = evidence
        .totals
        .journeys
        .values()
        .map(|cell| cell.total())
        .sum();
    if arrivals.planned == ended + arrivals.dropped {
        return None;
    }
    Some(Reason {
        what: format!(
            "{} journeys were planned, but {ended} ended and {} were dropped",
            arrivals.planned, arrivals.dropped
        ),
        when: None,
        remedy: "this is a fault of loadgen; please report it with the run folder".to_owned(),
    })
}

/// Samples and promises that were measured but not written are lost to every reader of the run folder.
fn incomplete_journal(health: &OwnHealth) -> Option<Reason> {
    let error = health.journal_failure.as_ref()?;
    Some(Reason {
        what: format!("the run folder is incomplete, only this summary has all of it: {error}"),
        when: None,
        remedy: "make room on that disk, or choose another place with --out DIR".to_owned(),
    })
}

/// A time as people read it: three significant digits in µs, ms or s.
pub fn show_time(time: Duration) -> String {
    let micros = time.as_secs_f64() * 1e6;
    match micros {
        m if m < 999.5 => format!("{m:.0} µs"),
        m if m < 9_995.0 => format!("{:.2} ms", m / 1e3),
        m if m < 99_950.0 => format!("{:.1} ms", m / 1e3),
        m if m < 999_500.0 => format!("{:.0} ms", m / 1e3),
        m if m < 9_995_000.0 => format!("{:.2} s", m / 1e6),
        m => format!("{:.1} s", m / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_window_is_found_by_its_share_and_empty_seconds_do_not_count() {
        let second = |planned, on_time| Arrivals {
            planned,
            started: on_time,
            on_time,
            dropped: 0,
        };
        let seconds = [
            second(100, 100),
            second(100, 100),
            second(100, 50),
            second(0, 0),
        ];
        let (at, worst) = worst_window(&seconds, 2).unwrap();
        assert_eq!((at, worst.on_time, worst.planned), (2, 50, 100));
        assert!(worst_window(&[second(0, 0)], 10).is_none());
    }

    #[test]
    fn the_busiest_ten_seconds_are_found_and_a_short_tail_is_not_judged_alone() {
        let tick = |cpu_ms| (Duration::from_millis(cpu_ms), Duration::from_secs(1));
        let mut ticks = vec![tick(100); 20];
        ticks.push(tick(2000));
        let (_, share) = busiest(&ticks, 1).unwrap();
        assert!((share - 0.29).abs() < 1e-9, "{share}");
    }

    #[test]
    fn one_late_start_of_a_few_is_not_judged_and_two_are() {
        let judged = |late: u64, journeys: u64| {
            let mut lags = crate::measure::LatencyHistogram::default();
            (late..journeys).for_each(|_| lags.record(Duration::from_micros(10)));
            (0..late).for_each(|_| lags.record(Duration::from_secs(1)));
            let quantile = judged_quantile(journeys)?;
            lags.quantile(quantile)
        };
        let is_late = |late, journeys| judged(late, journeys) > Some(Duration::from_millis(500));
        for journeys in [2, 3, 10, 49, 99] {
            assert!(!is_late(1, journeys) && is_late(2, journeys), "{journeys}");
        }
        assert_eq!(judged(1, 1), None);
        assert!(!is_late(1, 100) && is_late(2, 100));
        assert!(!is_late(10, 1000) && is_late(11, 1000));
    }

    #[test]
    fn times_are_shown_with_three_digits() {
        let shown: Vec<_> = [7, 999, 1_000, 12_345, 123_456, 1_234_567, 12_345_678]
            .map(|us| show_time(Duration::from_micros(us)))
            .into();
        assert_eq!(
            shown,
            [
                "7 µs", "999 µs", "1.00 ms", "12.3 ms", "123 ms", "1.23 s", "12.3 s"
            ]
        );
    }
}

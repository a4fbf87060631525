//! PURE: thresholds on what the system told of itself, judged on its recording.
//!
//! What adds up – counts, rates of counts, distributions – is judged over the whole phase or window; everything else in each
//! recorded interval, of which the worst counts. Of several groups the worst counts, too.

use std::time::Duration;

use alerting::catalogue::known_metric;
use alerting::evaluate::grid::Grid;
use alerting::evaluate::series::{INTERVAL_S, SeriesSource};
use alerting::evaluate::{Data, Evaluated, Plan};
use alerting::query::Expression;

use super::thresholds::holds;
use super::{Evidence, Op, Over, PhaseId, Threshold, ThresholdResult};

const STEP_S: i64 = INTERVAL_S as i64;

/// Windows of a sliding threshold that are judged: a day of them, and more.
const WINDOWS_MAX: i64 = 20_000;

/// The recording of a run.
#[derive(Clone, Copy)]
pub struct Recorded<'a> {
    /// Its series.
    pub source: &'a dyn SeriesSource,
    /// When the load began, UNIX seconds.
    pub load_started_s: f64,
}

/// A value and the group that it belongs to.
struct Worst {
    value: f64,
    /// Empty if nothing is grouped.
    group: String,
    /// Other groups that do not hold either.
    others: usize,
}

/// Judges one.
pub(super) fn judge(
    threshold: &Threshold,
    query: &Expression,
    evidence: &Evidence<'_>,
) -> ThresholdResult {
    let found = worst(threshold, query, evidence);
    let limit = threshold.limit;
    let (value, shown) = match found {
        Err(why) => (None, format!("{why} (limit {limit})")),
        Ok(worst) => (Some(worst.value), worst.shown(threshold.limit)),
    };
    ThresholdResult {
        text: threshold.text.clone(),
        value,
        limit,
        shown,
        met: value.is_some_and(|value| holds(threshold.op, value, limit)),
    }
}

impl Worst {
    fn shown(&self, limit: f64) -> String {
        let value = (self.value * 1e6).round() / 1e6;
        let of = match (self.group.is_empty(), self.others) {
            (true, _) => String::new(),
            (false, 0) => format!(" in {}", self.group),
            (false, others) => format!(" in {}, and {others} more groups fail", self.group),
        };
        format!("{value}{of} (limit {limit})")
    }

    /// The worse of two.
    fn or(self, other: Self, op: Op, limit: f64) -> Self {
        if is_worse(op, limit, other.value, self.value) {
            other
        } else {
            self
        }
    }
}

fn is_worse(op: Op, limit: f64, value: f64, than: f64) -> bool {
    match op {
        Op::Less | Op::LessOrEqual => value > than,
        Op::Greater | Op::GreaterOrEqual => value < than,
        Op::Equal => (value - limit).abs() > (than - limit).abs(),
    }
}

/// The worst value, or why there is none.
fn worst(
    threshold: &Threshold,
    query: &Expression,
    evidence: &Evidence<'_>,
) -> Result<Worst, String> {
    let Some(recorded) = evidence.recording else {
        return Err("nothing was recorded".to_owned());
    };
    let plan = Plan::of(query).map_err(|error| error.message)?.pop();
    let plan = plan.ok_or("there is no query")?;
    let data = Data::read(recorded.source, plan.metrics()).map_err(|error| error.to_string())?;
    let missing = data
        .missing(recorded.source)
        .map_err(|error| error.to_string())?;
    if let Some(missing) = missing
        .iter()
        .find(|missing| !is_silent_count(&plan, &missing.metric))
    {
        return Err(missing.to_string());
    }
    let mut found: Option<Worst> = None;
    for grid in grids(threshold, &plan, &data, evidence, recorded)? {
        let evaluated = plan.evaluate(&data, grid).map_err(|error| error.message)?;
        if let Some(here) = worst_of(threshold, &evaluated) {
            found = Some(match found {
                Some(before) => before.or(here, threshold.op, threshold.limit),
                None => here,
            });
        }
    }
    // Where nothing was counted the count is 0.
    let nothing = plan.is_plain_count().then(|| Worst {
        value: 0.0,
        group: String::new(),
        others: 0,
    });
    found
        .or(nothing)
        .ok_or_else(|| "nothing was recorded in this time for this scope".to_owned())
}

/// Whether a metric may have had no data only because what it counts never happened.
fn is_silent_count(plan: &Plan, metric: &str) -> bool {
    plan.is_counted() && known_metric(metric).is_some_and(|known| known.sparse)
}

fn worst_of(threshold: &Threshold, found: &Evaluated) -> Option<Worst> {
    let (op, limit) = (threshold.op, threshold.limit);
    let of = |group: &alerting::evaluate::Group| {
        let worse = |a: f64, b: f64| if is_worse(op, limit, b, a) { b } else { a };
        Some((group.present().reduce(worse)?, group.name()))
    };
    let all: Vec<(f64, String)> = found.groups.iter().filter_map(of).collect();
    let failing = all
        .iter()
        .filter(|(value, _)| !holds(op, *value, limit))
        .count();
    let (value, group) = all
        .into_iter()
        .reduce(|a, b| if is_worse(op, limit, b.0, a.0) { b } else { a })?;
    Some(Worst {
        value,
        group: if group == "*" { String::new() } else { group },
        others: failing.saturating_sub(1),
    })
}

/// The buckets to look at: one for each window, or one for each interval.
fn grids(
    threshold: &Threshold,
    plan: &Plan,
    data: &Data,
    evidence: &Evidence<'_>,
    recorded: Recorded<'_>,
) -> Result<Vec<Grid>, String> {
    let (from, to) = stretch(threshold, data, evidence, recorded);
    if to <= from {
        return Err("no whole recorded interval lies in this time".to_owned());
    }
    if plan.rollup_s().is_some() || !plan.adds_up(data) {
        return Ok(vec![plan.grid(from, to - 1, STEP_S)]);
    }
    let Over::Every(length) = threshold.over else {
        return Ok(vec![Grid::whole(from, to - 1)]);
    };
    let length = i64::try_from(length.as_secs()).unwrap_or(i64::MAX);
    let windows = (to - from - length) / STEP_S + 1;
    if windows > WINDOWS_MAX {
        return Err(format!(
            "there are more than {WINDOWS_MAX} windows; write `in PHASE`"
        ));
    }
    let begins = (0..windows.max(0)).map(|window| from + window * STEP_S);
    Ok(begins
        .map(|begin| Grid::whole(begin, begin + length - 1))
        .collect())
}

/// The recorded intervals that lie wholly in the part of the run that is judged, as UNIX seconds; the run's last part ends
/// with the recording, for what it began goes on after it.
fn stretch(
    threshold: &Threshold,
    data: &Data,
    evidence: &Evidence<'_>,
    recorded: Recorded<'_>,
) -> (i64, i64) {
    let all = (0..evidence.phases.names().len())
        .map(|index| PhaseId(u16::try_from(index).unwrap_or(u16::MAX)));
    let wanted = |phase: &PhaseId| match threshold.over {
        Over::Phase(index) => *phase == evidence.phases.planned(index),
        Over::Run | Over::Every(_) => evidence.phases.counts(*phase),
    };
    let spans = all
        .filter(wanted)
        .map(|phase| evidence.phases.span(phase, evidence.elapsed));
    let (begin, end) = spans.fold((Duration::MAX, Duration::ZERO), |(begin, end), span| {
        (begin.min(span.0), end.max(span.1))
    });
    let at = |offset: Duration| recorded.load_started_s + offset.as_secs_f64();
    let whole = |seconds: f64| seconds.clamp(i64::MIN as f64, i64::MAX as f64) as i64;
    let from = match begin.is_zero() {
        // What came in the interval in which the load began came of it.
        true => whole(at(begin)).div_euclid(STEP_S) * STEP_S,
        false => (whole(at(begin).ceil()) + STEP_S - 1).div_euclid(STEP_S) * STEP_S,
    };
    let to = match threshold.over {
        Over::Phase(_) => whole(at(end)).div_euclid(STEP_S) * STEP_S,
        Over::Run | Over::Every(_) => data
            .span()
            .map_or(0, |(_, last)| last + STEP_S)
            .max(whole(at(end))),
    };
    (from, to)
}

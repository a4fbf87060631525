//! Observations become points: what an Agent does every 10 s, by the same rules. PURE: time is what it is told.
//!
//! Of an interval are kept a count's sum, a gauge's last value, the number of a set's distinct values, and all values of a
//! distribution as a sketch that can be merged. A histogram becomes five series, as in an Agent. An interval is closed some
//! seconds after its end; what comes for it later is merged into its points.

use std::collections::{BTreeMap, HashMap, HashSet};

use alerting::evaluate::series::{INTERVAL_S, PointValue, SeriesKind};
use alerting::evaluate::sketch::Sketch;

use super::SERIES_MAX;
use super::drops::{Drops, Reason};
use super::signal::{NAME_BYTES_MAX, Observation, Observed, Tags, cut};

/// Length of an interval, seconds.
pub const INTERVAL: i64 = INTERVAL_S as i64;
/// How long after its end an interval stays open, seconds: for what arrives late.
pub const GRACE_S: i64 = 5;
/// Distinct values of a set that are told apart within an interval.
pub const SET_VALUES_MAX: usize = 10_000;
/// Age of the oldest observation that is recorded, seconds.
pub const AGE_MAX_S: i64 = 3_600;
/// How far ahead of this clock an observation may be, seconds.
pub const AHEAD_MAX_S: i64 = 600;
/// Intervals that are open at once: senders with timestamps may spread.
pub const OPEN_MAX: usize = 720;

/// How much open intervals hold at most: of each series one, and each value of a set.
pub const HELD_MAX: usize = 400_000;

/// The name of a series within a recording.
pub type SeriesId = u32;

/// What a series is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SeriesName {
    /// The metric.
    pub metric: String,
    /// What its points mean.
    pub kind: SeriesKind,
    /// Its tags.
    pub tags: Tags,
}

/// A point that is ready to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Of which series.
    pub series: SeriesId,
    /// UNIX seconds of the interval's start.
    pub at: i64,
    /// What the interval came to.
    pub value: PointValue,
}

/// A series that is to be written before its points.
#[derive(Debug, Clone, PartialEq)]
pub struct NewSeries {
    /// Its name in the recording.
    pub id: SeriesId,
    /// What it is.
    pub name: SeriesName,
    /// Unit of its values; empty where it is not known.
    pub unit: String,
}

/// What there is to write.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Closed {
    /// Series that had no point before.
    pub series: Vec<NewSeries>,
    /// Points, some of which may be there already: their intervals were closed before.
    pub points: Vec<Point>,
}

/// What an interval holds of a series before it is closed.
#[derive(Debug)]
enum Held {
    Count(f64),
    Gauge(f64),
    Set(HashSet<u64>),
    Distribution(Sketch),
    Histogram(Sketch),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Form {
    Count,
    Gauge,
    Set,
    Distribution,
    Histogram,
}

/// The open intervals.
#[derive(Debug)]
pub struct Intervals {
    /// By metric, form and tags; of a histogram the first of its parts.
    observed: HashMap<(String, Form, Tags), SeriesId>,
    open: BTreeMap<i64, HashMap<SeriesId, Held>>,
    /// How much the open intervals hold: of each series one, and each value of a set.
    held: usize,
    /// The next name; a histogram's parts follow each other.
    next: SeriesId,
    fresh: Vec<NewSeries>,
    drops: Drops,
}

/// The parts of a histogram, in the order of their ids.
const PARTS: [(&str, SeriesKind); 5] = [
    ("avg", SeriesKind::Gauge),
    ("count", SeriesKind::Count),
    ("median", SeriesKind::Gauge),
    ("95percentile", SeriesKind::Gauge),
    ("max", SeriesKind::Gauge),
];

impl Intervals {
    /// None yet; what cannot be kept is counted in `drops`.
    pub fn new(drops: Drops) -> Self {
        Self {
            observed: HashMap::new(),
            open: BTreeMap::new(),
            held: 0,
            next: 1,
            fresh: Vec::new(),
            drops,
        }
    }

    /// Series that are known so far.
    pub fn series(&self) -> usize {
        self.next as usize - 1
    }

    /// Takes an observation in; `now_s` is the time at which it arrived, UNIX seconds.
    pub fn observe(&mut self, observation: Observation, now_s: i64) {
        let at = observation.at_s.unwrap_or(now_s);
        if !(now_s - AGE_MAX_S..=now_s + AHEAD_MAX_S).contains(&at) {
            self.drops.add(Reason::Late, 1);
            return;
        }
        let at = at.div_euclid(INTERVAL) * INTERVAL;
        let is_new = !self.open.contains_key(&at);
        if self.held >= HELD_MAX || is_new && self.open.len() >= OPEN_MAX {
            self.drops.add(Reason::Late, 1);
            return;
        }
        let value = observation.value;
        let Some(id) = self.source(
            observation.metric,
            &value,
            observation.tags,
            &observation.unit,
        ) else {
            self.drops.add(Reason::Series, 1);
            return;
        };
        self.held += add(self.open.entry(at).or_default(), id, value);
    }

    fn source(
        &mut self,
        metric: String,
        value: &Observed,
        tags: Tags,
        unit: &str,
    ) -> Option<SeriesId> {
        let key = (metric, form(value), tags);
        if let Some(known) = self.observed.get(&key) {
            return Some(*known);
        }
        let needed = if key.1 == Form::Histogram {
            PARTS.len()
        } else {
            1
        };
        if self.series() + needed > SERIES_MAX {
            return None;
        }
        let id = self.next;
        self.next += needed as SeriesId;
        self.fresh.extend(names(&key, unit, id));
        self.observed.insert(key, id);
        Some(id)
    }

    /// Closes the intervals whose time is over at `now_s`.
    pub fn close(&mut self, now_s: i64) -> Closed {
        let last = now_s - INTERVAL - GRACE_S;
        let later = self.open.split_off(&(last + 1));
        let over = std::mem::replace(&mut self.open, later);
        self.closed(over)
    }

    /// Closes all of them.
    pub fn close_all(&mut self) -> Closed {
        let over = std::mem::take(&mut self.open);
        self.closed(over)
    }

    fn closed(&mut self, over: BTreeMap<i64, HashMap<SeriesId, Held>>) -> Closed {
        let mut points = Vec::new();
        for (at, held) in over {
            for (series, held) in held {
                self.held = self.held.saturating_sub(held.size());
                held.points(series, at, &mut points);
            }
        }
        points.sort_unstable_by_key(|point| (point.series, point.at));
        Closed {
            series: std::mem::take(&mut self.fresh),
            points,
        }
    }
}

fn form(value: &Observed) -> Form {
    match value {
        Observed::Count(_) => Form::Count,
        Observed::Gauge(_) => Form::Gauge,
        Observed::Set(_) => Form::Set,
        Observed::Distribution(_) => Form::Distribution,
        Observed::Histogram(_) => Form::Histogram,
    }
}

/// The series that are written for what is observed under a key.
fn names(key: &(String, Form, Tags), unit: &str, id: SeriesId) -> Vec<NewSeries> {
    let (metric, form, tags) = key;
    let named = |id, metric: String, kind| NewSeries {
        id,
        name: SeriesName {
            metric,
            kind,
            tags: tags.clone(),
        },
        unit: cut(unit, NAME_BYTES_MAX).to_owned(),
    };
    let kind = match form {
        Form::Count => SeriesKind::Count,
        Form::Gauge => SeriesKind::Gauge,
        Form::Set => SeriesKind::Set,
        Form::Distribution => SeriesKind::Distribution,
        Form::Histogram => {
            let parts = PARTS.iter().zip(id..);
            return parts
                .map(|((part, kind), id)| named(id, format!("{metric}.{part}"), *kind))
                .collect();
        }
    };
    vec![named(id, metric.clone(), kind)]
}

/// How much more the interval holds for it.
fn add(interval: &mut HashMap<SeriesId, Held>, id: SeriesId, value: Observed) -> usize {
    let before = interval.len();
    let held = interval.entry(id).or_insert_with(|| match value {
        Observed::Count(_) => Held::Count(0.0),
        Observed::Gauge(value) => Held::Gauge(value),
        Observed::Set(_) => Held::Set(HashSet::new()),
        Observed::Distribution(_) => Held::Distribution(Sketch::default()),
        Observed::Histogram(_) => Held::Histogram(Sketch::default()),
    });
    match (held, value) {
        (Held::Count(sum), Observed::Count(more)) => *sum += more,
        (Held::Gauge(last), Observed::Gauge(value)) => *last = value,
        (Held::Set(values), Observed::Set(value)) if values.len() < SET_VALUES_MAX => {
            return usize::from(values.insert(value)) + interval.len() - before;
        }
        (Held::Distribution(sketch), Observed::Distribution(values))
        | (Held::Histogram(sketch), Observed::Histogram(values)) => {
            for (value, times) in values {
                sketch.insert_many(value, times);
            }
        }
        // A full set; and what is found by its form has that form.
        _ => {}
    }
    interval.len() - before
}

impl Held {
    fn size(&self) -> usize {
        match self {
            Self::Set(values) => 1 + values.len(),
            _ => 1,
        }
    }

    fn points(self, series: SeriesId, at: i64, points: &mut Vec<Point>) {
        let mut push = |series, value| points.push(Point { series, at, value });
        match self {
            Self::Count(value) | Self::Gauge(value) => push(series, PointValue::Number(value)),
            Self::Set(values) => push(series, PointValue::Number(values.len() as f64)),
            Self::Distribution(sketch) if sketch.count() > 0 => {
                push(series, PointValue::Sketch(sketch));
            }
            Self::Histogram(sketch) if sketch.count() > 0 => {
                let parts = [
                    sketch.avg(),
                    Some(sketch.count() as f64),
                    sketch.quantile(0.5),
                    sketch.quantile(0.95),
                    sketch.max(),
                ];
                for (value, series) in parts.into_iter().zip(series..) {
                    push(series, PointValue::Number(value.unwrap_or_default()));
                }
            }
            Self::Distribution(_) | Self::Histogram(_) => {}
        }
    }
}

#[cfg(test)]
mod tests;

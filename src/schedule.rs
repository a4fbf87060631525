//! When shoppers arrive: a pure function of (phases, spacing, seed, index).
//!
//! PURE. The integral of the rate is inverted exactly, so the n-th arrival is known without simulating the first
//! n − 1, and any segment of the schedule is known without talking to the others. Fractions of arrivals are carried from
//! one phase to the next. Must not know: clocks, tasks, who sends what.

use std::borrow::Borrow;
use std::time::Duration;

use crate::scenario::{Phase, Spacing};

use curve::{AREA_TOLERANCE, Rates};
use poisson::{Scatter, Walk};

pub mod crowd;
mod curve;
mod poisson;
#[cfg(test)]
mod tests;

/// The smallest step between two offsets.
const NANOSECOND: Duration = Duration::from_nanos(1);

/// The intended offsets of all arrivals of an open load, sorted.
#[derive(Debug, Clone)]
pub struct Schedule {
    spacing: Spacing,
    /// Where each phase ends.
    ends: Vec<Duration>,
    /// One for the scenario's curve and one more for each time that the rate was changed by hand; never empty.
    eras: Vec<Era>,
    total: u64,
}

/// A share of a schedule: arrival n belongs to it when n ≡ `index` (mod `of`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    index: u64,
    of: u64,
}

/// The arrivals of one segment in order; each as its number in the whole schedule and its offset.
#[derive(Debug, Clone)]
pub struct Arrivals<S> {
    schedule: S,
    segment: Segment,
    next: u64,
    /// The era of the last arrival and the way through its tree, if it has one.
    place: Option<(usize, Walk)>,
}

/// A stretch of time under one curve, from `first_index` on.
#[derive(Debug, Clone)]
struct Era {
    start: Duration,
    first_index: u64,
    rates: Rates,
    points: Points,
}

/// Where the arrivals of an era lie in the area under its curve.
#[derive(Debug, Clone)]
enum Points {
    /// One each whole unit, the first at this area.
    Even {
        first_area: f64,
    },
    Scattered(Scatter),
}

impl Schedule {
    /// The schedule of a load whose phases follow one another.
    ///
    /// Even spacing puts arrival n (from 0) where the integral of the rate reaches n. Poisson spacing has the same
    /// total, but lets the arrivals fall as a Poisson process along the curve would.
    pub fn new(phases: &[Phase], spacing: Spacing, seed: u64) -> Self {
        let ends = phases.iter().scan(Duration::ZERO, |end, phase| {
            *end = end.saturating_add(phase.duration);
            Some(*end)
        });
        let ends = ends.collect();
        let rates = Rates::of(phases);
        let total = whole_arrivals(rates.area());
        let points = match spacing {
            Spacing::Even => Points::Even { first_area: 0.0 },
            Spacing::Poisson => Points::Scattered(Scatter::new(seed, total)),
        };
        let era = Era {
            start: Duration::ZERO,
            first_index: 0,
            rates,
            points,
        };
        Self {
            spacing,
            ends,
            eras: vec![era],
            total,
        }
    }

    /// The intended offset of arrival `index`, counted from 0; `None` past the last one.
    pub fn offset(&self, index: u64) -> Option<Duration> {
        if index >= self.total {
            return None;
        }
        let era = &self.eras[self.era_of(index)];
        let area = match era.points {
            Points::Even { first_area } => first_area + (index - era.first_index) as f64,
            Points::Scattered(scatter) => {
                scatter.position(index - era.first_index) * era.rates.area()
            }
        };
        Some(self.rounded(era, area))
    }

    /// Planned arrivals in all.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// From the start to the end of the last phase.
    pub fn duration(&self) -> Duration {
        self.ends.last().copied().unwrap_or_default()
    }

    /// Planned arrivals a second at this offset; 0 past the end.
    pub fn rate_at(&self, offset: Duration) -> f64 {
        self.era_at(offset).rates.rate_at(offset.as_secs_f64())
    }

    /// The index of the phase that this offset lies in; past the end, the last one.
    pub fn phase_at(&self, offset: Duration) -> usize {
        let index = self.ends.partition_point(|end| *end <= offset);
        index.min(self.ends.len().saturating_sub(1))
    }

    /// When phase `index` begins and ends; `None` if there is no such phase.
    pub fn phase_bounds(&self, index: usize) -> Option<(Duration, Duration)> {
        let end = *self.ends.get(index)?;
        let start = index
            .checked_sub(1)
            .map_or(Duration::ZERO, |before| self.ends[before]);
        Some((start, end))
    }

    /// How many arrivals have an offset in `[from, to)`.
    pub fn planned_between(&self, from: Duration, to: Duration) -> u64 {
        self.planned_before(to)
            .saturating_sub(self.planned_before(from))
    }

    /// How many arrivals have an offset before `end`.
    pub fn planned_before(&self, end: Duration) -> u64 {
        let era = self.era_at(end);
        let area = era.rates.area_until(end.as_secs_f64());
        let within = match era.points {
            Points::Even { first_area } => (area - first_area).ceil().max(0.0) as u64,
            Points::Scattered(scatter) => {
                scatter.count_below(area / era.rates.area().max(f64::MIN_POSITIVE))
            }
        };
        // The integral and the offsets are rounded apart: offsets, which everyone sees, have the last word.
        let mut count = era.first_index.saturating_add(within).min(self.total);
        while count > era.first_index && self.offset(count - 1).is_some_and(|offset| offset >= end)
        {
            count -= 1;
        }
        while self.offset(count).is_some_and(|offset| offset < end) {
            count += 1;
        }
        count
    }

    /// The arrivals of one segment in order.
    pub fn arrivals(&self, segment: Segment) -> Arrivals<&Self> {
        Arrivals::new(self, segment, 0)
    }

    /// The same schedule with every rate from `at` on multiplied by `factor` (0 or more).
    ///
    /// Arrivals before `at` keep their indices and offsets. Under even spacing the fraction of an arrival that is due at
    /// `at` is kept as well. Factors multiply: a rate that was set to 0 stays 0.
    pub fn rescaled(&self, at: Duration, factor: f64) -> Self {
        let factor = if factor.is_finite() {
            factor.max(0.0)
        } else {
            1.0
        };
        let kept = self.planned_before(at);
        let era = self.era_at(at);
        let rates = era.rates.rest(at.as_secs_f64(), factor);
        let (count, points) = match era.points {
            Points::Even { first_area } => {
                let due = first_area + (kept - era.first_index) as f64;
                let first_area = (due - era.rates.area_until(at.as_secs_f64())).max(0.0);
                (
                    whole_arrivals(rates.area() - first_area),
                    Points::Even { first_area },
                )
            }
            Points::Scattered(scatter) => {
                let count = rates.area().round() as u64;
                (count, Points::Scattered(scatter.successor(count)))
            }
        };
        let mut eras: Vec<Era> = self
            .eras
            .iter()
            .filter(|era| era.start < at)
            .cloned()
            .collect();
        eras.push(Era {
            start: at,
            first_index: kept,
            rates,
            points,
        });
        Self {
            spacing: self.spacing,
            ends: self.ends.clone(),
            eras,
            total: kept + count,
        }
    }

    /// How arrivals lie within the curve.
    pub fn spacing(&self) -> Spacing {
        self.spacing
    }

    fn era_of(&self, index: u64) -> usize {
        self.eras
            .partition_point(|era| era.first_index <= index)
            .saturating_sub(1)
    }

    fn era_at(&self, offset: Duration) -> &Era {
        let after = self.eras.partition_point(|era| era.start <= offset);
        &self.eras[after.saturating_sub(1)]
    }

    /// The offset at which the era's curve has this area: to the nanosecond, inside the era, before the end.
    fn rounded(&self, era: &Era, area: f64) -> Duration {
        let time = Duration::from_nanos((era.rates.time_of(area) * 1e9).round() as u64);
        time.min(self.duration().saturating_sub(NANOSECOND))
            .max(era.start)
    }
}

impl Segment {
    /// The whole schedule.
    pub const WHOLE: Self = Self { index: 0, of: 1 };

    /// Share `index` (from 0) of `of` equal shares; `None` unless `index < of`.
    pub fn new(index: u64, of: u64) -> Option<Self> {
        (index < of).then_some(Self { index, of })
    }

    /// Which share, from 0.
    pub fn index(self) -> u64 {
        self.index
    }

    /// Of how many shares.
    pub fn of(self) -> u64 {
        self.of
    }

    /// A share of this share: for example worker j of m within process segment i of k.
    pub fn part(self, part: Self) -> Self {
        Self {
            index: self.index + self.of * part.index,
            of: self.of * part.of,
        }
    }

    /// Whether arrival `index` belongs to this share.
    pub fn holds(self, index: u64) -> bool {
        index % self.of == self.index
    }

    /// How many of the first `total` arrivals belong to this share.
    pub fn share_of(self, total: u64) -> u64 {
        total.saturating_sub(self.index).div_ceil(self.of)
    }

    /// This share when the whole is divided among the first `shares` shares only; `None` for the others.
    pub fn among(self, shares: u64) -> Option<Self> {
        Self::new(self.index, self.of.min(shares))
    }

    /// The indices of this share below `total`.
    pub fn of_all(self, total: u64) -> impl Iterator<Item = u64> {
        (0..self.share_of(total)).map(move |nth| self.index + nth * self.of)
    }

    /// The first index of this share that is `from` or later.
    fn first_from(self, from: u64) -> u64 {
        self.index + from.saturating_sub(self.index).div_ceil(self.of) * self.of
    }
}

impl<S: Borrow<Schedule>> Arrivals<S> {
    /// The arrivals of `segment` from number `from` on. Takes the schedule by reference or shared ownership.
    pub fn new(schedule: S, segment: Segment, from: u64) -> Self {
        Self {
            schedule,
            segment,
            next: segment.first_from(from),
            place: None,
        }
    }
}

impl<S: Borrow<Schedule>> Iterator for Arrivals<S> {
    type Item = (u64, Duration);

    fn next(&mut self) -> Option<Self::Item> {
        let schedule = self.schedule.borrow();
        let index = self.next;
        if index >= schedule.total {
            return None;
        }
        self.next = index.saturating_add(self.segment.of);
        let era_index = schedule.era_of(index);
        let era = &schedule.eras[era_index];
        let area = match era.points {
            Points::Even { first_area } => first_area + (index - era.first_index) as f64,
            Points::Scattered(scatter) => {
                if self
                    .place
                    .as_ref()
                    .is_none_or(|(place, _)| *place != era_index)
                {
                    self.place = Some((era_index, scatter.walk()));
                }
                let (_, walk) = self.place.as_mut()?;
                walk.position(index - era.first_index) * era.rates.area()
            }
        };
        Some((index, schedule.rounded(era, area)))
    }
}

/// Whole arrivals that fall into an area when the first lies at its very begin.
fn whole_arrivals(area: f64) -> u64 {
    (area - AREA_TOLERANCE).ceil().max(0.0) as u64
}

//! How metrics leave the process: each series gathers what was observed until a collector takes it away. Nothing is queued: a
//! counter and a gauge are their own memory, and a distribution keeps a bounded draw of its raw values. Must not know exporters.

use std::fmt;
use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use super::Registry;
use super::observation::lock;
use crate::catalogue::Metric;
use crate::identity::Identity;

/// Most raw values that one series keeps for one collector; beyond that, a fair draw of all.
pub const VALUES_MAX: usize = 1024;
/// Most registries whose metrics are collected; those of further ones are shown to Prometheus alone.
pub const REGISTRIES_MAX: usize = 64;

/// What one series has gathered.
#[derive(Debug, Clone, Copy)]
pub struct Point<'a> {
    /// The service that reports.
    pub identity: &'a Identity,
    /// Which metric.
    pub metric: Metric,
    /// Names and values of the metric's own tags; a value that was not given is empty.
    pub tags: &'a [(&'static str, String)],
    /// What was gathered.
    pub value: Collected<'a>,
}

/// What was gathered since the last time, by kind of metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Collected<'a> {
    /// By how much a counter rose, never zero.
    Increment(f64),
    /// What a gauge shows now.
    Value(f64),
    /// Values of a histogram or distribution, at least one.
    Observed {
        /// All of them, or a fair draw of [`VALUES_MAX`].
        values: &'a [f64],
        /// How many there were.
        count: u64,
    },
}

/// The registries of a process, for a fixed number of collectors each of which gets everything. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Collection {
    collectors: usize,
    registries: Arc<Mutex<Vec<Registry>>>,
}

/// Takes away what the series have gathered; two collectors of one process do not disturb each other.
#[derive(Debug, Clone)]
pub struct Collector {
    place: usize,
    collection: Collection,
}

impl Collection {
    pub(crate) fn new(collectors: usize) -> Self {
        Self {
            collectors,
            registries: Arc::default(),
        }
    }

    pub(crate) fn collectors(&self) -> usize {
        self.collectors
    }

    pub(crate) fn collector(&self, place: usize) -> Collector {
        let collection = self.clone();
        Collector { place, collection }
    }

    pub(crate) fn add(&self, registry: &Registry) {
        let mut registries = lock(&self.registries);
        if self.collectors > 0 && registries.len() < REGISTRIES_MAX {
            registries.push(registry.clone());
        }
    }
}

impl fmt::Debug for Collection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collection")
            .field("collectors", &self.collectors)
            .finish_non_exhaustive()
    }
}

impl Collector {
    /// Shows each series that has something to say, and forgets what it showed.
    pub fn collect(&self, mut take: impl FnMut(&Point<'_>)) {
        let registries = lock(&self.collection.registries).clone();
        for registry in &registries {
            registry.collect(self.place, &mut take);
        }
    }
}

/// What each collector has had of a counter.
#[derive(Debug)]
pub(super) struct Taken(Box<[AtomicU64]>);

impl Taken {
    pub(super) fn new(collectors: usize) -> Self {
        Self((0..collectors).map(|_| AtomicU64::new(0)).collect())
    }

    /// By how much the counter has risen for the collector at `place`.
    pub(super) fn rise(&self, place: usize, now: u64) -> u64 {
        let taken = self.0.get(place).map(|at| at.swap(now, Ordering::Relaxed));
        now.saturating_sub(taken.unwrap_or(now))
    }
}

/// Raw values of one series, for each collector.
#[derive(Debug)]
pub(super) struct Gathered(Box<[Buffers]>);

#[derive(Debug)]
struct Buffers {
    filling: Mutex<Draw>,
    /// What the collector reads, so that those who observe never wait for it; its memory is used again.
    reading: Mutex<Draw>,
}

impl Gathered {
    pub(super) fn new(collectors: usize) -> Self {
        let buffers = |_| Buffers {
            filling: Mutex::default(),
            reading: Mutex::default(),
        };
        Self((0..collectors).map(buffers).collect())
    }

    pub(super) fn add(&self, value: f64, count: u64) {
        for buffers in &self.0 {
            let mut draw = lock(&buffers.filling);
            (0..count).for_each(|_| draw.add(value));
        }
    }

    pub(super) fn take(&self, place: usize, visit: impl FnOnce(Collected<'_>)) {
        let Some(buffers) = self.0.get(place) else {
            return;
        };
        let mut reading = lock(&buffers.reading);
        mem::swap(&mut *reading, &mut *lock(&buffers.filling));
        if reading.count > 0 {
            visit(Collected::Observed {
                values: &reading.values,
                count: reading.count,
            });
        }
        reading.values.clear();
        reading.count = 0;
    }
}

/// A fair draw from however many values: each has the same chance to be in it.
#[derive(Debug, Default)]
struct Draw {
    values: Vec<f64>,
    count: u64,
    /// State of a Weyl sequence; which values are drawn must not depend on them, that is all.
    chance: u64,
}

impl Draw {
    fn add(&mut self, value: f64) {
        self.count += 1;
        if self.values.len() < VALUES_MAX {
            return self.values.push(value);
        }
        let place = usize::try_from(self.below(self.count)).unwrap_or(usize::MAX);
        if let Some(drawn) = self.values.get_mut(place) {
            *drawn = value;
        }
    }

    /// A number from 0 to `limit` - 1.
    fn below(&mut self, limit: u64) -> u64 {
        self.chance = self.chance.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.chance ^ (self.chance >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
        ((u128::from(mixed ^ (mixed >> 32)) * u128::from(limit)) >> 64) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(gathered: &Gathered) -> Option<(Vec<f64>, u64)> {
        let mut taken = None;
        gathered.take(0, |value| match value {
            Collected::Observed { values, count } => taken = Some((values.to_vec(), count)),
            other => panic!("{other:?}"),
        });
        taken
    }

    #[test]
    fn values_are_taken_once_in_their_order() {
        let gathered = Gathered::new(1);
        gathered.add(1.5, 2);
        gathered.add(2.5, 1);
        assert_eq!(taken(&gathered), Some((vec![1.5, 1.5, 2.5], 3)));
        assert_eq!(taken(&gathered), None);
        gathered.add(4.0, 1);
        assert_eq!(taken(&gathered), Some((vec![4.0], 1)));
    }

    #[test]
    fn beyond_the_bound_every_value_has_the_same_chance() {
        let gathered = Gathered::new(1);
        let all = 40 * VALUES_MAX;
        (0..all).for_each(|number| gathered.add(number as f64, 1));
        let (values, count) = taken(&gathered).expect("values");
        assert_eq!((values.len(), count), (VALUES_MAX, all as u64));
        // Their mean has a standard deviation of all / sqrt(12 × 1,024) = all / 111.
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let middle = all as f64 / 2.0;
        assert!((mean - middle).abs() < all as f64 / 25.0, "{mean}");
    }

    #[test]
    fn without_a_collector_nothing_is_kept() {
        let gathered = Gathered::new(0);
        gathered.add(1.0, 1);
        assert_eq!(taken(&gathered), None);
        assert_eq!(Taken::new(0).rise(0, 7), 0);
    }

    #[test]
    fn each_collector_sees_every_rise() {
        let taken = Taken::new(2);
        assert_eq!((taken.rise(0, 5), taken.rise(0, 7)), (5, 2));
        assert_eq!((taken.rise(1, 7), taken.rise(1, 7)), (7, 0));
    }
}

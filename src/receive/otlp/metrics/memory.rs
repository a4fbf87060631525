//! What counters told last: from sums since the start to what was added. PURE.

use std::collections::HashMap;

use crate::recording::SERIES_MAX;
use crate::recording::signal::Tags;

/// What was told last, of so many series at most; further ones are not counted.
pub(super) struct Memory {
    started_nanos: u64,
    last: HashMap<(String, Tags), Told>,
}

/// What a counter or histogram tells: a number for each of its buckets since its start.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Told {
    start_nanos: u64,
    scale: i32,
    /// Bucket and number, by rising bucket.
    numbers: Vec<(i32, f64)>,
}

impl Told {
    pub(super) fn new(start_nanos: u64, numbers: Vec<(i32, f64)>) -> Self {
        Self {
            start_nanos,
            scale: 0,
            numbers,
        }
    }

    pub(super) fn of_scale(self, scale: i32) -> Self {
        Self { scale, ..self }
    }

    fn number(&self, bucket: i32) -> f64 {
        let found = self
            .numbers
            .binary_search_by_key(&bucket, |(bucket, _)| *bucket);
        found.map_or(0.0, |at| self.numbers[at].1)
    }

    /// Whether it goes on from `last`: the same start, and nothing is less.
    fn continues(&self, last: &Self) -> bool {
        let grows = |(bucket, number): &(i32, f64)| self.number(*bucket) >= *number;
        self.start_nanos == last.start_nanos
            && self.scale == last.scale
            && last.numbers.iter().all(grows)
    }
}

impl Memory {
    pub(super) fn new(started_ms: i64) -> Self {
        Self {
            started_nanos: u64::try_from(started_ms).unwrap_or_default() * 1_000_000,
            last: HashMap::new(),
        }
    }

    /// What was added since the last time. `None` for the first word of a counter that began before the recording: what it counted
    /// until then did not happen now.
    pub(super) fn more(
        &mut self,
        metric: &str,
        tags: &Tags,
        told: Told,
    ) -> Option<Vec<(i32, f64)>> {
        let key = (metric.to_owned(), tags.clone());
        if self.last.len() >= SERIES_MAX && !self.last.contains_key(&key) {
            return None;
        }
        let last = self.last.insert(key, told.clone());
        let all = || Some(told.numbers.clone());
        match last {
            Some(last) if told.continues(&last) => {
                let more = told.numbers.iter();
                let more = more.map(|(bucket, number)| (*bucket, number - last.number(*bucket)));
                Some(more.collect())
            }
            // It began anew.
            Some(last) if told.scale == last.scale => all(),
            Some(_) => None,
            None if told.start_nanos >= self.started_nanos => all(),
            None => None,
        }
    }
}

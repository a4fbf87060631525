//! Where each figure of the generator goes: to the page that Prometheus scrapes, and to the recording.

use telemetry::catalogue::{CounterKind, DistributionKind, GaugeKind, Key};
use telemetry::metrics::Registry;

use crate::measure::LatencyHistogram;
use crate::recording::recorder::Feed;
use crate::recording::signal::{Batch, Observation, Observed, Tags};

/// Hands figures on. What it has for the recording waits until [`hand_on`](Self::hand_on).
pub(super) struct Meters {
    registry: Registry,
    feed: Option<Feed>,
    waiting: Vec<Observation>,
}

type OwnTags<'t> = &'t [(&'t str, &'t str)];

impl Meters {
    pub(super) fn new(registry: Registry, feed: Option<Feed>) -> Self {
        Self {
            registry,
            feed,
            waiting: Vec::new(),
        }
    }

    pub(super) fn registry(&self) -> &Registry {
        &self.registry
    }

    pub(super) fn gauge(&mut self, key: Key<GaugeKind>, tags: OwnTags<'_>, value: f64) {
        self.registry.gauge(key, tags).set(value);
        self.record(key, tags, || Observed::Gauge(value));
    }

    pub(super) fn count(&mut self, key: Key<CounterKind>, tags: OwnTags<'_>, more: u64) {
        self.registry.counter(key, tags).inc_by(more);
        if more > 0 {
            self.record(key, tags, || Observed::Count(more as f64));
        }
    }

    /// A histogram's readings in milliseconds, bucket for bucket.
    pub(super) fn times(
        &mut self,
        key: Key<DistributionKind>,
        tags: OwnTags<'_>,
        times: &LatencyHistogram,
    ) {
        let readings = times.histogram().iter_recorded();
        let readings: Vec<(f64, u64)> = readings
            .map(|reading| {
                let millis = reading.value_iterated_to() as f64 / 1000.0;
                (millis, reading.count_at_value())
            })
            .collect();
        let distribution = self.registry.distribution(key, tags);
        for (millis, count) in &readings {
            distribution.observe_times(*millis, *count);
        }
        if !readings.is_empty() {
            self.record(key, tags, || Observed::Distribution(readings));
        }
    }

    fn record<K>(&mut self, key: Key<K>, tags: OwnTags<'_>, value: impl FnOnce() -> Observed) {
        if self.feed.is_none() {
            return;
        }
        let identity = self.registry.identity();
        let common = [
            ("service", identity.service()),
            ("env", identity.env()),
            ("version", identity.version()),
        ];
        let all = common.iter().chain(tags);
        let row = key.metric().definition();
        self.waiting.push(Observation {
            metric: row.name.to_owned(),
            tags: Tags::of(all.map(|(key, value)| format!("{key}:{value}"))),
            unit: row.unit.as_str().to_owned(),
            value: value(),
            at_s: None,
        });
    }

    /// What was recorded since the last time.
    pub(super) fn hand_on(&mut self) {
        if let Some(feed) = self.feed.as_ref().filter(|_| !self.waiting.is_empty()) {
            // What is not taken is counted.
            feed.offer(Batch::Observations(std::mem::take(&mut self.waiting)));
        }
    }
}

//! What stands behind the handles: one family per metric, one series per set of tag values, bounded in number.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use prometheus::core::Collector;
use prometheus::{GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, Opts};

use super::collect::{Collected, Gathered, Point, Taken};
use super::observation::{
    MetricSink, OVERFLOW, Observation, TAG_SETS_MAX, TAG_VALUE_BYTES_MAX, lock,
};
use crate::catalogue::{Definition, Kind, Metric};
use crate::identity::Identity;
use crate::text::cut;

/// One metric of one service with all its series.
pub(super) struct Family {
    metric: Metric,
    identity: Identity,
    sinks: Arc<[Arc<dyn MetricSink>]>,
    collectors: usize,
    vector: Vector,
    series: Mutex<HashMap<Vec<String>, Arc<Series>>>,
}

impl Family {
    pub(super) fn new(
        metric: Metric,
        identity: Identity,
        sinks: Arc<[Arc<dyn MetricSink>]>,
        collectors: usize,
    ) -> Result<Self, prometheus::Error> {
        Ok(Self {
            metric,
            identity,
            sinks,
            collectors,
            vector: Vector::new(metric.definition())?,
            series: Mutex::default(),
        })
    }

    pub(super) fn collector(&self) -> Box<dyn Collector> {
        match &self.vector {
            Vector::Counter(vector) => Box::new(vector.clone()),
            Vector::Gauge(vector) => Box::new(vector.clone()),
            Vector::Histogram(vector) => Box::new(vector.clone()),
        }
    }

    /// Shows the collector at `place` what each series has gathered.
    pub(super) fn collect(&self, place: usize, take: &mut impl FnMut(&Point<'_>)) {
        // Taken out of the map first: whoever looks for a series does not wait for a collector.
        let series: Vec<_> = lock(&self.series).values().cloned().collect();
        series.iter().for_each(|series| series.collect(place, take));
    }

    pub(super) fn series(&self, tags: &[(&str, &str)]) -> Arc<Series> {
        let definition = self.metric.definition();
        for (name, _) in tags {
            debug_assert!(
                definition.tags.contains(name),
                "{} has no tag {name:?}; its tags are {:?}",
                definition.name,
                definition.tags
            );
        }
        let mut values = tag_values(definition, tags);
        let mut series = lock(&self.series);
        if series.len() >= TAG_SETS_MAX && !series.contains_key(&values) {
            values
                .iter_mut()
                .for_each(|value| OVERFLOW.clone_into(value));
        }
        let found = series
            .entry(values)
            .or_insert_with_key(|values| Arc::new(self.new_series(values)));
        Arc::clone(found)
    }

    fn new_series(&self, values: &[String]) -> Series {
        let names = self.metric.definition().tags.iter().copied();
        Series {
            metric: self.metric,
            identity: self.identity.clone(),
            tags: names.zip(values.iter().cloned()).collect(),
            sinks: Arc::clone(&self.sinks),
            value: self.vector.value(values, self.collectors),
        }
    }
}

/// The values of the metric's tags in the catalogue's order; a tag that was not given is empty.
fn tag_values(definition: &Definition, tags: &[(&str, &str)]) -> Vec<String> {
    let value_of = |name: &&str| {
        let given = tags.iter().find(|(given, _)| given == name);
        given.map_or("", |(_, value)| cut(value, TAG_VALUE_BYTES_MAX))
    };
    definition
        .tags
        .iter()
        .map(|name| value_of(name).to_owned())
        .collect()
}

enum Vector {
    Counter(IntCounterVec),
    Gauge(GaugeVec),
    Histogram(HistogramVec),
}

impl Vector {
    fn new(definition: &Definition) -> Result<Self, prometheus::Error> {
        let name = definition.prometheus_name();
        let help = definition.description;
        Ok(match definition.kind {
            Kind::Counter => {
                Self::Counter(IntCounterVec::new(Opts::new(name, help), definition.tags)?)
            }
            Kind::Gauge => Self::Gauge(GaugeVec::new(Opts::new(name, help), definition.tags)?),
            Kind::Histogram | Kind::Distribution => {
                let opts =
                    HistogramOpts::new(name, help).buckets(definition.unit.buckets().to_vec());
                Self::Histogram(HistogramVec::new(opts, definition.tags)?)
            }
        })
    }

    fn value(&self, tags: &[String], collectors: usize) -> Value {
        match self {
            Self::Counter(vector) => {
                Value::Counter(vector.with_label_values(tags), Taken::new(collectors))
            }
            Self::Gauge(vector) => Value::Gauge(vector.with_label_values(tags)),
            Self::Histogram(vector) => {
                Value::Histogram(vector.with_label_values(tags), Gathered::new(collectors))
            }
        }
    }
}

/// The series of one set of tag values.
pub(super) struct Series {
    metric: Metric,
    identity: Identity,
    tags: Vec<(&'static str, String)>,
    sinks: Arc<[Arc<dyn MetricSink>]>,
    value: Value,
}

enum Value {
    Counter(prometheus::IntCounter, Taken),
    Gauge(prometheus::Gauge),
    Histogram(prometheus::Histogram, Gathered),
}

impl Series {
    pub(super) fn count(&self, increment: u64) {
        if let Value::Counter(counter, _) = &self.value {
            counter.inc_by(increment);
        }
        self.tell(increment as f64);
    }

    pub(super) fn set(&self, value: f64) {
        if let Value::Gauge(gauge) = &self.value {
            gauge.set(value);
        }
        self.tell(value);
    }

    pub(super) fn change(&self, difference: f64) {
        if let Value::Gauge(gauge) = &self.value {
            gauge.add(difference);
            self.tell(gauge.get());
        }
    }

    /// A value that is no number would spoil the sum of all others, so it is left out.
    pub(super) fn observe(&self, value: f64) {
        if !value.is_finite() {
            return;
        }
        if let Value::Histogram(histogram, gathered) = &self.value {
            histogram.observe(value);
            gathered.add(value, 1);
        }
        self.tell(value);
    }

    /// The same value `count` times, for those who have a histogram already.
    pub(super) fn observe_times(&self, value: f64, count: u64) {
        if !value.is_finite() || count == 0 {
            return;
        }
        if let Value::Histogram(histogram, gathered) = &self.value {
            let local = histogram.local();
            (0..count).for_each(|_| local.observe(value));
            local.flush();
            gathered.add(value, count);
        }
        self.tell_times(value, count);
    }

    /// The current value of a counter or gauge, the sum of a histogram.
    pub(super) fn current(&self) -> f64 {
        match &self.value {
            Value::Counter(counter, _) => counter.get() as f64,
            Value::Gauge(gauge) => gauge.get(),
            Value::Histogram(histogram, _) => histogram.get_sample_sum(),
        }
    }

    /// A counter that has not risen and a distribution without values have nothing to say; a gauge always has.
    fn collect(&self, place: usize, take: &mut impl FnMut(&Point<'_>)) {
        let mut tell = |value: Collected<'_>| {
            take(&Point {
                identity: &self.identity,
                metric: self.metric,
                tags: &self.tags,
                value,
            });
        };
        match &self.value {
            Value::Counter(counter, taken) => match taken.rise(place, counter.get()) {
                0 => {}
                rise => tell(Collected::Increment(rise as f64)),
            },
            Value::Gauge(gauge) => tell(Collected::Value(gauge.get())),
            Value::Histogram(_, gathered) => gathered.take(place, tell),
        }
    }

    fn tell(&self, value: f64) {
        self.tell_times(value, 1);
    }

    fn tell_times(&self, value: f64, count: u64) {
        for sink in self.sinks.iter() {
            sink.record(&Observation {
                identity: &self.identity,
                metric: self.metric,
                tags: &self.tags,
                value,
                count,
            });
        }
    }
}

impl fmt::Debug for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Series")
            .field("metric", &self.metric.name())
            .field("tags", &self.tags)
            .finish_non_exhaustive()
    }
}

/// A registry that puts the common tags on everything.
pub(super) fn registry_for(identity: &Identity) -> Result<prometheus::Registry, prometheus::Error> {
    let common = [
        ("service", identity.service()),
        ("env", identity.env()),
        ("version", identity.version()),
    ];
    let common = common.map(|(name, value)| (name.to_owned(), value.to_owned()));
    prometheus::Registry::new_custom(None, Some(HashMap::from(common)))
}

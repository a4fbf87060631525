//! One registry per service: handles made from the catalogue, shown to Prometheus, and passed to exporters.
//!
//! Several services live in one process, each with its own registry and `/metrics`. A handle is cheap to hold
//! and to use; making one takes a lock, so make it once. It must not know the network: a [`Collector`] takes away what the
//! series have gathered, now and then, and a [`MetricSink`] sees each raw observation.

mod collect;
mod handle;
mod observation;
#[cfg(target_os = "linux")]
mod process;
mod request;
mod series;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
#[cfg(target_os = "linux")]
use std::sync::Mutex;

use prometheus::TextEncoder;

use crate::catalogue::{CounterKind, DistributionKind, GaugeKind, HistogramKind, Key, Metric};
use crate::identity::Identity;
pub(crate) use collect::Collection;
pub use collect::{Collected, Collector, Point, REGISTRIES_MAX, VALUES_MAX};
pub use handle::{Counter, Distribution, Gauge, Histogram};
pub use observation::{MetricSink, OVERFLOW, Observation, TAG_SETS_MAX, TAG_VALUE_BYTES_MAX};
pub use request::{ActiveConnection, HttpMetrics, UNMATCHED_ROUTE, known_method};
use series::{Family, Series};

/// The content type of [`Registry::render`].
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The metrics of one service. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Registry(Arc<Inner>);

struct Inner {
    identity: Identity,
    prometheus: prometheus::Registry,
    families: Vec<Family>,
    #[cfg(target_os = "linux")]
    process: Process,
}

/// What the kernel says, and how much of the CPU time each collector has had.
#[cfg(target_os = "linux")]
struct Process {
    collector: process::ProcessCollector,
    cpu_s_taken: Mutex<Vec<f64>>,
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("identity", &self.identity)
            .finish_non_exhaustive()
    }
}

/// Why a registry could not be set up or shown.
#[derive(Debug, thiserror::Error)]
#[error("metrics of {service}: {source}")]
pub struct MetricsError {
    service: String,
    source: prometheus::Error,
}

impl Registry {
    /// An empty registry that shows the process as well (`process_*`).
    ///
    /// # Errors
    /// When the metrics cannot be registered.
    pub fn new(identity: Identity) -> Result<Self, MetricsError> {
        Self::with_sinks(identity, Vec::new())
    }

    /// A registry each of whose observations also goes to `sinks`.
    ///
    /// # Errors
    /// As with [`new`](Self::new).
    pub fn with_sinks(
        identity: Identity,
        sinks: Vec<Arc<dyn MetricSink>>,
    ) -> Result<Self, MetricsError> {
        Self::build(identity, sinks, 0)
    }

    /// A registry that gathers what is observed for the collectors of `collection`.
    pub(crate) fn collected(
        identity: Identity,
        collection: &Collection,
    ) -> Result<Self, MetricsError> {
        let registry = Self::build(identity, Vec::new(), collection.collectors())?;
        collection.add(&registry);
        Ok(registry)
    }

    fn build(
        identity: Identity,
        sinks: Vec<Arc<dyn MetricSink>>,
        collectors: usize,
    ) -> Result<Self, MetricsError> {
        let failed = |source| MetricsError {
            service: identity.service().to_owned(),
            source,
        };
        let prometheus = series::registry_for(&identity).map_err(failed)?;
        #[cfg(target_os = "linux")]
        let process = Process::shown_in(&prometheus, collectors).map_err(failed)?;
        let sinks: Arc<[_]> = sinks.into();
        let mut families = Vec::with_capacity(Metric::ALL.len());
        for metric in Metric::ALL {
            let sinks = Arc::clone(&sinks);
            let family =
                Family::new(*metric, identity.clone(), sinks, collectors).map_err(failed)?;
            // The process collector shows its own.
            if !metric.definition().is_process_metric() {
                prometheus.register(family.collector()).map_err(failed)?;
            }
            families.push(family);
        }
        Ok(Self(Arc::new(Inner {
            identity,
            prometheus,
            families,
            #[cfg(target_os = "linux")]
            process,
        })))
    }

    /// The service whose metrics these are.
    pub fn identity(&self) -> &Identity {
        &self.0.identity
    }

    /// The counter of `key` with these tag values.
    pub fn counter(&self, key: Key<CounterKind>, tags: &[(&str, &str)]) -> Counter {
        Counter(self.series(key.metric(), tags))
    }

    /// The gauge of `key` with these tag values.
    pub fn gauge(&self, key: Key<GaugeKind>, tags: &[(&str, &str)]) -> Gauge {
        Gauge(self.series(key.metric(), tags))
    }

    /// The histogram of `key` with these tag values.
    pub fn histogram(&self, key: Key<HistogramKind>, tags: &[(&str, &str)]) -> Histogram {
        Histogram(self.series(key.metric(), tags))
    }

    /// The distribution of `key` with these tag values.
    pub fn distribution(&self, key: Key<DistributionKind>, tags: &[(&str, &str)]) -> Distribution {
        Distribution(self.series(key.metric(), tags))
    }

    /// All metrics in Prometheus' text format, see [`CONTENT_TYPE`].
    pub fn render(&self) -> Result<String, MetricsError> {
        let mut families = self.0.prometheus.gather();
        // Common labels come out of a hash map: sort, so that two scrapes look alike.
        for metric in families.iter_mut().flat_map(|f| f.mut_metric().iter_mut()) {
            let mut labels = metric.take_label();
            labels.sort();
            metric.set_label(labels);
        }
        let mut text = String::new();
        TextEncoder::new()
            .encode_utf8(&families, &mut text)
            .map_err(|source| MetricsError {
                service: self.0.identity.service().to_owned(),
                source,
            })?;
        Ok(text)
    }

    /// Shows the collector at `place` what each series has gathered, and the process.
    fn collect(&self, place: usize, take: &mut impl FnMut(&Point<'_>)) {
        for family in &self.0.families {
            family.collect(place, take);
        }
        #[cfg(target_os = "linux")]
        self.0.process.collect(place, |metric, value| {
            take(&Point {
                identity: &self.0.identity,
                metric,
                tags: &[],
                value,
            });
        });
    }

    fn series(&self, metric: Metric, tags: &[(&str, &str)]) -> Arc<Series> {
        // One family per variant, in the order of the table.
        self.0.families[metric as usize].series(tags)
    }
}

#[cfg(target_os = "linux")]
impl Process {
    fn shown_in(
        registry: &prometheus::Registry,
        collectors: usize,
    ) -> Result<Self, prometheus::Error> {
        let collector = process::ProcessCollector::new()?;
        registry.register(Box::new(collector.clone()))?;
        Ok(Self {
            collector,
            cpu_s_taken: Mutex::new(vec![0.0; collectors]),
        })
    }

    fn collect(&self, place: usize, mut take: impl FnMut(Metric, Collected<'static>)) {
        let (cpu_s, gauges) = self.collector.read();
        if let Some(taken) = observation::lock(&self.cpu_s_taken).get_mut(place) {
            let rise = cpu_s - std::mem::replace(taken, cpu_s);
            if rise > 0.0 {
                take(Metric::ProcessCpuSeconds, Collected::Increment(rise));
            }
        }
        for (metric, value) in gauges {
            take(metric, Collected::Value(value));
        }
    }
}

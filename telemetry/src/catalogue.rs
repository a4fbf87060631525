//! The one table of every metric, and the names of spans and attributes.
//!
//! Metrics, documentation, monitors and dashboards take their names from here and nowhere else: code cannot
//! name a metric that is not in the table, because a handle is made from one of the constants in [`metric`].
//! It must not know where values go (registry, exporters) nor how they are measured.

pub mod attribute;
mod document;
pub mod span_name;
mod table;

use std::fmt;
use std::marker::PhantomData;

pub use document::markdown;
pub use table::{Metric, metric};

/// Tags that every metric carries; they come from the [`Identity`](crate::Identity) of the reporting service.
pub const COMMON_TAGS: [&str; 3] = ["service", "env", "version"];

/// What a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A count that only rises.
    Counter,
    /// A value that rises and falls.
    Gauge,
    /// A distribution summed up into buckets by the reporter.
    Histogram,
    /// A distribution whose percentiles are computed by the server from raw values.
    Distribution,
}

impl Kind {
    /// The kind as it is written in definitions and documents.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Distribution => "distribution",
        }
    }

    /// The type in Prometheus' text format, which knows no distributions.
    pub const fn prometheus_type(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram | Self::Distribution => "histogram",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a metric's number counts or measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each unit is its own name")]
pub enum Unit {
    Order,
    MajorCurrencyUnit,
    Millisecond,
    Second,
    Payment,
    Reservation,
    Item,
    Message,
    Request,
    Connection,
    Byte,
    Descriptor,
    Thread,
    Task,
    Arrival,
    ArrivalPerSecond,
    Shopper,
    Error,
    Line,
    Fraction,
}

impl Unit {
    /// The unit as it is written in definitions and documents.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::MajorCurrencyUnit => "major currency unit",
            Self::Millisecond => "millisecond",
            Self::Second => "second",
            Self::Payment => "payment",
            Self::Reservation => "reservation",
            Self::Item => "item",
            Self::Message => "message",
            Self::Request => "request",
            Self::Connection => "connection",
            Self::Byte => "byte",
            Self::Descriptor => "descriptor",
            Self::Thread => "thread",
            Self::Task => "task",
            Self::Arrival => "arrival",
            Self::ArrivalPerSecond => "arrival per second",
            Self::Shopper => "shopper",
            Self::Error => "error",
            Self::Line => "line",
            Self::Fraction => "fraction",
        }
    }

    /// Upper bounds of the buckets in which Prometheus sees a histogram or distribution of this unit.
    pub const fn buckets(self) -> &'static [f64] {
        match self {
            Self::Second => &[
                0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0,
            ],
            Self::Millisecond => &[
                0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1_000.0,
                2_000.0, 5_000.0, 10_000.0, 30_000.0, 60_000.0, 300_000.0,
            ],
            Self::MajorCurrencyUnit => &[
                1.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 150.0, 250.0, 500.0, 1_000.0, 2_500.0,
                5_000.0, 10_000.0,
            ],
            _ => &[
                1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0, 10_000.0,
            ],
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One row of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Definition {
    /// The name, as DogStatsD and the monitors know it.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// What its number means.
    pub unit: Unit,
    /// Its own tags, besides [`COMMON_TAGS`].
    pub tags: &'static [&'static str],
    /// One sentence for people.
    pub description: &'static str,
}

impl Definition {
    /// The name in Prometheus' form: dots become underscores and a counter ends in `_total`.
    pub fn prometheus_name(&self) -> String {
        let mut name = self.name.replace('.', "_");
        if self.kind == Kind::Counter && !name.ends_with("_total") {
            name.push_str("_total");
        }
        name
    }

    /// Whether `tag` may stand on this metric.
    pub fn has_tag(&self, tag: &str) -> bool {
        self.tags.contains(&tag) || COMMON_TAGS.contains(&tag)
    }

    /// Whether the process itself provides the value (from `/proc`), not a handle.
    pub fn is_process_metric(&self) -> bool {
        self.name.starts_with("process_")
    }
}

/// Marks a metric of kind counter, see [`Key`].
#[derive(Debug, Clone, Copy)]
pub enum CounterKind {}
/// Marks a metric of kind gauge, see [`Key`].
#[derive(Debug, Clone, Copy)]
pub enum GaugeKind {}
/// Marks a metric of kind histogram, see [`Key`].
#[derive(Debug, Clone, Copy)]
pub enum HistogramKind {}
/// Marks a metric of kind distribution, see [`Key`].
#[derive(Debug, Clone, Copy)]
pub enum DistributionKind {}

/// A metric together with its kind, so that a counter can be asked for a counter only.
#[derive(Debug)]
pub struct Key<K> {
    metric: Metric,
    kind: PhantomData<fn() -> K>,
}

impl<K> Clone for Key<K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for Key<K> {}

impl<K> Key<K> {
    const fn new(metric: Metric) -> Self {
        Self {
            metric,
            kind: PhantomData,
        }
    }

    /// The metric that this key stands for.
    pub const fn metric(self) -> Metric {
        self.metric
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_unique_in_both_forms() {
        let mut names = HashSet::new();
        let mut prometheus_names = HashSet::new();
        for metric in Metric::ALL {
            let definition = metric.definition();
            assert!(names.insert(definition.name), "{}", definition.name);
            assert!(
                prometheus_names.insert(definition.prometheus_name()),
                "{}",
                definition.name
            );
        }
    }

    #[test]
    fn names_tags_and_descriptions_are_well_formed() {
        for metric in Metric::ALL {
            let definition = metric.definition();
            let plain = |text: &str| {
                text.bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._".contains(&b))
            };
            assert!(plain(definition.name), "{}", definition.name);
            for tag in definition.tags {
                assert!(plain(tag), "{} {tag}", definition.name);
                assert!(!COMMON_TAGS.contains(tag), "{} {tag}", definition.name);
            }
            assert!(definition.description.ends_with('.'), "{}", definition.name);
        }
    }

    #[test]
    fn prometheus_names_follow_its_conventions() {
        let name = |metric: Metric| metric.definition().prometheus_name();
        assert_eq!(
            name(Metric::OrdersCreated),
            "ecommerce_orders_created_total"
        );
        assert_eq!(name(Metric::HttpRequests), "http_requests_total");
        assert_eq!(
            name(Metric::OrdersProcessingTime),
            "ecommerce_orders_processing_time_ms"
        );
        assert_eq!(name(Metric::QueueDepth), "ecommerce_queue_depth");
    }

    #[test]
    fn lookup_finds_either_name_and_nothing_else() {
        for metric in Metric::ALL {
            let definition = metric.definition();
            assert_eq!(Metric::by_name(definition.name), Some(*metric));
            assert_eq!(
                Metric::by_prometheus_name(&definition.prometheus_name()),
                Some(*metric)
            );
        }
        assert_eq!(Metric::by_name("ecommerce.orders.made_up"), None);
    }

    #[test]
    fn buckets_rise() {
        for metric in Metric::ALL {
            let buckets = metric.definition().unit.buckets();
            assert!(buckets.windows(2).all(|pair| pair[0] < pair[1]));
        }
    }
}

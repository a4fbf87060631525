//! Metrics of OTLP in the recording's words. PURE.
//!
//! Sums and histograms may tell what was added since the last time, or everything since the start; of the latter the difference is
//! taken ([`memory`]). Histograms become distributions: the values of a bucket are spread over it ([`buckets`]).

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
use opentelemetry_proto::tonic::metrics::v1::{
    ExponentialHistogram, ExponentialHistogramDataPoint, Histogram, HistogramDataPoint, Metric,
    NumberDataPoint, Sum,
};

use super::answer::Rejected;
use super::value::{Source, text_of};
use crate::recording::signal::{NAME_BYTES_MAX, Observation, Observed, Tags, cut};

mod buckets;
mod memory;

use memory::{Memory, Told};

/// `AGGREGATION_TEMPORALITY_CUMULATIVE`.
const CUMULATIVE: i32 = 2;
/// `DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK`.
const NO_VALUE: u32 = 1;

/// Makes observations of messages, and remembers sums between them.
pub(super) struct Converter {
    memory: Memory,
}

/// One metric of one source.
struct Of<'m> {
    metric: &'m Metric,
    tags: &'m [String],
}

impl Converter {
    /// What counts since before `started_ms`, UNIX milliseconds, is counted from its first message on.
    pub(super) fn new(started_ms: i64) -> Self {
        Self {
            memory: Memory::new(started_ms),
        }
    }

    /// The observations of a request, and how many of its points are none.
    pub(super) fn observations(
        &mut self,
        request: ExportMetricsServiceRequest,
    ) -> (Vec<Observation>, Rejected) {
        let (mut all, mut rejected) = (Vec::new(), Rejected::default());
        for of_resource in request.resource_metrics {
            let source = Source::of(of_resource.resource.as_ref());
            let tags = source.tags();
            let metrics = of_resource
                .scope_metrics
                .iter()
                .flat_map(|scope| &scope.metrics);
            for metric in metrics {
                let of = Of {
                    metric,
                    tags: &tags,
                };
                rejected.count += self.metric(&of, &mut all);
            }
        }
        rejected.why = "summaries, and histograms without proper buckets, are not recorded";
        (all, rejected)
    }

    /// How many points were rejected.
    fn metric(&mut self, of: &Of<'_>, all: &mut Vec<Observation>) -> u64 {
        match &of.metric.data {
            Some(Data::Gauge(gauge)) => {
                let points = gauge.data_points.iter();
                all.extend(points.filter_map(|point| {
                    Some(of.at(
                        &point.attributes,
                        point.time_unix_nano,
                        Observed::Gauge(number(point)?),
                    ))
                }));
                0
            }
            Some(Data::Sum(sum)) => {
                all.extend(
                    sum.data_points
                        .iter()
                        .filter_map(|point| self.sum(of, sum, point)),
                );
                0
            }
            Some(Data::Histogram(histogram)) => {
                let points = histogram.data_points.iter();
                rejected(
                    points.map(|point| self.histogram(of, histogram, point)),
                    all,
                )
            }
            Some(Data::ExponentialHistogram(histogram)) => {
                let points = histogram.data_points.iter();
                rejected(
                    points.map(|point| self.exponential(of, histogram, point)),
                    all,
                )
            }
            Some(Data::Summary(summary)) => summary.data_points.len() as u64,
            None => 0,
        }
    }

    fn sum(&mut self, of: &Of<'_>, sum: &Sum, point: &NumberDataPoint) -> Option<Observation> {
        let value = number(point)?;
        let tags = of.tags(&point.attributes);
        let observed = match (sum.aggregation_temporality, sum.is_monotonic) {
            // What goes up and down is a level, if it is told as a whole.
            (CUMULATIVE, false) => Observed::Gauge(value),
            (CUMULATIVE, true) => {
                let told = Told::new(point.start_time_unix_nano, vec![(0, value)]);
                let more = self.memory.more(&of.metric.name, &tags, told)?;
                Observed::Count(more.first().map_or(0.0, |(_, more)| *more))
            }
            _ => Observed::Count(value),
        };
        Some(of.tagged(tags, point.time_unix_nano, observed))
    }

    /// `Err` if it is none, `None` if there is nothing to tell yet.
    fn histogram(
        &mut self,
        of: &Of<'_>,
        histogram: &Histogram,
        point: &HistogramDataPoint,
    ) -> Result<Option<Observation>, ()> {
        let mut bounds = buckets::Explicit::of(point).ok_or(())?;
        let tags = of.tags(&point.attributes);
        let mut counts = buckets::numbered(&point.bucket_counts, 0);
        if histogram.aggregation_temporality == CUMULATIVE {
            let told = Told::new(point.start_time_unix_nano, counts);
            let Some(more) = self.memory.more(&of.metric.name, &tags, told) else {
                return Ok(None);
            };
            counts = more;
            // The extremes are those since the start.
            bounds.forget_extremes();
        }
        let values = bounds.values(&counts);
        Ok(of.distribution(tags, point.time_unix_nano, values))
    }

    fn exponential(
        &mut self,
        of: &Of<'_>,
        histogram: &ExponentialHistogram,
        point: &ExponentialHistogramDataPoint,
    ) -> Result<Option<Observation>, ()> {
        let mut counts = buckets::exponential(point).ok_or(())?;
        let tags = of.tags(&point.attributes);
        if histogram.aggregation_temporality == CUMULATIVE {
            // Another scale is another beginning: its buckets cannot be compared.
            let start = point.start_time_unix_nano;
            let told = Told::new(start, counts).of_scale(point.scale);
            let Some(more) = self.memory.more(&of.metric.name, &tags, told) else {
                return Ok(None);
            };
            counts = more;
        }
        let values = buckets::exponential_values(point.scale, &counts);
        Ok(of.distribution(tags, point.time_unix_nano, values))
    }
}

/// Adds what was understood; how many were not.
fn rejected(
    outcomes: impl Iterator<Item = Result<Option<Observation>, ()>>,
    all: &mut Vec<Observation>,
) -> u64 {
    let mut rejected = 0;
    for outcome in outcomes {
        match outcome {
            Ok(observation) => all.extend(observation),
            Err(()) => rejected += 1,
        }
    }
    rejected
}

fn number(point: &NumberDataPoint) -> Option<f64> {
    if point.flags & NO_VALUE != 0 {
        return None;
    }
    let value = match point.value? {
        Number::AsDouble(value) => value,
        Number::AsInt(value) => value as f64,
    };
    value.is_finite().then_some(value)
}

impl Of<'_> {
    fn tags(&self, attributes: &[KeyValue]) -> Tags {
        let own = attributes
            .iter()
            .map(|pair| format!("{}:{}", pair.key, text_of(pair)));
        Tags::of(self.tags.iter().cloned().chain(own))
    }

    fn at(&self, attributes: &[KeyValue], nanos: u64, value: Observed) -> Observation {
        self.tagged(self.tags(attributes), nanos, value)
    }

    fn tagged(&self, tags: Tags, nanos: u64, value: Observed) -> Observation {
        let at_s = (nanos / 1_000_000_000) as i64;
        Observation {
            metric: cut(&self.metric.name, NAME_BYTES_MAX).to_owned(),
            tags,
            unit: unit(&self.metric.unit).to_owned(),
            value,
            at_s: (at_s > 0).then_some(at_s),
        }
    }

    fn distribution(&self, tags: Tags, nanos: u64, values: Vec<(f64, u64)>) -> Option<Observation> {
        (!values.is_empty()).then(|| self.tagged(tags, nanos, Observed::Distribution(values)))
    }
}

/// The words that a Datadog unit has; UCUM's own where there is none.
fn unit(ucum: &str) -> &str {
    match ucum {
        "s" => "second",
        "ms" => "millisecond",
        "By" => "byte",
        "1" => "fraction",
        annotation => annotation
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'))
            .unwrap_or(annotation),
    }
}

#[cfg(test)]
mod tests;

use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::{ResourceMetrics, ScopeMetrics};

use super::*;

fn request(data: Data) -> ExportMetricsServiceRequest {
    let metrics = vec![Metric {
        name: "m".to_owned(),
        unit: "s".to_owned(),
        data: Some(data),
        ..Metric::default()
    }];
    let scope_metrics = vec![ScopeMetrics {
        metrics,
        ..ScopeMetrics::default()
    }];
    ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            scope_metrics,
            ..ResourceMetrics::default()
        }],
    }
}

fn cumulative(value: i64, start: u64) -> ExportMetricsServiceRequest {
    request(Data::Sum(Sum {
        data_points: vec![NumberDataPoint {
            start_time_unix_nano: start,
            time_unix_nano: 20_000_000_000,
            value: Some(Number::AsInt(value)),
            ..NumberDataPoint::default()
        }],
        aggregation_temporality: CUMULATIVE,
        is_monotonic: true,
    }))
}

fn values(converter: &mut Converter, request: ExportMetricsServiceRequest) -> Vec<Observed> {
    let (all, rejected) = converter.observations(request);
    assert_eq!(rejected.count, 0);
    all.into_iter().map(|one| one.value).collect()
}

#[test]
fn a_sum_since_the_start_becomes_what_was_added() {
    let mut converter = Converter::new(10_000);
    let before = 5_000_000_000;
    // It began before the recording: what it had counted until then is not counted now.
    assert_eq!(values(&mut converter, cumulative(100, before)), []);
    assert_eq!(
        values(&mut converter, cumulative(103, before)),
        [Observed::Count(3.0)]
    );
    // The program was started again.
    assert_eq!(
        values(&mut converter, cumulative(2, 11_000_000_000)),
        [Observed::Count(2.0)]
    );
    assert_eq!(
        values(&mut converter, cumulative(2, 11_000_000_000)),
        [Observed::Count(0.0)]
    );
    // One that begins during the recording counts from zero.
    let mut converter = Converter::new(1_000);
    assert_eq!(
        values(&mut converter, cumulative(7, before)),
        [Observed::Count(7.0)]
    );
}

fn histogram(counts: &[u64], bounds: &[f64]) -> ExportMetricsServiceRequest {
    request(Data::Histogram(Histogram {
        data_points: vec![HistogramDataPoint {
            bucket_counts: counts.to_vec(),
            explicit_bounds: bounds.to_vec(),
            count: counts.iter().sum(),
            max: Some(40.0),
            ..HistogramDataPoint::default()
        }],
        aggregation_temporality: 1,
    }))
}

#[test]
fn the_values_of_a_histogram_lie_in_their_buckets() {
    let seen = values(
        &mut Converter::new(0),
        histogram(&[4, 100, 3], &[10.0, 20.0]),
    );
    let [Observed::Distribution(values)] = seen.as_slice() else {
        panic!("{seen:?}");
    };
    let within = |low: f64, high: f64| -> u64 {
        let there = values
            .iter()
            .filter(|(value, _)| (low..=high).contains(value));
        there.map(|(_, times)| times).sum()
    };
    assert_eq!(
        (within(0.0, 10.0), within(10.0, 20.0), within(20.0, 40.0)),
        (4, 100, 3)
    );
}

#[test]
fn what_is_no_histogram_is_rejected() {
    for (counts, bounds) in [
        (&[1, 2][..], &[1.0, 2.0][..]),
        (&[1, 2, 3], &[2.0, 1.0]),
        (&[1, 2], &[f64::NAN]),
    ] {
        let (all, rejected) = Converter::new(0).observations(histogram(counts, bounds));
        assert_eq!((all.len(), rejected.count), (0, 1));
    }
}

#[test]
fn an_exponential_histogram_has_negative_values_and_zeros() {
    let buckets = |counts: &[u64]| {
        Some(Buckets {
            offset: 0,
            bucket_counts: counts.to_vec(),
        })
    };
    let seen = request(Data::ExponentialHistogram(ExponentialHistogram {
        data_points: vec![ExponentialHistogramDataPoint {
            scale: 0,
            zero_count: 5,
            positive: buckets(&[0, 2]),
            negative: buckets(&[1]),
            ..ExponentialHistogramDataPoint::default()
        }],
        aggregation_temporality: 1,
    }));
    let mut values = match values(&mut Converter::new(0), seen).remove(0) {
        Observed::Distribution(values) => values,
        other => panic!("{other:?}"),
    };
    values.sort_by(|a, b| a.0.total_cmp(&b.0));
    let root = std::f64::consts::SQRT_2;
    assert_eq!(values.len(), 3);
    assert_eq!((values[0].1, values[1], values[2].1), (1, (0.0, 5), 2));
    assert!((values[0].0 + root).abs() < 1e-9 && (values[2].0 - 2.0 * root).abs() < 1e-9);
}

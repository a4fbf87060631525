//! OTLP messages as an instrumented application sends them.

use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
use opentelemetry_proto::tonic::metrics::v1::{
    Histogram, HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::Link;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message as _;

pub(super) fn now_nanos() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    u64::try_from(since.expect("a clock").as_nanos()).expect("this century")
}

fn text(text: &str) -> Option<AnyValue> {
    Some(AnyValue {
        value: Some(Value::StringValue(text.to_owned())),
    })
}

pub(super) fn attribute(key: &str, value: &str) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: text(value),
    }
}

fn resource(service: &str) -> Option<Resource> {
    Some(Resource {
        attributes: vec![
            attribute("service.name", service),
            attribute("deployment.environment.name", "test"),
        ],
        ..Resource::default()
    })
}

pub(super) fn request(service: &str, spans: Vec<Span>) -> ResourceSpans {
    ResourceSpans {
        resource: resource(service),
        scope_spans: vec![ScopeSpans {
            spans,
            ..ScopeSpans::default()
        }],
        ..ResourceSpans::default()
    }
}

pub(super) fn encoded(resource_spans: Vec<ResourceSpans>) -> Vec<u8> {
    ExportTraceServiceRequest { resource_spans }.encode_to_vec()
}

/// A purchase that a browser began and a bank refused.
pub(super) fn trace(id: u8, millis: u64) -> Vec<u8> {
    let start = now_nanos();
    let front = Span {
        trace_id: vec![id; 16],
        span_id: vec![1; 8],
        parent_span_id: vec![9; 8],
        name: "POST /buy".to_owned(),
        kind: 2,
        start_time_unix_nano: start,
        end_time_unix_nano: start + millis * 1_000_000,
        attributes: vec![attribute(
            "http.request.header.authorization",
            "Bearer s3cret-in-a-span",
        )],
        ..Span::default()
    };
    let bank = Span {
        trace_id: vec![id; 16],
        span_id: vec![2; 8],
        parent_span_id: vec![1; 8],
        name: "charge".to_owned(),
        kind: 3,
        start_time_unix_nano: start + 1_000_000,
        end_time_unix_nano: start + 2_000_000,
        attributes: vec![attribute("error.type", "declined")],
        links: vec![Link {
            trace_id: vec![7; 16],
            span_id: vec![8; 8],
            ..Link::default()
        }],
        status: Some(Status {
            code: 2,
            message: "no money".to_owned(),
        }),
        ..Span::default()
    };
    encoded(vec![
        request("shop-front", vec![front]),
        request("shop-bank", vec![bank]),
    ])
}

/// Spans of traces with these ids.
pub(super) fn spans(ids: &[u8]) -> Vec<u8> {
    let now = now_nanos();
    let spans = ids.iter().map(|id| Span {
        trace_id: vec![*id; 16],
        span_id: vec![1; 8],
        name: "alone".to_owned(),
        start_time_unix_nano: now,
        end_time_unix_nano: now + 1_000_000,
        ..Span::default()
    });
    encoded(vec![request("alone", spans.collect())])
}

/// A counter that was added to, and a histogram.
pub(super) fn metrics(more: f64) -> Vec<u8> {
    let now = now_nanos();
    let counter = Sum {
        data_points: vec![NumberDataPoint {
            time_unix_nano: now,
            value: Some(Number::AsDouble(more)),
            ..NumberDataPoint::default()
        }],
        aggregation_temporality: 1,
        is_monotonic: true,
    };
    let histogram = Histogram {
        data_points: vec![HistogramDataPoint {
            time_unix_nano: now,
            count: 3,
            sum: Some(0.3),
            bucket_counts: vec![1, 2, 0],
            explicit_bounds: vec![0.1, 0.5],
            ..HistogramDataPoint::default()
        }],
        aggregation_temporality: 1,
    };
    let metric = |name: &str, data| Metric {
        name: name.to_owned(),
        unit: "s".to_owned(),
        data: Some(data),
        ..Metric::default()
    };
    let metrics = vec![
        metric("app.requests", Data::Sum(counter)),
        metric("app.duration", Data::Histogram(histogram)),
    ];
    let resource_metrics = vec![ResourceMetrics {
        resource: resource("shop-front"),
        scope_metrics: vec![ScopeMetrics {
            metrics,
            ..ScopeMetrics::default()
        }],
        ..ResourceMetrics::default()
    }];
    ExportMetricsServiceRequest { resource_metrics }.encode_to_vec()
}

/// An error and a remark of this trace.
pub(super) fn logs(id: u8) -> Vec<u8> {
    let line = |severity_number, body: &str| LogRecord {
        time_unix_nano: now_nanos(),
        severity_number,
        body: text(body),
        trace_id: vec![id; 16],
        span_id: vec![2; 8],
        ..LogRecord::default()
    };
    let log_records = vec![line(17, "the bank said no"), line(9, "asking the bank")];
    let resource_logs = vec![ResourceLogs {
        resource: resource("shop-bank"),
        scope_logs: vec![ScopeLogs {
            log_records,
            ..ScopeLogs::default()
        }],
        ..ResourceLogs::default()
    }];
    ExportLogsServiceRequest { resource_logs }.encode_to_vec()
}

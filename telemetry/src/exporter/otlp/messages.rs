//! Finished spans as OTLP's messages. Secrets are hidden. Must not know how they are sent.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link, SpanKind};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};

use crate::catalogue::attribute;
use crate::exporter::Signal;
use crate::identity::Identity;
use crate::secret::hidden::{HIDDEN, is_secret, without_secrets};
use crate::span::{AttributeValue, FinishedSpan};
use crate::trace::SpanId;

/// What makes the spans, in every resource and scope.
const SCOPE: &str = "loadgen-telemetry";
/// The flag of a trace that is kept.
const SAMPLED: u32 = 1;

/// The attributes of every resource of this process: where it runs, what makes the spans, and what was set.
pub(super) fn process_attributes(set: &[(String, String)]) -> Vec<(String, String)> {
    let mut attributes = vec![
        ("telemetry.sdk.name", SCOPE.to_owned()),
        ("telemetry.sdk.language", "rust".to_owned()),
        (
            "telemetry.sdk.version",
            env!("CARGO_PKG_VERSION").to_owned(),
        ),
        ("process.pid", std::process::id().to_string()),
    ];
    #[cfg(target_os = "linux")]
    {
        let host = rustix::system::uname();
        let host = host.nodename().to_string_lossy().into_owned();
        attributes.push(("host.name", host));
    }
    let own = attributes.into_iter();
    let own = own.filter(|(name, _)| !set.iter().any(|(given, _)| given == name));
    own.map(|(name, value)| (name.to_owned(), value))
        .chain(set.iter().cloned())
        .collect()
}

/// One request for a batch, with a resource for each service in it.
pub(super) fn request(batch: &[Signal], process: &[(String, String)]) -> ExportTraceServiceRequest {
    let mut services: Vec<(&Identity, Vec<Span>)> = Vec::new();
    for signal in batch {
        let Signal::Span(span) = signal;
        let identity = span.context.identity();
        let message = span_message(span);
        match services.iter_mut().find(|(known, _)| *known == identity) {
            Some((_, spans)) => spans.push(message),
            None => services.push((identity, vec![message])),
        }
    }
    let resource_spans = services.into_iter();
    let resource_spans = resource_spans.map(|(identity, spans)| service(identity, spans, process));
    ExportTraceServiceRequest {
        resource_spans: resource_spans.collect(),
    }
}

fn service(identity: &Identity, spans: Vec<Span>, process: &[(String, String)]) -> ResourceSpans {
    let own = identity.resource_attributes();
    let own = own.iter().map(|(name, value)| key_value(name, text(value)));
    let process = process
        .iter()
        .map(|(name, value)| match (name.as_str(), value.parse()) {
            ("process.pid", Ok(number)) => key_value(name, Value::IntValue(number)),
            _ => key_value(name, text(value)),
        });
    ResourceSpans {
        resource: Some(Resource {
            attributes: own.chain(process).collect(),
            ..Resource::default()
        }),
        scope_spans: vec![ScopeSpans {
            scope: Some(InstrumentationScope {
                name: SCOPE.to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                ..InstrumentationScope::default()
            }),
            spans,
            schema_url: String::new(),
        }],
        schema_url: String::new(),
    }
}

fn span_message(span: &FinishedSpan) -> Span {
    let trace = span.context.trace();
    let start = unix_ns(span.start);
    let took = u64::try_from(span.took.as_nanos()).unwrap_or(u64::MAX);
    let mut message = Span {
        name: span.name.clone(),
        kind: kind(&span.kind).into(),
        start_time_unix_nano: start,
        end_time_unix_nano: start.saturating_add(took),
        attributes: attributes(&span.attributes),
        status: status(span),
        events: span.events.iter().map(event).collect(),
        links: span.links.iter().map(link).collect(),
        ..Span::default()
    };
    if let Some(trace) = trace {
        message.trace_id = trace.trace_id.0.to_be_bytes().to_vec();
        message.span_id = trace.span_id.0.to_be_bytes().to_vec();
        message.flags = if trace.sampled { SAMPLED } else { 0 };
        message.trace_state = trace
            .other_tracestate
            .as_deref()
            .unwrap_or_default()
            .to_owned();
    }
    if span.parent != SpanId::NONE {
        message.parent_span_id = span.parent.0.to_be_bytes().to_vec();
    }
    message
}

fn event(event: &crate::span::SpanEvent) -> Event {
    Event {
        time_unix_nano: unix_ns(event.at),
        name: event.name.to_owned(),
        attributes: attributes(&event.attributes),
        dropped_attributes_count: 0,
    }
}

fn link(link: &crate::span::SpanLink) -> Link {
    Link {
        trace_id: link.trace_id.0.to_be_bytes().to_vec(),
        span_id: link.span_id.0.to_be_bytes().to_vec(),
        flags: if link.sampled { SAMPLED } else { 0 },
        ..Link::default()
    }
}

fn kind(kind: &str) -> SpanKind {
    match kind {
        "server" => SpanKind::Server,
        "client" => SpanKind::Client,
        "producer" => SpanKind::Producer,
        "consumer" => SpanKind::Consumer,
        _ => SpanKind::Internal,
    }
}

/// The status has fields of its own in a message.
fn status(span: &FinishedSpan) -> Option<Status> {
    let said = |name| span.attributes.iter().find(|(of, _)| *of == name);
    let code = match said(attribute::OTEL_STATUS_CODE)? {
        (_, AttributeValue::Text(code)) if code == "ERROR" => StatusCode::Error,
        (_, AttributeValue::Text(code)) if code == "OK" => StatusCode::Ok,
        _ => return None,
    };
    let message = match said(attribute::OTEL_STATUS_DESCRIPTION) {
        Some((_, AttributeValue::Text(text))) => without_secrets(text).into_owned(),
        _ => String::new(),
    };
    Some(Status {
        code: code.into(),
        message,
    })
}

fn attributes(attributes: &[(&'static str, AttributeValue)]) -> Vec<KeyValue> {
    let of_status = [
        attribute::OTEL_STATUS_CODE,
        attribute::OTEL_STATUS_DESCRIPTION,
    ];
    let attributes = attributes.iter();
    attributes
        .filter(|(name, _)| !of_status.contains(name))
        .map(|(name, value)| key_value(name, shown(name, value)))
        .collect()
}

fn shown(name: &'static str, value: &AttributeValue) -> Value {
    match value {
        _ if is_secret(name) => text(HIDDEN),
        AttributeValue::Text(shown) => Value::StringValue(without_secrets(shown).into_owned()),
        AttributeValue::Integer(number) => Value::IntValue(*number),
        AttributeValue::Float(number) => Value::DoubleValue(*number),
        AttributeValue::Bool(value) => Value::BoolValue(*value),
    }
}

fn key_value(name: &str, value: Value) -> KeyValue {
    KeyValue {
        key: name.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
    }
}

fn text(text: &str) -> Value {
    Value::StringValue(text.to_owned())
}

fn unix_ns(time: SystemTime) -> u64 {
    let since: Duration = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

//! Spans of OTLP in the recording's words. PURE.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span as Sent;
use serde_json::{Map, Value, json};

use super::answer::Rejected;
use super::value::{Source, span_id, text_of, trace_id};
use crate::recording::signal::{LINKS_MAX, NAME_BYTES_MAX, Span, VALUE_BYTES_MAX, cut};

/// `STATUS_CODE_ERROR`.
const FAILED: i32 = 2;
/// Events of a span that are kept, by their names.
const EVENTS_MAX: usize = 16;
/// Longest span, microseconds: a year.
const DURATION_US_MAX: u64 = 366 * 86_400 * 1_000_000;

/// The spans of a request, and how many of them are none.
pub(super) fn spans(request: ExportTraceServiceRequest) -> (Vec<Span>, Rejected) {
    let (mut spans, mut rejected) = (Vec::new(), Rejected::default());
    for of_resource in request.resource_spans {
        let source = Source::of(of_resource.resource.as_ref());
        let sent = of_resource
            .scope_spans
            .into_iter()
            .flat_map(|scope| scope.spans);
        for sent in sent {
            match span(&source, sent) {
                Some(span) => spans.push(span),
                None => {
                    rejected.count += 1;
                    rejected.why = "a span needs a trace id, a span id and a start";
                }
            }
        }
    }
    (spans, rejected)
}

fn span(source: &Source, sent: Sent) -> Option<Span> {
    let trace = trace_id(&sent.trace_id)?;
    let id = span_id(&sent.span_id)?;
    if sent.start_time_unix_nano == 0 {
        return None;
    }
    let took = sent
        .end_time_unix_nano
        .saturating_sub(sent.start_time_unix_nano)
        / 1_000;
    let links = sent.links.iter().take(LINKS_MAX);
    let links = links.filter_map(|link| Some((trace_id(&link.trace_id)?, span_id(&link.span_id)?)));
    Some(Span {
        trace,
        id,
        parent: span_id(&sent.parent_span_id),
        service: cut(&source.service, NAME_BYTES_MAX).to_owned(),
        name: cut(&sent.name, NAME_BYTES_MAX).to_owned(),
        kind: kind(sent.kind),
        start_us: (sent.start_time_unix_nano / 1_000) as i64,
        duration_us: took.min(DURATION_US_MAX) as i64,
        failed: sent
            .status
            .as_ref()
            .is_some_and(|status| status.code == FAILED),
        attributes: attributes(source, &sent),
        links: links.collect(),
    })
}

fn kind(kind: i32) -> &'static str {
    match kind {
        2 => "server",
        3 => "client",
        4 => "producer",
        5 => "consumer",
        _ => "internal",
    }
}

/// With the description of a failure, what an exception event says, and the names of all events.
fn attributes(source: &Source, sent: &Sent) -> Map<String, Value> {
    let mut attributes = source.with(&sent.attributes);
    let described = sent.status.as_ref().map(|status| status.message.as_str());
    if let Some(text) = described.filter(|text| !text.is_empty()) {
        let text = cut(text, VALUE_BYTES_MAX);
        attributes.insert("otel.status_description".to_owned(), text.into());
    }
    let exceptions = sent.events.iter().filter(|event| event.name == "exception");
    for pair in exceptions
        .flat_map(|event| &event.attributes)
        .take(EVENTS_MAX)
    {
        if pair.key.starts_with("exception.") && !attributes.contains_key(&pair.key) {
            let key = cut(&pair.key, NAME_BYTES_MAX).to_owned();
            attributes.insert(key, text_of(pair).into());
        }
    }
    if !sent.events.is_empty() {
        let events = sent.events.iter().take(EVENTS_MAX).map(|event| {
            let after = event
                .time_unix_nano
                .saturating_sub(sent.start_time_unix_nano);
            json!({ "name": cut(&event.name, NAME_BYTES_MAX), "after_us": after / 1_000 })
        });
        attributes.insert("events".to_owned(), events.collect());
    }
    attributes
}

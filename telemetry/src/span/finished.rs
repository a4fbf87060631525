//! Spans that are over, as exporters get them, and the subscriber layer that makes them. Must not know exporters.

use std::error::Error;
use std::fmt;
use std::time::{Duration, Instant, SystemTime};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context as LayerContext;
use tracing_subscriber::registry::LookupSpan;

use super::SpanRecord;
use crate::catalogue::attribute;
use crate::context::Context;
use crate::text::{chain, cut};
use crate::trace::{SpanId, TraceContext, TraceId};

/// Longest text of one attribute; the rest is cut off.
pub const ATTRIBUTE_BYTES_MAX: usize = 4096;
/// Most links of one span.
pub const LINKS_MAX: usize = 32;
/// Most events of one span.
pub const EVENTS_MAX: usize = 8;

/// A span that is over.
#[derive(Debug, Clone)]
pub struct FinishedSpan {
    /// The service and the span's own ids; a finished span always has a trace.
    pub context: Context,
    /// The span above; [`SpanId::NONE`] for the first of a trace.
    pub parent: SpanId,
    /// Its name by the conventions, such as `POST /api/orders`.
    pub name: String,
    /// `server`, `client`, `producer`, `consumer` or `internal`.
    pub kind: String,
    /// When it began.
    pub start: SystemTime,
    /// How long it took.
    pub took: Duration,
    /// Its attributes, each once, in the order in which they were set.
    pub attributes: Vec<(&'static str, AttributeValue)>,
    /// Other spans that caused it: a message's producer, the producers of a batch. At most [`LINKS_MAX`].
    pub links: Vec<SpanLink>,
    /// What happened in it, in order; at most [`EVENTS_MAX`].
    pub events: Vec<SpanEvent>,
}

/// A span that caused another one, in the same trace or in another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpanLink {
    /// Its trace.
    pub trace_id: TraceId,
    /// Its id.
    pub span_id: SpanId,
    /// Whether its trace is kept.
    pub sampled: bool,
}

impl SpanLink {
    pub(super) fn to(cause: &TraceContext) -> Self {
        Self {
            trace_id: cause.trace_id,
            span_id: cause.span_id,
            sampled: cause.sampled,
        }
    }
}

/// Something that happened at one moment of a span.
#[derive(Debug, Clone, PartialEq)]
pub struct SpanEvent {
    /// Its name by the conventions, such as `exception`.
    pub name: &'static str,
    /// When.
    pub at: SystemTime,
    /// Its attributes.
    pub attributes: Vec<(&'static str, AttributeValue)>,
}

impl SpanEvent {
    /// An error: its class, what it says, and the chain of its causes where that is known.
    pub(super) fn exception(kind: &str, message: &str, stack: Option<&str>) -> Self {
        let text = |text: &str| AttributeValue::Text(cut(text, ATTRIBUTE_BYTES_MAX).to_owned());
        let mut attributes = vec![
            (attribute::EXCEPTION_TYPE, text(kind)),
            (attribute::EXCEPTION_MESSAGE, text(message)),
        ];
        attributes.extend(stack.map(|stack| (attribute::EXCEPTION_STACKTRACE, text(stack))));
        Self {
            name: attribute::EXCEPTION_EVENT,
            at: SystemTime::now(),
            attributes,
        }
    }
}

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq)]
pub enum AttributeValue {
    /// At most [`ATTRIBUTE_BYTES_MAX`] bytes.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Float(f64),
    /// Yes or no.
    Bool(bool),
}

/// A subscriber layer that gives each span which is over to `take`. `take` must return at once.
pub(crate) struct FinishedSpans<F>(pub(crate) F);

/// What a layer keeps of a span that is still open.
struct Draft {
    start: SystemTime,
    began: Instant,
    name: String,
    kind: String,
    attributes: Vec<(&'static str, AttributeValue)>,
}

impl<S, F> Layer<S> for FinishedSpans<F>
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
    F: Fn(FinishedSpan) + 'static,
{
    fn on_new_span(&self, new: &Attributes<'_>, id: &Id, context: LayerContext<'_, S>) {
        let mut draft = Draft {
            start: SystemTime::now(),
            began: Instant::now(),
            name: String::new(),
            kind: String::new(),
            attributes: Vec::new(),
        };
        new.record(&mut draft);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(draft);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: LayerContext<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(draft) = span.extensions_mut().get_mut::<Draft>()
        {
            values.record(draft);
        }
    }

    fn on_close(&self, id: Id, context: LayerContext<'_, S>) {
        let Some(span) = context.span(&id) else {
            return;
        };
        let (draft, record) = {
            let mut extensions = span.extensions_mut();
            (
                extensions.remove::<Draft>(),
                extensions.remove::<SpanRecord>(),
            )
        };
        // A span without ids belongs to no service: a tool's, or a library's.
        if let (Some(draft), Some(record)) = (draft, record) {
            (self.0)(FinishedSpan {
                context: record.context,
                parent: record.parent,
                name: draft.name,
                kind: draft.kind,
                start: draft.start - record.begun_before,
                took: draft.began.elapsed() + record.begun_before,
                attributes: draft.attributes,
                links: record.links,
                events: record.events,
            });
        }
    }
}

impl Draft {
    fn set(&mut self, field: &Field, value: AttributeValue) {
        match (field.name(), value) {
            (attribute::OTEL_NAME, AttributeValue::Text(text)) => self.name = text,
            (attribute::OTEL_KIND, AttributeValue::Text(text)) => self.kind = text,
            (name, value) => match self.attributes.iter_mut().find(|(set, _)| *set == name) {
                Some(set) => set.1 = value,
                None => self.attributes.push((name, value)),
            },
        }
    }

    fn text(&mut self, field: &Field, text: &str) {
        let text = cut(text, ATTRIBUTE_BYTES_MAX).to_owned();
        self.set(field, AttributeValue::Text(text));
    }
}

impl Visit for Draft {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, AttributeValue::Integer(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        match i64::try_from(value) {
            Ok(value) => self.set(field, AttributeValue::Integer(value)),
            Err(_) => self.text(field, &value.to_string()),
        }
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field, AttributeValue::Float(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, AttributeValue::Bool(value));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.text(field, &chain(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.text(field, &format!("{value:?}"));
    }
}

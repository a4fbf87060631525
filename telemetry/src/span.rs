//! Opening spans with the names and attributes of the conventions.
//!
//! A span is a `tracing` span plus the [`Context`] whose ids it has. The ids also stand in the span's extensions
//! (as [`SpanRecord`]), so that an exporter can be added as one more subscriber layer without touching call sites.
//! Work that runs inside a span is logged with its ids and injects them into what it sends. It must not know exporters.

mod database;
mod finished;
mod local;
mod messaging;
mod server;

use std::error::Error;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, Method, StatusCode};
use tracing::{Instrument as _, Level, Value};
use tracing_subscriber::Registry;
use tracing_subscriber::registry::LookupSpan as _;

pub use database::{Statement, database};
pub(crate) use finished::FinishedSpans;
pub use finished::{
    ATTRIBUTE_BYTES_MAX, AttributeValue, EVENTS_MAX, FinishedSpan, LINKS_MAX, SpanEvent, SpanLink,
};
pub use local::{client, external, internal};
pub use messaging::{Delivery, QueueCall, producer, queue_call};
pub use server::ServerSpan;

use crate::catalogue::attribute;
use crate::context::{CORRELATION_ID_HEADER, Context};
use crate::identity::Identity;
use crate::metrics::known_method;
use crate::text;
use crate::trace::{Carrier, IdSource, SpanId, TraceContext};

/// The target of every span that is opened here.
pub(crate) const TARGET: &str = module_path!();

/// Opens the spans with which work enters a service. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Tracer {
    base: Context,
}

/// The request for which a server span is opened.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Its method.
    pub method: &'a Method,
    /// The route template, `None` when no route matches.
    pub route: Option<&'a str>,
    /// Its path, without the query.
    pub path: &'a str,
    /// Its headers, from which the caller's context is read.
    pub headers: &'a HeaderMap,
}

impl Tracer {
    /// A tracer for the service that `identity` names.
    pub fn new(identity: Identity, ids: Arc<IdSource>) -> Self {
        Self {
            base: Context::new(identity, ids),
        }
    }

    /// The service's context outside any trace, for start-up and background work.
    pub fn background(&self) -> &Context {
        &self.base
    }

    /// Opens the span of a request that came in; the caller's trace is continued, or a new one begun.
    pub fn server(&self, request: &Request<'_>) -> ServerSpan {
        let method = known_method(request.method);
        let correlation_id = request.headers.values_of(CORRELATION_ID_HEADER).next();
        let (context, parent) = self.enter_trace(request.headers, correlation_id);
        let open = OpenSpan::begin(context, parent, |context| {
            tracing::info_span!(
                target: TARGET,
                parent: None,
                "server",
                { attribute::OTEL_KIND } = "server",
                { attribute::OTEL_NAME } = server_span_name(method, request.route),
                { attribute::HTTP_REQUEST_METHOD } = method,
                { attribute::HTTP_ROUTE } = request.route,
                { attribute::URL_PATH } = request.path,
                { attribute::URL_SCHEME } = "http",
                { attribute::CORRELATION_ID } = context.correlation_id(),
                { attribute::HTTP_RESPONSE_STATUS_CODE } = tracing::field::Empty,
                { attribute::ORDER_ID } = tracing::field::Empty,
                { attribute::ERROR_TYPE } = tracing::field::Empty,
                { attribute::OTEL_STATUS_CODE } = tracing::field::Empty,
                { attribute::OTEL_STATUS_DESCRIPTION } = tracing::field::Empty,
            )
        });
        ServerSpan {
            method: request.method.clone(),
            route: request.route.map(Into::into),
            open,
        }
    }

    /// The context of a new span below what `carrier` names, and that caller's span.
    fn enter_trace(
        &self,
        carrier: &impl Carrier,
        correlation_id: Option<&str>,
    ) -> (Context, SpanId) {
        let caller = TraceContext::extract(carrier);
        let parent = caller
            .as_ref()
            .map_or(SpanId::NONE, |caller| caller.span_id);
        let mut context = self.base.clone();
        if let Some(caller) = caller {
            context = context.with_trace(caller);
        }
        if let Some(id) = correlation_id {
            context = context.with_correlation_id(id);
        }
        (context.child(), parent)
    }
}

/// The current work's context if its spans are recorded: its trace is kept, and somebody takes spans.
///
/// Cheap otherwise: one load without an exporter, a look at the context without a kept trace.
pub fn recorded() -> Option<Context> {
    if !tracing::span_enabled!(target: TARGET, Level::INFO) {
        return None;
    }
    Context::current().filter(is_sampled)
}

/// Notes an error in the innermost span that the current work runs in: a class such as `timeout`, and what happened.
pub fn exception(kind: &str, message: &str) {
    amend(&tracing::Span::current(), |record| {
        record.event(SpanEvent::exception(kind, message, None));
    });
}

fn is_sampled(context: &Context) -> bool {
    context.trace().is_some_and(|trace| trace.sampled)
}

fn server_span_name(method: &str, route: Option<&str>) -> String {
    route.map_or_else(|| method.to_owned(), |route| format!("{method} {route}"))
}

/// What an exporter finds in the extensions of every span opened here.
#[derive(Debug, Clone)]
pub struct SpanRecord {
    /// The service and the span's own ids.
    pub context: Context,
    /// The span above, in this process or the caller's; [`SpanId::NONE`] for the first of a trace.
    pub parent: SpanId,
    /// See [`FinishedSpan::links`].
    pub links: Vec<SpanLink>,
    /// See [`FinishedSpan::events`].
    pub events: Vec<SpanEvent>,
    /// How long before its opening the work had begun.
    pub begun_before: Duration,
}

impl SpanRecord {
    fn new(context: Context, parent: SpanId) -> Self {
        Self {
            context,
            parent,
            links: Vec::new(),
            events: Vec::new(),
            begun_before: Duration::ZERO,
        }
    }

    fn event(&mut self, event: SpanEvent) {
        if self.events.len() < EVENTS_MAX {
            self.events.push(event);
        }
    }
}

/// A span that has begun. It ends when it and every future that runs in it are dropped.
#[derive(Debug)]
#[must_use = "a span that nothing runs in measures nothing"]
pub struct OpenSpan {
    span: tracing::Span,
    context: Option<Context>,
}

impl OpenSpan {
    /// A span with the ids of `context`. Nothing but the ids is made when its trace is not kept.
    fn begin(
        context: Context,
        parent: SpanId,
        open: impl FnOnce(&Context) -> tracing::Span,
    ) -> Self {
        let span = match is_sampled(&context) {
            true => open(&context),
            false => tracing::Span::none(),
        };
        remember(&span, SpanRecord::new(context.clone(), parent));
        Self {
            span,
            context: Some(context),
        }
    }

    /// Without a current context (a tool outside any service) there is no span.
    fn below_current(open: impl FnOnce(&Context) -> tracing::Span) -> Self {
        match Context::current() {
            Some(current) => Self::below(&current, open),
            None => Self::none(),
        }
    }

    /// A span that only says something about work which carries no context further: none is made, and no ids drawn,
    /// unless it is recorded.
    fn below_recorded(open: impl FnOnce(&Context) -> tracing::Span) -> Self {
        recorded().map_or_else(Self::none, |current| Self::below(&current, open))
    }

    fn below(current: &Context, open: impl FnOnce(&Context) -> tracing::Span) -> Self {
        let parent = current.trace().map_or(SpanId::NONE, |trace| trace.span_id);
        Self::begin(current.child(), parent, open)
    }

    /// Work that runs in it belongs to the span around it.
    fn none() -> Self {
        Self {
            span: tracing::Span::none(),
            context: None,
        }
    }

    /// The context of work in this span, to inject into what the work sends.
    pub fn context(&self) -> Option<&Context> {
        self.context.as_ref()
    }

    /// Whether anybody will see it.
    pub fn is_recorded(&self) -> bool {
        !self.span.is_disabled()
    }

    /// Runs `future` in this span: its logs, calls and spans belong here.
    pub fn run<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        let context = self.context.clone();
        let future = future.instrument(self.span.clone());
        async move {
            match context {
                Some(context) => context.attach(future).await,
                None => future.await,
            }
        }
    }

    /// Runs synchronous work in this span.
    pub fn in_scope<R>(&self, work: impl FnOnce() -> R) -> R {
        let _entered = self.context.as_ref().map(Context::enter);
        self.span.in_scope(work)
    }

    /// Sets one of the attributes that this kind of span has.
    pub fn set(&self, attribute: &'static str, value: impl Value) -> &Self {
        debug_assert!(
            self.span.is_disabled() || self.span.has_field(attribute),
            "this kind of span has no attribute {attribute}"
        );
        self.span.record(attribute, value);
        self
    }

    /// Links it to another span that caused it; those beyond [`LINKS_MAX`] are left out.
    pub fn link(&self, cause: &TraceContext) -> &Self {
        amend(&self.span, |record| {
            if record.links.len() < LINKS_MAX {
                record.links.push(SpanLink::to(cause));
            }
        });
        self
    }

    /// The work had begun so long before the span was opened.
    pub fn begun_before(&self, time: Duration) -> &Self {
        amend(&self.span, |record| record.begun_before = time);
        self
    }

    /// Marks the span as failed; `kind` is a class such as `timeout`, never a text with data in it.
    pub fn fail(&self, kind: &str, description: &str) {
        self.failed(kind, description, None);
    }

    /// Marks the span as failed by an error, whose causes are kept as well; `kind` as with [`fail`](Self::fail).
    pub fn fail_with(&self, kind: &str, error: &dyn Error) {
        if self.is_recorded() {
            self.failed(kind, &error.to_string(), Some(&text::stack(error)));
        }
    }

    fn failed(&self, kind: &str, message: &str, stack: Option<&str>) {
        self.set(attribute::ERROR_TYPE, kind)
            .set(attribute::OTEL_STATUS_CODE, "ERROR")
            .set(attribute::OTEL_STATUS_DESCRIPTION, message);
        amend(&self.span, |record| {
            record.event(SpanEvent::exception(kind, message, stack));
        });
    }

    /// Records the status of an HTTP answer on a client span; 4xx and 5xx count as failures of the call.
    pub fn answered(&self, status: StatusCode) {
        self.set(attribute::HTTP_RESPONSE_STATUS_CODE, status.as_u16());
        if status.is_client_error() || status.is_server_error() {
            self.set(attribute::ERROR_TYPE, status.as_str())
                .set(attribute::OTEL_STATUS_CODE, "ERROR");
        }
    }
}

/// Puts the ids where an exporter's layer finds them.
fn remember(span: &tracing::Span, record: SpanRecord) {
    span.with_subscriber(|(id, dispatch)| {
        if let Some(span) = dispatch
            .downcast_ref::<Registry>()
            .and_then(|registry| registry.span(id))
        {
            span.extensions_mut().insert(record);
        }
    });
}

/// Changes what exporters are going to find; nothing where nobody looks.
fn amend(span: &tracing::Span, change: impl FnOnce(&mut SpanRecord)) {
    span.with_subscriber(|(id, dispatch)| {
        if let Some(span) = dispatch
            .downcast_ref::<Registry>()
            .and_then(|registry| registry.span(id))
            && let Some(record) = span.extensions_mut().get_mut::<SpanRecord>()
        {
            change(record);
        }
    });
}

#[cfg(test)]
mod tests;

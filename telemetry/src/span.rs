//! Opening spans with the names and attributes of the conventions.
//!
//! A span is a `tracing` span plus the [`Context`] whose ids it has. The ids also stand in the span's extensions
//! (as [`SpanRecord`]), so that an exporter can be added as one more subscriber layer without touching call sites.
//! Work that runs inside a span is logged with its ids and injects them into what it sends. It must not know exporters.

mod finished;
mod server;

use std::future::Future;
use std::sync::Arc;

use http::{HeaderMap, Method, StatusCode, Uri};
use tracing::{Instrument as _, Value};
use tracing_subscriber::Registry;
use tracing_subscriber::registry::LookupSpan as _;

pub(crate) use finished::FinishedSpans;
pub use finished::{ATTRIBUTE_BYTES_MAX, AttributeValue, FinishedSpan};
pub use server::ServerSpan;

use crate::catalogue::attribute;
use crate::context::{CORRELATION_ID_ATTRIBUTE, CORRELATION_ID_HEADER, Context};
use crate::identity::Identity;
use crate::metrics::known_method;
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

/// The message for which a consumer span is opened.
#[derive(Debug, Clone, Copy)]
pub struct Delivery<'a, C> {
    /// Messaging system, such as `aws_sqs`.
    pub system: &'a str,
    /// The queue it came from.
    pub queue: &'a str,
    /// Its id.
    pub message_id: &'a str,
    /// Its attributes, from which the producer's context is read.
    pub attributes: &'a C,
}

/// The statement for which a database span is opened.
#[derive(Debug, Clone, Copy)]
pub struct Statement<'a> {
    /// Database system: `postgresql`, `sqlite`, `redis`, `mongodb`.
    pub system: &'a str,
    /// Database, or Redis' number of it.
    pub namespace: &'a str,
    /// Operation such as `SELECT` or `HGET`.
    pub operation: &'a str,
    /// Table, collection or kind of key.
    pub collection: &'a str,
    /// The statement with placeholders, never with values.
    pub text: &'a str,
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
        let span = tracing::info_span!(
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
        );
        ServerSpan {
            method: request.method.clone(),
            route: request.route.map(Into::into),
            open: OpenSpan::new(span, Some(context), parent),
        }
    }

    /// Opens the span of work on a message; it is a child of the span that published it, so that one trace shows the whole order.
    pub fn consumer<C: Carrier>(&self, name: &'static str, delivery: &Delivery<'_, C>) -> OpenSpan {
        let attributes = delivery.attributes;
        let correlation_id = attributes.values_of(CORRELATION_ID_ATTRIBUTE).next();
        let (context, parent) = self.enter_trace(attributes, correlation_id);
        let span = tracing::info_span!(
            parent: None,
            "consumer",
            { attribute::OTEL_KIND } = "consumer",
            { attribute::OTEL_NAME } = name,
            { attribute::MESSAGING_SYSTEM } = delivery.system,
            { attribute::MESSAGING_DESTINATION_NAME } = delivery.queue,
            { attribute::MESSAGING_OPERATION_TYPE } = "process",
            { attribute::MESSAGING_OPERATION_NAME } = "process",
            { attribute::MESSAGING_MESSAGE_ID } = delivery.message_id,
            { attribute::MESSAGING_MESSAGE_CONVERSATION_ID } = context.correlation_id(),
            { attribute::ORDER_ID } = tracing::field::Empty,
            { attribute::EVENT_ID } = tracing::field::Empty,
            { attribute::ERROR_TYPE } = tracing::field::Empty,
            { attribute::OTEL_STATUS_CODE } = tracing::field::Empty,
            { attribute::OTEL_STATUS_DESCRIPTION } = tracing::field::Empty,
        );
        OpenSpan::new(span, Some(context), parent)
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

/// Opens a span for a piece of work inside the current one.
pub fn internal(name: &'static str) -> OpenSpan {
    local("internal", name, None)
}

/// Opens a client span with a fixed name around a call to an outside provider.
pub fn external(name: &'static str, peer: &str) -> OpenSpan {
    local("client", name, Some(peer))
}

/// Opens a span around an HTTP call to a peer; write [`OpenSpan::context`] into the call's headers.
pub fn client(method: &Method, peer: &str, uri: &Uri) -> OpenSpan {
    let method = known_method(method);
    let host = uri.host().unwrap_or_default();
    let scheme = uri.scheme_str().unwrap_or("http");
    let port = uri
        .port_u16()
        .unwrap_or(if scheme == "https" { 443 } else { 80 });
    OpenSpan::below_current(|_| {
        tracing::info_span!(
            "client",
            { attribute::OTEL_KIND } = "client",
            { attribute::OTEL_NAME } = method,
            { attribute::HTTP_REQUEST_METHOD } = method,
            { attribute::URL_FULL } = format!("{scheme}://{host}:{port}{}", uri.path()),
            { attribute::SERVER_ADDRESS } = host,
            { attribute::SERVER_PORT } = port,
            { attribute::PEER_SERVICE } = peer,
            { attribute::HTTP_RESPONSE_STATUS_CODE } = tracing::field::Empty,
            { attribute::ERROR_TYPE } = tracing::field::Empty,
            { attribute::OTEL_STATUS_CODE } = tracing::field::Empty,
            { attribute::OTEL_STATUS_DESCRIPTION } = tracing::field::Empty,
        )
    })
}

/// Opens a span around a statement, with both generations of the attributes.
pub fn database(statement: &Statement<'_>) -> OpenSpan {
    OpenSpan::below_current(|_| {
        tracing::info_span!(
            "database",
            { attribute::OTEL_KIND } = "client",
            { attribute::OTEL_NAME } = format!("{} {}", statement.operation, statement.collection),
            { attribute::DB_SYSTEM_NAME } = statement.system,
            { attribute::DB_SYSTEM } = statement.system,
            { attribute::DB_NAMESPACE } = statement.namespace,
            { attribute::DB_NAME } = statement.namespace,
            { attribute::DB_OPERATION_NAME } = statement.operation,
            { attribute::DB_OPERATION } = statement.operation,
            { attribute::DB_COLLECTION_NAME } = statement.collection,
            { attribute::DB_SQL_TABLE } = statement.collection,
            { attribute::DB_QUERY_TEXT } = statement.text,
            { attribute::DB_STATEMENT } = statement.text,
            { attribute::DD_DBM_TRACE_INJECTED } = tracing::field::Empty,
            { attribute::ERROR_TYPE } = tracing::field::Empty,
            { attribute::OTEL_STATUS_CODE } = tracing::field::Empty,
            { attribute::OTEL_STATUS_DESCRIPTION } = tracing::field::Empty,
        )
    })
}

/// Opens a span around publishing to a queue; write [`OpenSpan::context`] into the message's attributes.
pub fn producer(name: &'static str, system: &str, queue: &str) -> OpenSpan {
    OpenSpan::below_current(|context| {
        tracing::info_span!(
            "producer",
            { attribute::OTEL_KIND } = "producer",
            { attribute::OTEL_NAME } = name,
            { attribute::MESSAGING_SYSTEM } = system,
            { attribute::MESSAGING_DESTINATION_NAME } = queue,
            { attribute::MESSAGING_OPERATION_TYPE } = "send",
            { attribute::MESSAGING_OPERATION_NAME } = "send",
            { attribute::MESSAGING_MESSAGE_CONVERSATION_ID } =
                context.and_then(Context::correlation_id),
            { attribute::MESSAGING_MESSAGE_ID } = tracing::field::Empty,
            { attribute::MESSAGING_BATCH_MESSAGE_COUNT } = tracing::field::Empty,
            { attribute::ORDER_ID } = tracing::field::Empty,
            { attribute::EVENT_ID } = tracing::field::Empty,
            { attribute::ERROR_TYPE } = tracing::field::Empty,
            { attribute::OTEL_STATUS_CODE } = tracing::field::Empty,
            { attribute::OTEL_STATUS_DESCRIPTION } = tracing::field::Empty,
        )
    })
}

fn local(kind: &'static str, name: &'static str, peer: Option<&str>) -> OpenSpan {
    OpenSpan::below_current(|context| {
        tracing::info_span!(
            "local",
            { attribute::OTEL_KIND } = kind,
            { attribute::OTEL_NAME } = name,
            { attribute::PEER_SERVICE } = peer,
            { attribute::CORRELATION_ID } = context.and_then(Context::correlation_id),
            { attribute::ORDER_ID } = tracing::field::Empty,
            { attribute::EVENT_ID } = tracing::field::Empty,
            { attribute::ERROR_TYPE } = tracing::field::Empty,
            { attribute::OTEL_STATUS_CODE } = tracing::field::Empty,
            { attribute::OTEL_STATUS_DESCRIPTION } = tracing::field::Empty,
        )
    })
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
}

/// A span that has begun. It ends when it and every future that runs in it are dropped.
#[derive(Debug)]
#[must_use = "a span that nothing runs in measures nothing"]
pub struct OpenSpan {
    span: tracing::Span,
    context: Option<Context>,
}

impl OpenSpan {
    fn new(span: tracing::Span, context: Option<Context>, parent: SpanId) -> Self {
        if let Some(context) = &context {
            let context = context.clone();
            remember(&span, SpanRecord { context, parent });
        }
        Self { span, context }
    }

    /// Without a current context (a tool outside any service) the span has no ids.
    fn below_current(open: impl FnOnce(Option<&Context>) -> tracing::Span) -> Self {
        let current = Context::current();
        let parent = current
            .as_ref()
            .and_then(Context::trace)
            .map_or(SpanId::NONE, |trace| trace.span_id);
        let context = current.as_ref().map(Context::child);
        Self::new(open(context.as_ref()), context, parent)
    }

    /// The context of work in this span, to inject into what the work sends.
    pub fn context(&self) -> Option<&Context> {
        self.context.as_ref()
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

    /// Marks the span as failed; `kind` is a class such as `timeout`, never a text with data in it.
    pub fn fail(&self, kind: &str, description: &str) {
        self.set(attribute::ERROR_TYPE, kind)
            .set(attribute::OTEL_STATUS_CODE, "ERROR")
            .set(attribute::OTEL_STATUS_DESCRIPTION, description);
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

#[cfg(test)]
mod tests;

//! What work inside a span sees and sends, with and without a subscriber.

use std::collections::BTreeMap;
use std::sync::Mutex;

use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context as LayerContext, SubscriberExt as _};

use std::time::Duration;

use http::Uri;

use super::*;
use crate::catalogue::span_name;
use crate::metrics::HttpMetrics;
use crate::trace::header;

fn tracer(service: &'static str) -> Tracer {
    let identity = Identity::new(service, "test", "1.0.0");
    Tracer::new(identity, Arc::new(IdSource::seeded(42)))
}

/// What a browser under RUM sends.
fn browser_headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    let traceparent = "00-00000000000000000123456789abcdef-00000000000000ff-01";
    headers.insert(header::TRACEPARENT, traceparent.parse().unwrap());
    headers.insert(header::TRACESTATE, "dd=s:1;o:rum".parse().unwrap());
    headers.insert(CORRELATION_ID_HEADER, "corr-1".parse().unwrap());
    headers
}

fn server(tracer: &Tracer, headers: &HeaderMap) -> ServerSpan {
    tracer.server(&Request {
        method: &Method::POST,
        route: Some("/api/orders"),
        path: "/api/orders",
        headers,
    })
}

fn current_trace() -> TraceContext {
    Context::current()
        .and_then(|context| context.trace().cloned())
        .unwrap()
}

#[tokio::test]
async fn a_request_continues_the_browsers_trace_down_to_the_consumer() {
    let orders = tracer("rum-shop-order-service");
    let request = server(&orders, &browser_headers());
    let (outer, inner, attributes) = request
        .run(async {
            let outer = current_trace();
            let publish = producer(span_name::ORDER_PUBLISH_EVENTS, "aws_sqs", "payments");
            let mut attributes = BTreeMap::new();
            publish
                .context()
                .unwrap()
                .inject_attributes(&mut attributes);
            let inner = publish.run(async { current_trace() }).await;
            (outer, inner, attributes)
        })
        .await;
    assert_eq!(outer.trace_id.0, 0x0123_4567_89ab_cdef);
    assert_eq!(outer.origin.as_deref(), Some("rum"));
    assert_ne!(outer.span_id, SpanId(0xff));
    assert_eq!(inner.trace_id, outer.trace_id);
    assert_ne!(inner.span_id, outer.span_id);
    assert!(Context::current().is_none());

    let payments = Tracer::new(
        Identity::new("rum-shop-payment", "test", "1.0.0"),
        Arc::new(IdSource::seeded(43)),
    );
    let consumed = payments.consumer(
        span_name::PAYMENT_PROCESS,
        &Delivery {
            system: "aws_sqs",
            queue: "payments",
            message_id: "m-1",
            attributes: &attributes,
        },
    );
    let context = consumed.context().unwrap();
    assert_eq!(context.trace().unwrap().trace_id, outer.trace_id);
    assert_eq!(context.correlation_id(), Some("corr-1"));
    assert_eq!(context.identity().service(), "rum-shop-payment");
}

#[tokio::test]
async fn a_request_without_headers_begins_a_sampled_trace() {
    let request = server(&tracer("rum-shop-cart"), &HeaderMap::new());
    let trace = request.run(async { current_trace() }).await;
    assert!(trace.sampled && trace.trace_id.is_valid() && trace.span_id.is_valid());
}

#[test]
fn a_call_to_a_peer_carries_both_formats() {
    let request = server(&tracer("rum-shop-gateway"), &browser_headers());
    let mut headers = HeaderMap::new();
    let id = request.open().in_scope(|| {
        let uri = Uri::from_static("http://user:secret@127.0.0.1:3001/api/cart/1?token=secret");
        let call = client(&Method::GET, "rum-shop-cart", &uri);
        call.context().unwrap().inject_headers(&mut headers);
        call.context().unwrap().trace().unwrap().span_id
    });
    assert_eq!(headers[header::DATADOG_TRACE_ID], "81985529216486895");
    assert_eq!(headers[header::DATADOG_PARENT_ID], id.0.to_string());
    assert_eq!(
        headers[header::TRACEPARENT],
        format!("00-00000000000000000123456789abcdef-{id}-01")
    );
    assert_eq!(headers[CORRELATION_ID_HEADER], "corr-1");
}

/// Stands for an exporter: collects the record and fields of each span that closes.
#[derive(Clone, Default)]
struct Exporter(Arc<Mutex<Vec<Exported>>>);

type Exported = (SpanRecord, BTreeMap<String, String>);

struct Fields(BTreeMap<String, String>);

impl tracing::field::Visit for Fields {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
        let text = format!("{value:?}").trim_matches('"').to_owned();
        self.0.insert(field.name().to_owned(), text);
    }
}

impl Layer<Registry> for Exporter {
    fn on_new_span(
        &self,
        new: &tracing::span::Attributes<'_>,
        id: &tracing::Id,
        ctx: LayerContext<'_, Registry>,
    ) {
        let mut fields = Fields(BTreeMap::new());
        new.record(&mut fields);
        ctx.span(id).unwrap().extensions_mut().insert(fields);
    }

    fn on_record(
        &self,
        id: &tracing::Id,
        values: &tracing::span::Record<'_>,
        ctx: LayerContext<'_, Registry>,
    ) {
        let span = ctx.span(id).unwrap();
        let mut extensions = span.extensions_mut();
        values.record(extensions.get_mut::<Fields>().unwrap());
    }

    fn on_close(&self, id: tracing::Id, ctx: LayerContext<'_, Registry>) {
        let span = ctx.span(&id).unwrap();
        let mut extensions = span.extensions_mut();
        let fields = extensions.remove::<Fields>().unwrap().0;
        let record = extensions.remove::<SpanRecord>().unwrap();
        self.0.lock().unwrap().push((record, fields));
    }
}

#[test]
fn an_exporter_layer_finds_ids_parents_and_attributes() {
    let exporter = Exporter::default();
    let subscriber = tracing_subscriber::registry().with(exporter.clone());
    let registry = crate::metrics::Registry::new(Identity::new("s", "test", "1")).unwrap();
    tracing::subscriber::with_default(subscriber, || {
        let request = server(&tracer("rum-shop-order-service"), &browser_headers());
        request.open().in_scope(|| {
            let statement = Statement {
                system: "sqlite",
                namespace: "rumshop",
                operation: "INSERT",
                collection: "orders",
                text: "INSERT INTO orders VALUES (?)",
                server: "",
                port: None,
            };
            database(&statement).fail("constraint", "unique index");
        });
        let took = Duration::from_millis(5);
        request.answered(&HttpMetrics::new(&registry), StatusCode::BAD_GATEWAY, took);
    });
    let spans = exporter.0.lock().unwrap();
    let [(inner, inner_fields), (outer, outer_fields)] = &spans[..] else {
        panic!("two spans close: {spans:?}");
    };
    assert_eq!(outer.parent, SpanId(0xff));
    assert_eq!(inner.parent, outer.context.trace().unwrap().span_id);
    for (name, value) in [
        ("otel.name", "INSERT orders"),
        ("db.system.name", "sqlite"),
        ("db.system", "sqlite"),
        ("db.query.text", "INSERT INTO orders VALUES (?)"),
        ("db.statement", "INSERT INTO orders VALUES (?)"),
        ("db.namespace", "rumshop"),
        ("error.type", "constraint"),
        ("otel.status_code", "ERROR"),
    ] {
        assert_eq!(
            inner_fields.get(name).map(String::as_str),
            Some(value),
            "{name}"
        );
    }
    for (name, value) in [
        ("otel.name", "POST /api/orders"),
        ("otel.kind", "server"),
        ("http.route", "/api/orders"),
        ("http.response.status_code", "502"),
        ("error.type", "502"),
    ] {
        assert_eq!(
            outer_fields.get(name).map(String::as_str),
            Some(value),
            "{name}"
        );
    }
}

//! The vocabulary shared by the shop and its load generator: metric catalogue, trace context, log format.
//!
//! | Module | For |
//! |---|---|
//! | [`catalogue`] | every metric, span and attribute name, once |
//! | [`metrics`] | one registry per service, handles, Prometheus text, the seam for exporters |
//! | [`trace`] | trace context in every header format |
//! | [`context`] | which service works at which place in which trace, right now |
//! | [`span`] | opening spans with the names and attributes of the conventions |
//! | [`log`] | one JSON object a line |
//! | [`exporter`] | where finished spans and metrics leave the process |
//! | [`start`](start::start) | log and exporters together, for the whole process |
//! | [`settings`] | where telemetry goes, as variables and flags say it |
//! | [`secret`] | where secrets stand in a text, by name and by shape |
//! | [`text`] | bytes in hex, an error with its causes |
//! | [`browser`] | the headers of a browser under RUM, for the load generator |
//!
//! It must not know the shop, scenarios or HTTP servers; of networks only what is in a file of `exporter/`.
//!
//! # Setting up a service
//!
//! The edge of the program makes these once and hands them down. Several services may live in one process, each
//! with its own identity, registry and tracer; the ids' source may be shared.
//!
//! ```
//! use std::sync::Arc;
//! use telemetry::metrics::HttpMetrics;
//! use telemetry::span::Tracer;
//! use telemetry::{Config, Identity, trace::IdSource};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Lines outside any service are the shop's; exporters are asked for in the same configuration.
//! let guard = telemetry::start(Config::new(Identity::new("shop", "dev", "0.1.0"), "info"))?;
//! let ids = Arc::new(IdSource::seeded(42)); // a random seed in production
//!
//! let cart = Identity::new("rum-shop-cart", "dev", "0.1.0");
//! let registry = guard.sinks().registry(cart.clone())?;
//! let http = HttpMetrics::new(&registry);
//! let tracer = Tracer::new(cart, ids);
//! tracing::info!("ready");
//! // … serve; then:
//! let summary = guard.finish(); // dropping it does the same: everything queued is sent, within a deadline
//! assert!(summary.log.complete && summary.log.dropped_lines == 0);
//! # let _ = (http, tracer);
//! # Ok(()) }
//! ```
//!
//! `GET /metrics` answers [`Registry::render`](metrics::Registry::render) with
//! [`CONTENT_TYPE`](metrics::CONTENT_TYPE).
//!
//! # Around every request
//!
//! A middleware opens a server span, runs the handler in it, and reports the answer: that ends the span, counts the
//! request and writes its log line. Everything the handler does (logs, calls, queries, messages) then belongs to it.
//!
//! ```
//! use std::time::Instant;
//! use http::{HeaderMap, Method, StatusCode};
//! use telemetry::metrics::HttpMetrics;
//! use telemetry::span::{Request, Tracer};
//!
//! async fn handle(tracer: &Tracer, http: &HttpMetrics, headers: &HeaderMap) -> StatusCode {
//!     let start = Instant::now();
//!     let span = tracer.server(&Request {
//!         method: &Method::GET,
//!         route: Some("/api/cart/{sessionId}"), // the template, never the raw path
//!         path: "/api/cart/42",
//!         headers,
//!     });
//!     let status = span.run(async { StatusCode::OK }).await;
//!     span.answered(http, status, start.elapsed());
//!     status
//! }
//! ```
//!
//! # Inside a handler
//!
//! ```
//! use http::{HeaderMap, Method, Uri};
//! use telemetry::catalogue::{attribute, metric, span_name};
//! use telemetry::metrics::Registry;
//! use telemetry::span::{self, Statement};
//!
//! async fn create_order(registry: &Registry, peer: &Uri) {
//!     // Make handles once where that is easy; looking one up costs a lock and a hash.
//!     registry.counter(metric::ORDERS_CREATED, &[("status", "pending")]).inc();
//!     registry.distribution(metric::ORDERS_VALUE, &[("currency", "EUR")]).observe(99.99);
//!
//!     // A piece of work.
//!     let work = span::internal(span_name::ORDER_CREATE);
//!     work.set(attribute::ORDER_ID, "o-1");
//!     work.run(async { tracing::info!(order.id = "o-1", "order stored") }).await;
//!
//!     // A statement: both generations of attributes; never values in the text.
//!     let statement = span::database(&Statement {
//!         system: "sqlite",
//!         namespace: "rumshop",
//!         operation: "INSERT",
//!         collection: "orders",
//!         text: "INSERT INTO orders (id) VALUES (?)",
//!         server: "",
//!         port: None,
//!     });
//!     statement.run(async { /* execute */ }).await;
//!
//!     // A call to a peer: its headers carry tracecontext, datadog, baggage and the correlation id.
//!     let call = span::client(&Method::POST, "rum-shop-payment", peer);
//!     let mut headers = HeaderMap::new();
//!     if let Some(context) = call.context() {
//!         context.inject_headers(&mut headers);
//!     }
//!     let status = call.run(async { http::StatusCode::OK /* send */ }).await;
//!     call.answered(status);
//! }
//! ```
//!
//! A task that is spawned keeps the context with
//! [`in_current_context`](context::InCurrentContext::in_current_context).
//!
//! # Across a queue
//!
//! The publisher writes its context into the message's attributes; the consumer's span becomes its child, so that
//! one trace shows the whole order.
//!
//! ```
//! use std::collections::BTreeMap;
//! use telemetry::catalogue::span_name;
//! use telemetry::span::{self, Delivery, Tracer};
//!
//! async fn publish() -> BTreeMap<String, String> {
//!     let span = span::producer(span_name::ORDER_PUBLISH_EVENTS, "aws_sqs", "payments");
//!     let mut attributes = BTreeMap::new();
//!     if let Some(context) = span.context() {
//!         context.inject_attributes(&mut attributes);
//!     }
//!     attributes
//! }
//!
//! async fn consume(tracer: &Tracer, attributes: &BTreeMap<String, String>) {
//!     let span = tracer.consumer(
//!         span_name::PAYMENT_PROCESS,
//!         &Delivery { system: "aws_sqs", queue: "payments", message_id: "m-1", attributes },
//!     );
//!     let charged: Result<(), &str> = span.run(async { Ok(()) }).await;
//!     if let Err(reason) = charged {
//!         span.fail(reason, "the provider declined the card");
//!     }
//! }
//! ```
//!
//! An outbox that publishes later stores the attributes with the event: they are a plain string map.
//!
//! # The load generator's side
//!
//! ```
//! use http::HeaderMap;
//! use rand::SeedableRng as _;
//! use telemetry::browser::{BrowserConfig, HeaderBuffer, HeaderPlan, RequestIds, Visitor};
//!
//! let plan = HeaderPlan::new(BrowserConfig::default()); // once per scenario
//! let mut buffer = HeaderBuffer::new(); // once per worker
//! let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1); // once per shopper
//! let session = plan.session(uuid::Uuid::from_u128(1), Visitor::default());
//!
//! let mut headers = HeaderMap::new(); // for every request
//! plan.write(&session, RequestIds::draw(&mut rng), &mut buffer, &mut headers);
//! assert!(headers.contains_key("traceparent") && headers.contains_key("x-datadog-trace-id"));
//! assert_eq!(headers["baggage"], "session.id=00000000-0000-0000-0000-000000000001");
//! ```
//!
//! # Adding an exporter
//!
//! One file `exporter/<name>.rs` with an [`Exporter`](exporter::Exporter) – what it wants (finished spans, metrics every so
//! often), and how that is sent – and one line in [`start`](start::start). The bounded queue, its thread, the counts of
//! drops and the flush at the end are there already. [`SpanFile`](exporter::span_file::SpanFile) is an example.
//!
//! No call site changes.

pub mod browser;
pub mod catalogue;
pub mod context;
pub mod exporter;
mod identity;
pub mod log;
pub mod metrics;
pub mod secret;
pub mod settings;
pub mod span;
pub mod start;
pub mod text;
pub mod trace;

pub use context::{Context, InCurrentContext};
pub use identity::Identity;
pub use start::{Config, Guard, Sinks, start};

//! Work that is cut off is seen all the same: a call that takes too long, a caller that goes, a client that hangs up.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::Method;
use shop::Service;
use shop::peer::{PeerError, Peers};
use telemetry::Identity;
use telemetry::span::Tracer;
use telemetry::trace::IdSource;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tracing::field::{Field, Visit};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;

use crate::support::{TestShop, send};
use crate::wire::{address, connect_from};

/// How often a condition is looked at, and for how long before the test fails.
const LOOK_EVERY: Duration = Duration::from_millis(20);
const LOOKS_MAX: usize = 500;

type Fields = BTreeMap<String, String>;

/// Stands for the exporters: the fields of each span that has ended, and of each line of the log.
#[derive(Clone, Default)]
struct Seen {
    spans: Arc<Mutex<Vec<Fields>>>,
    lines: Arc<Mutex<Vec<Fields>>>,
}

struct Collect(Fields);

impl Visit for Collect {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let text = format!("{value:?}").trim_matches('"').to_owned();
        self.0.insert(field.name().to_owned(), text);
    }
}

impl<S: tracing::Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Seen {
    fn on_new_span(
        &self,
        new: &tracing::span::Attributes<'_>,
        id: &tracing::Id,
        ctx: Context<'_, S>,
    ) {
        let mut fields = Collect(Fields::new());
        new.record(&mut fields);
        let kind = new.metadata().name().to_owned();
        fields.0.insert("span".to_owned(), kind);
        ctx.span(id).unwrap().extensions_mut().insert(fields);
    }

    fn on_record(&self, id: &tracing::Id, values: &tracing::span::Record<'_>, ctx: Context<'_, S>) {
        let span = ctx.span(id).unwrap();
        values.record(span.extensions_mut().get_mut::<Collect>().unwrap());
    }

    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let mut fields = Collect(Fields::new());
        event.record(&mut fields);
        self.lines.lock().unwrap().push(fields.0);
    }

    fn on_close(&self, id: tracing::Id, ctx: Context<'_, S>) {
        let span = ctx.span(&id).unwrap();
        let fields = span.extensions_mut().remove::<Collect>().unwrap().0;
        self.spans.lock().unwrap().push(fields);
    }
}

impl Seen {
    /// Watches this thread, which runs everything in a test of these.
    fn start() -> (Self, tracing::subscriber::DefaultGuard) {
        let seen = Seen::default();
        let subscriber = tracing_subscriber::registry().with(seen.clone());
        (seen, tracing::subscriber::set_default(subscriber))
    }

    /// The ended spans of a kind that have this value.
    fn spans(&self, kind: &str, field: &str, value: &str) -> Vec<Fields> {
        let spans = self.spans.lock().unwrap();
        let found = spans.iter().filter(|span| {
            span["span"] == kind && span.get(field).is_some_and(|given| given == value)
        });
        found.cloned().collect()
    }

    /// The one ended span of a call to a peer.
    #[track_caller]
    fn call(&self) -> Fields {
        let calls = self.spans("client", "otel.kind", "client");
        assert_eq!(calls.len(), 1, "{calls:?}");
        calls[0].clone()
    }
}

/// Work as a service does it: what belongs to nobody leaves no span.
async fn at_work<T>(work: impl Future<Output = T>) -> T {
    let gateway = Identity::new("rum-shop-gateway", "test", "1");
    let tracer = Tracer::new(gateway, Arc::new(IdSource::seeded(1)));
    tracer.background().attach(work).await
}

/// Peers of which the cart service takes every connection and never answers.
async fn silent_cart() -> (Peers, TcpListener) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (Peers::new([(Service::Cart, url)].into()), listener)
}

#[track_caller]
fn expect_failed(span: &Fields, kind: &str) {
    assert_eq!(
        span.get("error.type").map(String::as_str),
        Some(kind),
        "{span:?}"
    );
    assert_eq!(
        span.get("otel.status_code").map(String::as_str),
        Some("ERROR"),
        "{span:?}"
    );
}

#[tokio::test]
async fn a_call_that_takes_too_long_is_a_span_with_an_error() {
    let (seen, _watch) = Seen::start();
    let (peers, _listener) = silent_cart().await;
    let told = peers.tell(Service::Cart, Method::DELETE, "/api/cart/x");
    let told = at_work(told).await;
    assert!(matches!(told, Err(PeerError::TimedOut { .. })), "{told:?}");
    expect_failed(&seen.call(), "timeout");
}

#[tokio::test]
async fn an_answer_that_stops_halfway_is_a_span_with_an_error() {
    let (seen, _watch) = Seen::start();
    let (peers, listener) = silent_cart().await;
    let half = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 1024];
        assert!(stream.read(&mut request).await.unwrap() > 0);
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{";
        stream.write_all(head).await.unwrap();
        stream
    });
    let got = peers.get::<serde_json::Value>(Service::Cart, "/api/cart/x");
    let got = at_work(got).await;
    assert!(matches!(got, Err(PeerError::TimedOut { .. })), "{got:?}");
    expect_failed(&seen.call(), "timeout");
    drop(half.await.unwrap());
}

#[tokio::test]
async fn a_call_whose_caller_goes_is_a_span_with_an_error() {
    let (seen, _watch) = Seen::start();
    let (peers, _listener) = silent_cart().await;
    let call = peers.get::<serde_json::Value>(Service::Cart, "/api/cart/x");
    let gone = tokio::time::timeout(Duration::from_millis(50), at_work(call)).await;
    assert!(gone.is_err(), "nobody answers");
    expect_failed(&seen.call(), "cancelled");
}

/// The count of abandoned requests and of their durations, in a service's metrics.
async fn abandoned(shop: &TestShop, service: Service, route: &str) -> (usize, usize) {
    let url = format!("{}/metrics", shop.shop.url(service).unwrap());
    let metrics = send(shop.client.get(url)).await.text;
    let count = |name: &str| {
        let mut lines = metrics.lines().filter(|line| {
            line.starts_with(&format!("{name}{{"))
                && line.contains(&format!("route=\"{route}\""))
                && line.contains("status=\"499\"")
        });
        let value = lines
            .next()
            .and_then(|line| line.rsplit(' ').next())
            .unwrap_or("0");
        value.parse().unwrap()
    };
    (
        count("http_requests_total"),
        count("http_request_duration_seconds_count"),
    )
}

#[tokio::test]
async fn a_client_that_hangs_up_is_counted_logged_and_traced() {
    let (seen, _watch) = Seen::start();
    let shop = TestShop::start_with(|config| {
        config.pipeline.cold_start = Duration::from_secs(60);
    })
    .await;
    let search: SocketAddr = address(&shop, Service::Search);
    let mut client = connect_from(1, search).await;
    let request = b"GET /api/search?q=lamp HTTP/1.1\r\nHost: shop\r\n\r\n";
    client.write_all(request).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    drop(client);
    let mut counted = (0, 0);
    for _ in 0..LOOKS_MAX {
        counted = abandoned(&shop, Service::Search, "/api/search").await;
        if counted != (0, 0) {
            break;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    assert_eq!(counted, (1, 1), "counted, with its duration");
    let lines = seen.lines.lock().unwrap().clone();
    let line = lines.iter().find(|line| {
        line.get("http.response.status_code")
            .is_some_and(|status| status == "499")
    });
    let line = line.expect("a line in the log");
    assert_eq!(line["http.route"], "/api/search");
    let took_ms: f64 = line["duration_ms"].parse().unwrap();
    assert!((50.0..60_000.0).contains(&took_ms), "{line:?}");
    let spans = seen.spans("server", "http.response.status_code", "499");
    assert_eq!(spans.len(), 1, "{spans:?}");
    expect_failed(&spans[0], "abandoned");
    shop.stop().await;
}

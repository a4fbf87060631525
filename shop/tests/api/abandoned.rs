//! Work that is cut off is seen all the same: a call that takes too long, a caller that goes.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::Method;
use shop::Service;
use shop::peer::{PeerError, Peers};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tracing::field::{Field, Visit};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;

type Fields = BTreeMap<String, String>;

/// Stands for the exporters: the fields of each span that has ended.
#[derive(Clone, Default)]
struct Seen {
    spans: Arc<Mutex<Vec<Fields>>>,
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
    let told = peers
        .tell(Service::Cart, Method::DELETE, "/api/cart/x")
        .await;
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
    let got = peers
        .get::<serde_json::Value>(Service::Cart, "/api/cart/x")
        .await;
    assert!(matches!(got, Err(PeerError::TimedOut { .. })), "{got:?}");
    expect_failed(&seen.call(), "timeout");
    drop(half.await.unwrap());
}

#[tokio::test]
async fn a_call_whose_caller_goes_is_a_span_with_an_error() {
    let (seen, _watch) = Seen::start();
    let (peers, _listener) = silent_cart().await;
    let call = peers.get::<serde_json::Value>(Service::Cart, "/api/cart/x");
    let gone = tokio::time::timeout(Duration::from_millis(50), call).await;
    assert!(gone.is_err(), "nobody answers");
    expect_failed(&seen.call(), "cancelled");
}

//! Connections and requests of the OTLP receiver.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::answer::{Encoding, Refusal, Rejected, accepted, refused};
use super::metrics::Converter;
use super::{body, logs, message, spans};
use crate::recording::drops::Reason;
use crate::recording::recorder::{Feed, now_ms};
use crate::recording::signal::Batch;
use crate::recording::yield_to_load;

/// Connections that are open at once; further ones wait in the system's own bounded queue.
const CONNECTIONS_MAX: usize = 64;
/// How long a client may take to send the head of a request, its pauses between two requests included.
const HEAD_MAX: Duration = Duration::from_secs(60);
/// Headers and their bytes.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// How long requests under way are served at the end.
const DRAIN_MAX: Duration = Duration::from_secs(2);
/// How long the server rests when the system gives it no connection.
const REST: Duration = Duration::from_millis(50);

/// A running receiver; dropped, it answers requests under way, stops and is joined.
pub struct OtlpServer {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

/// What requests share.
struct Shared {
    feed: Feed,
    /// Its memory of counters, which only ever tell their sums.
    metrics: Mutex<Converter>,
}

impl OtlpServer {
    /// Listens at `address`, and hands on what comes.
    ///
    /// # Errors
    /// When nothing can listen there.
    pub fn start(address: SocketAddr, feed: Feed) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (stop, stopped) = watch::channel(false);
        let shared = Arc::new(Shared {
            feed,
            metrics: Mutex::new(Converter::new(now_ms())),
        });
        let thread = std::thread::Builder::new()
            .name("otlp".to_owned())
            .spawn(move || runtime.block_on(serve(listener, shared, stopped)))?;
        Ok(Self {
            address,
            stop,
            thread: Some(thread),
        })
    }

    /// Where it listens, as `OTEL_EXPORTER_OTLP_ENDPOINT` names it.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for OtlpServer {
    fn drop(&mut self) {
        // A server that has gone hears nothing.
        let _ = self.stop.send(true);
        if let Some(thread) = self.thread.take() {
            // It does not panic; if it did, there is nothing left to serve.
            let _ = thread.join();
        }
    }
}

async fn serve(
    listener: std::net::TcpListener,
    shared: Arc<Shared>,
    mut stopped: watch::Receiver<bool>,
) {
    yield_to_load();
    let listener = match TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!(%error, "OTLP cannot be received"),
    };
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    let for_each = stopped.clone();
    loop {
        let arrival = async {
            // The semaphore is never closed.
            let place = places.clone().acquire_owned().await.ok();
            (place, listener.accept().await)
        };
        tokio::select! {
            biased;
            _ = stopped.wait_for(|stop| *stop) => break,
            (place, accepted) = arrival => match accepted {
                Ok((stream, _)) => {
                    let connection = connection(stream, shared.clone(), for_each.clone());
                    connections.spawn(async move {
                        connection.await;
                        drop(place);
                    });
                }
                // No descriptor free: that passes.
                Err(_) => tokio::time::sleep(REST).await,
            },
        }
        while connections.try_join_next().is_some() {}
    }
    let drained = async { while connections.join_next().await.is_some() {} };
    // Who is slower than that hears nothing more.
    let _ = tokio::time::timeout(DRAIN_MAX, drained).await;
}

async fn connection(stream: TcpStream, shared: Arc<Shared>, mut stopped: watch::Receiver<bool>) {
    let service = service_fn(move |request| {
        let shared = shared.clone();
        async move { Ok::<_, Infallible>(answered(&shared, request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    tokio::select! {
        // A client that breaks off only harms itself.
        _ = connection.as_mut() => return,
        _ = stopped.wait_for(|stop| *stop) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

async fn answered(shared: &Shared, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let encoding = Encoding::of(request.headers());
    let path = request.uri().path().to_owned();
    let outcome = match (request.method(), path.as_str()) {
        (&Method::POST, "/v1/traces" | "/v1/metrics" | "/v1/logs") => match encoding {
            Some(encoding) => taken(shared, &path, encoding, request).await,
            None => Err(Refusal::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "send application/x-protobuf or application/json",
            )),
        },
        (_, "/v1/traces" | "/v1/metrics" | "/v1/logs") => {
            Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "use POST"))
        }
        _ => Err(Refusal::new(
            StatusCode::NOT_FOUND,
            "there are /v1/traces, /v1/metrics and /v1/logs",
        )),
    };
    let encoding = encoding.unwrap_or(Encoding::Json);
    match outcome {
        Ok(rejected) => accepted(encoding, &path, &rejected),
        Err(refusal) => {
            if refusal.status == StatusCode::BAD_REQUEST {
                shared.feed.drops().add(Reason::Malformed, 1);
            }
            refused(encoding, &refusal)
        }
    }
}

async fn taken(
    shared: &Shared,
    path: &str,
    encoding: Encoding,
    request: Request<Incoming>,
) -> Result<Rejected, Refusal> {
    let bytes = body::read(request).await?;
    message::check(encoding, &bytes)?;
    let (batch, rejected) = match path {
        "/v1/traces" => {
            let (spans, rejected) = spans::spans(message::decode(encoding, &bytes)?);
            (Batch::Spans(spans), rejected)
        }
        "/v1/metrics" => {
            let message = message::decode(encoding, &bytes)?;
            let mut converter = shared
                .metrics
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let (observations, rejected) = converter.observations(message);
            (Batch::Observations(observations), rejected)
        }
        _ => (
            Batch::Logs(logs::lines(message::decode(encoding, &bytes)?, now_ms())),
            Rejected::default(),
        ),
    };
    shared.feed.drops().add(Reason::Unsupported, rejected.count);
    if batch.is_empty() || shared.feed.offer(batch) {
        return Ok(rejected);
    }
    Err(Refusal::new(
        StatusCode::TOO_MANY_REQUESTS,
        "the recording is behind; send it again later",
    ))
}

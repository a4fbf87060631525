//! A target that records every request and answers as a shop might, always the same to the same request. Headers that it is to
//! answer with stand in the query of `/answer`; with a `location` it redirects.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

/// One request as it came over the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Recorded {
    /// Number of the connection.
    pub(crate) connection: u32,
    pub(crate) method: String,
    /// Path and query.
    pub(crate) path: String,
    /// In the order of arrival, names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    /// What is no UTF-8 has a character for each byte.
    pub(crate) body: String,
}

impl Recorded {
    /// A header's value, if it is there once.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(known, _)| known == name);
        let first = found.next();
        assert!(found.next().is_none(), "{name} twice in {self:?}");
        first.map(|(_, value)| value.as_str())
    }

    /// The session that `baggage` names.
    pub(crate) fn session(&self) -> Option<&str> {
        let members = self.header("baggage")?.split(',');
        members
            .filter_map(|member| member.trim().strip_prefix("session.id="))
            .next()
    }
}

/// What preflights are answered with: a status, and headers in place of those that allow all that is asked for.
pub(crate) type Refusal = (u16, &'static [(&'static str, &'static str)]);

/// What a server says to a request, in place of an echo.
pub(crate) type Answer = fn(&Recorded) -> Response<Full<Bytes>>;

/// How a server answers.
#[derive(Clone, Copy)]
struct Manner {
    delay: Duration,
    refusal: Option<Refusal>,
    answer: Answer,
}

const AT_ONCE: Manner = Manner {
    delay: Duration::ZERO,
    refusal: None,
    answer: respond,
};

/// A running echo server; dropped, it stops.
pub(crate) struct Echo {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Recorded>>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Echo {
    /// Answers at once.
    pub(crate) fn start() -> Self {
        Self::with("127.0.0.1", AT_ONCE)
    }

    /// Answers at once, and listens on this address alone.
    pub(crate) fn on(address: &str) -> Self {
        Self::with(address, AT_ONCE)
    }

    /// Answers after a while.
    pub(crate) fn after(delay: Duration) -> Self {
        Self::with("127.0.0.1", Manner { delay, ..AT_ONCE })
    }

    /// Answers preflights in this way.
    pub(crate) fn refusing(refusal: Refusal) -> Self {
        let refusal = Some(refusal);
        Self::with("127.0.0.1", Manner { refusal, ..AT_ONCE })
    }

    /// Records as the others do, and answers at once in this way.
    pub(crate) fn answering(answer: Answer) -> Self {
        Self::with("127.0.0.1", Manner { answer, ..AT_ONCE })
    }

    fn with(on: &str, manner: Manner) -> Self {
        let listener = std::net::TcpListener::bind((on, 0)).expect("a free port");
        let address = listener.local_addr().expect("an address");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (stop, stopped) = oneshot::channel();
        let recorder = seen.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(serve(listener, recorder, manner, stopped));
        });
        Self {
            address,
            seen,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Its base URL.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// Everything so far, in the order of arrival.
    pub(crate) fn seen(&self) -> Vec<Recorded> {
        self.seen.lock().expect("no recorder panicked").clone()
    }

    /// Requests by session, each in the order of arrival.
    pub(crate) fn by_session(&self) -> BTreeMap<String, Vec<Recorded>> {
        let mut sessions: BTreeMap<String, Vec<Recorded>> = BTreeMap::new();
        for request in self.seen() {
            let session = request.session().expect("a session").to_owned();
            sessions.entry(session).or_default().push(request);
        }
        sessions
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        let _ = self.stop.take().map(|stop| stop.send(()));
        let _ = self.thread.take().map(std::thread::JoinHandle::join);
    }
}

async fn serve(
    listener: std::net::TcpListener,
    seen: Arc<Mutex<Vec<Recorded>>>,
    manner: Manner,
    mut stopped: oneshot::Receiver<()>,
) {
    listener.set_nonblocking(true).expect("a socket");
    let listener = tokio::net::TcpListener::from_std(listener).expect("a socket");
    let mut connections = JoinSet::new();
    for number in 0.. {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(_) => continue,
            },
            _ = &mut stopped => break,
        };
        let seen = seen.clone();
        connections.spawn(async move {
            let service = service_fn(|request| answer(number, request, &seen, manner));
            // The client may go when it likes.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
    connections.shutdown().await;
}

async fn answer(
    connection: u32,
    request: Request<Incoming>,
    seen: &Mutex<Vec<Recorded>>,
    manner: Manner,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body
        .collect()
        .await
        .map(|body| body.to_bytes())
        .unwrap_or_default();
    let text =
        |value: &hyper::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let recorded = Recorded {
        connection,
        method: head.method.to_string(),
        path: head
            .uri
            .path_and_query()
            .map(ToString::to_string)
            .unwrap_or_default(),
        headers: head
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), text(value)))
            .collect(),
        body: match std::str::from_utf8(&body) {
            Ok(text) => text.to_owned(),
            Err(_) => body.iter().map(|byte| char::from(*byte)).collect(),
        },
    };
    let response = match recorded.method.as_str() {
        "OPTIONS" => permit(&recorded, manner.refusal),
        _ => (manner.answer)(&recorded),
    };
    seen.lock().expect("no recorder panicked").push(recorded);
    if !manner.delay.is_zero() {
        tokio::time::sleep(manner.delay).await;
    }
    Ok(response)
}

/// The answer to a preflight.
fn permit(asked: &Recorded, refusal: Option<Refusal>) -> Response<Full<Bytes>> {
    let mut response = Response::builder().status(refusal.map_or(204, |(status, _)| status));
    let granted = [
        ("access-control-allow-origin", "origin"),
        (
            "access-control-allow-methods",
            "access-control-request-method",
        ),
        (
            "access-control-allow-headers",
            "access-control-request-headers",
        ),
    ];
    match refusal {
        Some((_, headers)) => {
            for (name, value) in headers {
                response = response.header(*name, *value);
            }
        }
        None => {
            for (name, asked_as) in granted {
                response = response.header(name, asked.header(asked_as).unwrap_or_default());
            }
        }
    }
    response.body(Full::default()).expect("a response")
}

/// Ids in the answer depend on the request alone, so that what shoppers send next can be compared between runs.
fn respond(request: &Recorded) -> Response<Full<Bytes>> {
    let mut hasher = DefaultHasher::new();
    (&request.path, &request.body).hash(&mut hasher);
    let id = format!("{:016x}", hasher.finish());
    let body = serde_json::json!({
        "id": id, "user": { "id": id }, "price": 9.99, "total": 19.98, "status": "succeeded",
        "token": format!("t-{id}"), "accessToken": format!("a-{id}"),
    });
    let created = request.method == "POST" && request.path == "/api/orders";
    let mut response = Response::builder()
        .status(if created { 201 } else { 200 })
        .header("content-type", "application/json");
    if request.path.starts_with("/cookie") {
        response = response.header("set-cookie", format!("visit={id}; Path=/"));
    }
    if request.path.starts_with("/answer?") {
        let url = format!("http://echo{}", request.path);
        let url = url::Url::parse(&url).expect("a path");
        for (name, value) in url.query_pairs() {
            if name == "location" {
                response = response.status(302);
            }
            let value = hyper::header::HeaderValue::from_bytes(value.as_bytes());
            response = response.header(&*name, value.expect("a value"));
        }
    }
    response
        .body(Full::new(Bytes::from(body.to_string())))
        .expect("a response")
}

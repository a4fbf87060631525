//! A real server of HTTP/2, over TLS (where it speaks HTTP/1.1 too, if a client offers no more) or by prior knowledge, that treats
//! requests as it is told and records them. Dropped, it stops.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::tls::{USUAL, config};

/// What becomes of one request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Act {
    /// 200 with this many bytes of body.
    Answer(usize),
    /// The same after a while.
    Late(Duration),
    /// The stream is reset.
    Reset(Reason),
    /// It is answered, and the connection takes no more.
    LastOne,
    /// No answer at all.
    Silence,
    /// The connection is closed.
    Close,
}

/// What is asked before each request is treated: the number of the connection and of the request on it, from 0.
type Treat = fn(u32, u32) -> Act;

/// How the server behaves.
#[derive(Clone, Copy)]
pub(crate) struct Manner {
    pub(crate) tls: bool,
    pub(crate) streams_max: u32,
    pub(crate) treat: Treat,
    /// Asks after the client this long after the connection began.
    pub(crate) pings_after: Option<Duration>,
}

pub(crate) const ANSWERS: Manner = Manner {
    tls: true,
    streams_max: 100,
    treat: |_, _| Act::Answer(2),
    pings_after: None,
};

/// One request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) version: http::Version,
    pub(crate) method: String,
    /// Scheme and authority of HTTP/2, or the path.
    pub(crate) uri: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body_bytes: usize,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(known, _)| known == name);
        found.next().map(|(_, value)| value.as_str())
    }
}

#[derive(Default)]
struct Records {
    seen: Vec<Seen>,
    connections: u32,
    pongs: u32,
}

type Recorder = Arc<Mutex<Records>>;

pub(crate) struct Server {
    address: SocketAddr,
    tls: bool,
    records: Recorder,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Server {
    pub(crate) fn start(manner: Manner) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("a socket");
        let address = listener.local_addr().expect("an address");
        let records = Recorder::default();
        let (stop, stopped) = oneshot::channel();
        let recorder = records.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(serve(listener, manner, recorder, stopped));
        });
        Self {
            address,
            tls: manner.tls,
            records,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    pub(crate) fn url(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://localhost:{}", self.address.port())
    }

    pub(crate) fn authority(&self) -> String {
        format!("localhost:{}", self.address.port())
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.records.lock().expect("no panic").seen.clone()
    }

    pub(crate) fn connections(&self) -> u32 {
        self.records.lock().expect("no panic").connections
    }

    pub(crate) fn pongs(&self) -> u32 {
        self.records.lock().expect("no panic").pongs
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.stop.take().map(|stop| stop.send(()));
        let _ = self.thread.take().map(std::thread::JoinHandle::join);
    }
}

async fn serve(
    listener: std::net::TcpListener,
    manner: Manner,
    records: Recorder,
    mut stopped: oneshot::Receiver<()>,
) {
    let listener = tokio::net::TcpListener::from_std(listener).expect("a socket");
    let mut tls = config(&USUAL);
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    let mut connections = JoinSet::new();
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(_) => continue,
            },
            _ = &mut stopped => break,
        };
        let (acceptor, records) = (acceptor.clone(), records.clone());
        let number = {
            let mut records = records.lock().expect("no panic");
            records.connections += 1;
            records.connections - 1
        };
        connections.spawn(async move {
            if !manner.tls {
                return multiplexed(stream, number, manner, records).await;
            }
            let Ok(stream) = acceptor.accept(stream).await else {
                return;
            };
            match stream.get_ref().1.alpn_protocol() {
                Some(b"h2") => multiplexed(stream, number, manner, records).await,
                _ => single(stream, records).await,
            }
        });
    }
    connections.shutdown().await;
}

async fn single(stream: impl AsyncRead + AsyncWrite + Unpin, records: Recorder) {
    let service = service_fn(|request: Request<hyper::body::Incoming>| {
        let records = records.clone();
        async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await?.to_bytes();
            record(&records, &head, body.len());
            Ok::<_, hyper::Error>(Response::new(Full::new(Bytes::from_static(b"ok"))))
        }
    });
    // The client may go when it likes.
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn multiplexed(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    number: u32,
    manner: Manner,
    records: Recorder,
) {
    let hello = h2::server::Builder::new()
        .max_concurrent_streams(manner.streams_max)
        .handshake(stream);
    let Ok(mut connection) = hello.await else {
        return;
    };
    let mut tasks = JoinSet::new();
    if let (Some(after), Some(mut ping)) = (manner.pings_after, connection.ping_pong()) {
        let records = records.clone();
        tasks.spawn(async move {
            tokio::time::sleep(after).await;
            if ping.ping(h2::Ping::opaque()).await.is_ok() {
                records.lock().expect("no panic").pongs += 1;
            }
        });
    }
    let mut count = 0;
    while let Some(Ok((request, respond))) = connection.accept().await {
        let act = (manner.treat)(number, count);
        count += 1;
        match act {
            Act::Close => return,
            Act::LastOne => connection.graceful_shutdown(),
            _ => {}
        }
        tasks.spawn(treat(act, request, respond, records.clone()));
    }
    tasks.shutdown().await;
}

async fn treat(
    act: Act,
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    records: Recorder,
) {
    let (head, mut body) = request.into_parts();
    let mut length = 0;
    while let Some(Ok(piece)) = body.data().await {
        length += piece.len();
        let _ = body.flow_control().release_capacity(piece.len());
    }
    record(&records, &head, length);
    let bytes = match act {
        Act::Reset(reason) => return respond.send_reset(reason),
        Act::Silence => std::future::pending().await,
        Act::Late(after) => {
            tokio::time::sleep(after).await;
            2
        }
        Act::Answer(bytes) => bytes,
        Act::LastOne | Act::Close => 2,
    };
    let Ok(mut stream) = respond.send_response(Response::new(()), false) else {
        return;
    };
    // The library sends it as the client opens its windows.
    let _ = stream.send_data(Bytes::from(vec![b'x'; bytes]), true);
}

fn record(records: &Recorder, head: &http::request::Parts, body_bytes: usize) {
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = head.headers.iter();
    let seen = Seen {
        version: head.version,
        method: head.method.to_string(),
        uri: head.uri.to_string(),
        headers: headers
            .map(|(name, value)| (name.to_string(), text(value)))
            .collect(),
        body_bytes,
    };
    records.lock().expect("no panic").seen.push(seen);
}

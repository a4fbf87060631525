//! HTTP/1.1 at hyper's connection level, TLS by rustls.
//!
//! Connection and request are driven by the shopper's own task: no task per connection, no channel hop that a scheduler
//! would have to carry, and an idle connection costs memory only.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use ::http::{Request, Response, Uri};
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::either::Either;

use super::deadlines::Deadlines;
use super::pool::{OpenCount, OpenGuard, Pool};
use super::{Answer, Exchange, Failure, Origin, Outgoing, Reading, Transport};
use crate::scenario::Connections;

/// Most that is read ahead on one connection. It bounds an answer's headers, the memory of a connection, and how long one
/// connection that floods can hold up the others of its worker.
const BUFFER_BYTES_MAX: usize = 64 * 1024;

type Stream = Either<TcpStream, TlsStream<TcpStream>>;
type Driver = http1::Connection<TokioIo<Stream>, Full<Bytes>>;

/// Sends requests over HTTP/1.1 for one worker.
pub struct HttpTransport {
    shared: Option<Rc<Pool>>,
    per_shopper_max: usize,
    open: OpenCount,
    deadlines: Deadlines,
    tls: TlsConnector,
}

/// One shopper's connections (or, when they are shared, one worker's).
pub struct Session(Rc<Pool>);

/// One open connection.
pub(super) struct Connection {
    sender: http1::SendRequest<Full<Bytes>>,
    driver: Box<Driver>,
    _open: OpenGuard,
}

impl HttpTransport {
    /// A transport for one of `workers` workers.
    ///
    /// # Errors
    /// When no TLS configuration can be made.
    pub fn new(
        connections: Connections,
        connections_max: u32,
        workers: u32,
    ) -> Result<Self, rustls::Error> {
        let share = |all: u32| all.div_ceil(workers.max(1)).max(1);
        let (shared, per_shopper_max) = match connections {
            Connections::Shared { max } => (Some(Pool::new(share(max) as usize)), 0),
            Connections::PerShopper { max } => (None, usize::from(max)),
        };
        Ok(Self {
            shared,
            per_shopper_max,
            deadlines: Deadlines::default(),
            open: OpenCount::new(share(connections_max)),
            tls: tls_connector()?,
        })
    }

    async fn connect(&self, origin: &Origin) -> Result<Connection, Failure> {
        let guard = self.open.open().ok_or(Failure::OutOfConnections)?;
        let address = origin
            .address()
            .await
            .map_err(|e| Failure::of_io(&e, Failure::Dns))?;
        let tcp = TcpStream::connect(address).await.map_err(|e| {
            match Failure::of_io(&e, Failure::Connect) {
                Failure::Reset => Failure::Connect,
                other => other,
            }
        })?;
        // Requests are small and written whole; waiting for more to send would only add delay.
        let _ = tcp.set_nodelay(true);
        let stream = match origin.tls {
            false => Either::Left(tcp),
            true => Either::Right(self.handshake(origin, tcp).await?),
        };
        let (sender, driver) = http1::Builder::new()
            .max_buf_size(BUFFER_BYTES_MAX)
            // Requests are small: one plain write costs less than a vector of one piece.
            .writev(false)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|e| failure_of(&e))?;
        Ok(Connection {
            sender,
            driver: Box::new(driver),
            _open: guard,
        })
    }

    async fn handshake(
        &self,
        origin: &Origin,
        tcp: TcpStream,
    ) -> Result<TlsStream<TcpStream>, Failure> {
        let name = origin.server_name().ok_or(Failure::Tls)?;
        self.tls
            .connect(name, tcp)
            .await
            .map_err(|e| Failure::of_io(&e, Failure::Tls))
    }

    /// One attempt on a kept connection, if there is one that still works, and else on a new one.
    async fn attempt(
        &self,
        pool: &Pool,
        outgoing: &Outgoing,
        reading: &Reading,
        sent: &mut Option<Instant>,
    ) -> Result<Answer, Failure> {
        loop {
            let (mut connection, reused) = match pool.take(&outgoing.origin) {
                Some(kept) => (kept, true),
                // Boxed: rare, and large with its TLS handshake.
                None => (Box::pin(self.connect(&outgoing.origin)).await?, false),
            };
            if !connection.ready().await {
                continue_or_fail(reused)?;
                continue;
            }
            sent.get_or_insert_with(Instant::now);
            match connection.send(request(outgoing), reading).await {
                Ok(answer) => {
                    // One that the target closes shows it when it is taken again.
                    pool.put(outgoing.origin.clone(), connection);
                    return Ok(answer);
                }
                // A server may close a kept connection at the very moment we use it. What was never written, or may be
                // repeated without harm (RFC 9110, 9.2.2), goes out again on another connection; the clock keeps running.
                Err(Attempt::NotProcessed(_)) if reused => {}
                Err(Attempt::Unanswered(_)) if reused && outgoing.method.is_idempotent() => {}
                Err(
                    Attempt::NotProcessed(failure)
                    | Attempt::Unanswered(failure)
                    | Attempt::Failed(failure),
                ) => return Err(failure),
            }
        }
    }
}

fn continue_or_fail(reused: bool) -> Result<(), Failure> {
    if reused { Ok(()) } else { Err(Failure::Closed) }
}

impl Transport for HttpTransport {
    type Session = Session;

    fn session(&self) -> Session {
        Session(
            self.shared
                .clone()
                .unwrap_or_else(|| Pool::new(self.per_shopper_max)),
        )
    }

    async fn exchange(&self, session: &Session, outgoing: &Outgoing, reading: Reading) -> Exchange {
        let asked = Instant::now();
        let mut sent = None;
        let work = async {
            let _permit = session.0.permit().await;
            self.attempt(&session.0, outgoing, &reading, &mut sent)
                .await
        };
        let result = self.deadlines.limit(reading.deadline, work).await;
        let result = result.unwrap_or(Err(Failure::Timeout));
        let done = Instant::now();
        Exchange {
            asked,
            sent: sent.unwrap_or(done),
            done,
            result,
        }
    }

    fn upkeep(&self) -> impl Future<Output = ()> + 'static {
        self.deadlines.clone().sweep()
    }

    fn connections_open(&self) -> u32 {
        self.open.get()
    }
}

fn request(outgoing: &Outgoing) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(outgoing.body.clone()));
    *request.method_mut() = outgoing.method.clone();
    *request.uri_mut() = Uri::from(outgoing.path.clone());
    *request.headers_mut() = outgoing.headers.clone();
    request
}

/// How an attempt on one connection failed.
enum Attempt {
    /// The connection was gone before the request was written.
    NotProcessed(Failure),
    /// The connection was lost after the request was written and before an answer began.
    Unanswered(Failure),
    /// It failed in a way that must be counted.
    Failed(Failure),
}

impl Connection {
    /// Whether the connection can take a request.
    async fn ready(&mut self) -> bool {
        poll_fn(|cx| {
            if self.drive(cx).is_err() {
                return Poll::Ready(false);
            }
            self.sender.poll_ready(cx).map(|ready| ready.is_ok())
        })
        .await
    }

    /// Moves bytes. `Err` when the connection has ended.
    fn drive(&mut self, cx: &mut Context<'_>) -> Result<(), Option<hyper::Error>> {
        match Pin::new(&mut *self.driver).poll(cx) {
            Poll::Pending => Ok(()),
            Poll::Ready(Ok(())) => Err(None),
            Poll::Ready(Err(error)) => Err(Some(error)),
        }
    }

    async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
        reading: &Reading,
    ) -> Result<Answer, Attempt> {
        let response = self.head(request).await?;
        let (head, body) = response.into_parts();
        let keep = if head.status.as_u16() < 400 {
            reading.keep_bytes
        } else {
            reading.keep_error_bytes
        };
        let (body, body_bytes) = self
            .body(body, keep, reading.body_bytes_max)
            .await
            .map_err(Attempt::Failed)?;
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            body,
            body_bytes,
        })
    }

    async fn head(&mut self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, Attempt> {
        let mut answer = pin!(self.sender.send_request(request));
        let driver = &mut self.driver;
        let mut ended = None;
        let answer = poll_fn(|cx| {
            // Only the driver's progress can complete the answer, so only the driver needs to wake this task.
            if ended.is_none()
                && let Poll::Ready(end) = Pin::new(&mut **driver).poll(cx)
            {
                ended = Some(end);
            }
            answer
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()))
        });
        // The connection's own error says more than 'cancelled'.
        answer.await.map_err(|error| match ended {
            Some(Err(cause)) => attempt_of(&error, failure_of(&cause)),
            _ => attempt_of(&error, failure_of(&error)),
        })
    }

    async fn body(
        &mut self,
        mut body: Incoming,
        keep: usize,
        bytes_max: u64,
    ) -> Result<(Bytes, u64), Failure> {
        let mut kept = Kept::default();
        while let Some(chunk) = self.frame(&mut body).await? {
            kept.total += chunk.len() as u64;
            if kept.total > bytes_max {
                return Err(Failure::BodyTooLarge);
            }
            kept.add(chunk, keep);
        }
        Ok((kept.finish(), kept.total))
    }

    /// The next piece of the body, or `None` at its end.
    async fn frame(&mut self, body: &mut Incoming) -> Result<Option<Bytes>, Failure> {
        let mut ended = false;
        loop {
            let frame = poll_fn(|cx| {
                let noop = &mut Context::from_waker(Waker::noop());
                let first = Pin::new(&mut *body).poll_frame(noop);
                if first.is_ready() || ended {
                    return first;
                }
                ended = self.drive(cx).is_err();
                Pin::new(&mut *body).poll_frame(noop)
            });
            match frame.await {
                None => return Ok(None),
                Some(Err(error)) => return Err(failure_of(&error)),
                // Trailers carry nothing for us.
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => return Ok(Some(data)),
                    Err(_) => continue,
                },
            }
        }
    }
}

/// The kept part of a body: one chunk stays as it came, more are joined.
#[derive(Default)]
struct Kept {
    first: Bytes,
    joined: Vec<u8>,
    total: u64,
}

impl Kept {
    fn add(&mut self, mut chunk: Bytes, keep: usize) {
        let have = self.first.len().max(self.joined.len());
        chunk.truncate(keep.saturating_sub(have));
        if have == 0 {
            self.first = chunk;
            return;
        }
        if self.joined.is_empty() {
            self.joined.extend_from_slice(&self.first);
        }
        self.joined.extend_from_slice(&chunk);
    }

    fn finish(&mut self) -> Bytes {
        if self.joined.is_empty() {
            std::mem::take(&mut self.first)
        } else {
            std::mem::take(&mut self.joined).into()
        }
    }
}

fn attempt_of(error: &hyper::Error, failure: Failure) -> Attempt {
    match failure {
        Failure::NotHttp | Failure::Timeout | Failure::BadRequest => Attempt::Failed(failure),
        _ if error.is_canceled() => Attempt::NotProcessed(failure),
        _ => Attempt::Unanswered(failure),
    }
}

fn failure_of(error: &hyper::Error) -> Failure {
    if error.is_parse() || error.is_parse_too_large() {
        return Failure::NotHttp;
    }
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        if let Some(io) = inner.downcast_ref::<std::io::Error>() {
            return match io.kind() {
                // How hyper reports broken chunks.
                std::io::ErrorKind::InvalidInput | std::io::ErrorKind::InvalidData => {
                    Failure::NotHttp
                }
                _ => Failure::of_io(io, Failure::Closed),
            };
        }
        cause = inner.source();
    }
    if error.is_user() {
        Failure::BadRequest
    } else {
        Failure::Closed
    }
}

fn tls_connector() -> Result<TlsConnector, rustls::Error> {
    let roots = rustls::RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

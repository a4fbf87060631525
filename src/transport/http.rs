//! HTTP/1.1 over connections that are kept, TLS by rustls.

use std::cell::Cell;
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::connect::Reached;
use super::connection::{Answered, Attempt, Buffers, Connection, Stream};
use super::counted::OpenCount;
use super::deadlines::Deadlines;
use super::pool::Pool;
use super::stamped::StampedTcp;
use super::tls::{ClientTls, TlsFailure, WorkerTls};
use super::{Exchange, Failure, Origin, Outgoing, Reading, Transport};
use crate::scenario::{self, ConnectTo, Connections};

/// Sends requests over HTTP/1.1 for one worker.
pub struct HttpTransport {
    shared: Option<Rc<Pool>>,
    per_shopper_max: usize,
    open: OpenCount,
    deadlines: Deadlines,
    buffers: Buffers,
    deferrable: Cell<u32>,
    reached: Reached,
    /// Where connections really go.
    connect_to: Vec<ConnectTo>,
    tls: WorkerTls,
}

/// How far an exchange has come.
#[derive(Default)]
struct UnderWay {
    /// When it was first handed to a connection.
    sent: Option<Instant>,
    /// Whether it went out again.
    resent: bool,
}

/// One shopper's connections (or, when they are shared, one worker's).
pub struct Session(Rc<Pool>);

impl HttpTransport {
    /// A transport for one of `workers` workers.
    pub fn new(
        settings: &scenario::Http,
        connections_max: u32,
        workers: u32,
        tls: Arc<ClientTls>,
    ) -> Self {
        let share = |all: u32| all.div_ceil(workers.max(1)).max(1);
        let (shared, per_shopper_max) = match settings.connections {
            Connections::Shared { max } => (Some(Pool::new(share(max) as usize)), 0),
            Connections::PerShopper { max } => (None, usize::from(max)),
        };
        Self {
            shared,
            per_shopper_max,
            deadlines: Deadlines::default(),
            buffers: Buffers::default(),
            deferrable: Cell::new(0),
            reached: Reached::default(),
            open: OpenCount::new(share(connections_max)),
            connect_to: settings.connect_to.clone(),
            tls: WorkerTls::new(tls),
        }
    }

    async fn connect(&self, origin: &Origin) -> Result<Connection, Failure> {
        let guard = self.open.open().ok_or(Failure::OutOfConnections)?;
        let addresses = origin
            .addresses(&self.connect_to)
            .await
            .map_err(|e| Failure::of_io(&e, Failure::Dns))?;
        let tcp = addresses.connect(&self.reached).await?;
        let stream = match origin.tls {
            false => Stream::Plain(StampedTcp::new(tcp)),
            true => Stream::Tls(Box::new(self.handshake(origin, tcp).await?)),
        };
        Ok(Connection::new(stream, guard))
    }

    async fn handshake(
        &self,
        origin: &Origin,
        tcp: TcpStream,
    ) -> Result<TlsStream<TcpStream>, Failure> {
        let other = Failure::Tls(TlsFailure::Other);
        let name = origin.server_name().ok_or(other)?;
        let connector = self.tls.connector().ok_or(other)?;
        let connected = connector.connect(name, tcp).await;
        connected.map_err(|error| match Failure::of_io(&error, other) {
            Failure::Closed => Failure::Tls(TlsFailure::Closed),
            other => other,
        })
    }

    /// One attempt on a kept connection, if there is one that still works, and else on a new one.
    async fn attempt(
        &self,
        pool: &Pool,
        outgoing: &Outgoing,
        reading: &Reading,
        under_way: &mut UnderWay,
    ) -> Result<Answered, Failure> {
        loop {
            let (mut connection, reused) = match pool.take(&outgoing.origin) {
                Some(kept) => (kept, true),
                // Boxed: rare, and large with its TLS handshake.
                None => (Box::pin(self.connect(&outgoing.origin)).await?, false),
            };
            if reused && !connection.is_quiet(&self.buffers) {
                continue;
            }
            under_way.sent.get_or_insert_with(Instant::now);
            let exchange = connection.exchange(outgoing, reading, &self.buffers, &self.deferrable);
            match exchange.await {
                Ok(answered) => {
                    if answered.reusable {
                        pool.put(outgoing.origin.clone(), connection);
                    }
                    return Ok(answered);
                }
                // A server may close a kept connection at the very moment we use it. What was never written, or may be
                // repeated without harm (RFC 9110, 9.2.2), goes out again on another connection; the clock keeps running.
                Err(Attempt::NotProcessed(_)) if reused => {}
                Err(Attempt::Unanswered(_)) if reused && outgoing.method.is_idempotent() => {
                    under_way.resent = true;
                }
                Err(
                    Attempt::NotProcessed(failure)
                    | Attempt::Unanswered(failure)
                    | Attempt::Failed(failure),
                ) => return Err(failure),
            }
        }
    }
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
        let mut under_way = UnderWay::default();
        let work = async {
            let _permit = session.0.permit().await;
            self.attempt(&session.0, outgoing, &reading, &mut under_way)
                .await
        };
        let result = self.deadlines.limit(reading.deadline, work).await;
        let (done, result) = match result {
            Some(Ok(answered)) => (answered.done, Ok(answered.answer)),
            Some(Err(failure)) => (Instant::now(), Err(failure)),
            None => (Instant::now(), Err(Failure::Timeout)),
        };
        let sent = under_way.sent.unwrap_or(done);
        Exchange {
            asked,
            sent,
            // A clock set back between stamp and reading must not make time run backwards.
            done: done.max(sent),
            result,
            resent: under_way.resent,
        }
    }

    fn upkeep(&self) -> impl Future<Output = ()> + 'static {
        self.deadlines.clone().sweep()
    }

    fn deferrable(&self) -> u32 {
        self.deferrable.get()
    }

    fn connections_open(&self) -> u32 {
        self.open.get()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::time::Duration;

    use ::http::{HeaderMap, Method, uri::PathAndQuery};

    use super::*;

    /// How many exchanges are patient while one waits for its answer.
    fn deferrable_while_waiting(may_defer: bool) -> u32 {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = url::Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let (asked, was_asked) = tokio::sync::oneshot::channel();
        let (answer, may_answer) = std::sync::mpsc::channel();
        let server = std::thread::spawn(move || {
            let (mut tcp, _) = listener.accept().unwrap();
            assert!(tcp.read(&mut [0; 1_000]).unwrap() > 0);
            asked.send(()).unwrap();
            may_answer.recv().unwrap();
            tcp.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
        });
        let deferrable = crate::runtime::local_runtime().unwrap().block_on(async {
            let (world, _) = crate::shopper::fixture::world(crate::shopper::fixture::scenario(1));
            let mut settings = world.scenario().http.clone();
            settings.connections = Connections::Shared { max: 1 };
            let tls = Arc::new(ClientTls::new(&settings.tls));
            let transport = HttpTransport::new(&settings, 1, 1, tls);
            let outgoing = Outgoing {
                origin: Arc::new(Origin::of_url(&url).unwrap()),
                method: Method::GET,
                path: PathAndQuery::from_static("/"),
                headers: HeaderMap::new(),
                body: bytes::Bytes::new(),
            };
            let reading = Reading {
                deadline: Instant::now() + Duration::from_secs(60),
                body_bytes_max: 0,
                keep_bytes: 0,
                keep_error_bytes: 0,
                may_defer,
            };
            let session = transport.session();
            let exchange = transport.exchange(&session, &outgoing, reading);
            let look = async {
                was_asked.await.unwrap();
                let deferrable = transport.deferrable();
                answer.send(()).unwrap();
                deferrable
            };
            let (exchange, deferrable) = tokio::join!(exchange, look);
            assert!(exchange.result.is_ok());
            assert_eq!(transport.deferrable(), 0, "none is left");
            deferrable
        });
        server.join().unwrap();
        deferrable
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn an_exchange_is_deferrable_while_it_waits_for_an_answer_that_may_be_read_late() {
        assert_eq!(deferrable_while_waiting(true), 1);
        assert_eq!(deferrable_while_waiting(false), 0);
    }
}

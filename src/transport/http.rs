//! HTTP over connections that are kept: one request at a time on each (HTTP/1.1), or many (HTTP/2).

use std::cell::Cell;
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use super::attempt::{Answered, Attempt};
use super::connection::{Buffers, Connection};
use super::deadlines::Deadlines;
use super::http2::Http2;
use super::opener::{Opened, Opener};
use super::pool::Pool;
use super::spoken::SpokenCount;
use super::tls::ClientTls;
use super::{Exchange, Failure, Outgoing, Protocols, Reading, Transport};
use crate::scenario::{self, Connections};

/// How often one request is handed to a connection that turns out not to take it.
const ATTEMPTS_MAX: u32 = 5;

/// Sends requests over HTTP for one worker.
pub struct HttpTransport {
    shared: Option<Rc<Pool>>,
    per_shopper_max: usize,
    deadlines: Deadlines,
    buffers: Buffers,
    deferrable: Cell<u32>,
    spoken: SpokenCount,
    opener: Opener,
}

/// How far an exchange has come.
#[derive(Default)]
struct UnderWay {
    /// When it was first handed to a connection.
    sent: Option<Instant>,
    /// Whether it went out again.
    resent: bool,
}

/// What a request may travel by.
enum Way {
    /// A connection for many, and whether it was there already.
    Shared(Rc<Http2>, bool),
    /// One for it alone: this new one, or one that the pool has or gets.
    Alone(Option<Connection>),
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
            Connections::Shared { max } => (Some(Pool::shared(share(max) as usize)), 0),
            Connections::PerShopper { max } => (None, usize::from(max)),
        };
        Self {
            shared,
            per_shopper_max,
            deadlines: Deadlines::default(),
            buffers: Buffers::default(),
            deferrable: Cell::new(0),
            spoken: SpokenCount::default(),
            opener: Opener::new(settings, share(connections_max), tls),
        }
    }

    async fn attempt(
        &self,
        pool: &Pool,
        outgoing: &Outgoing,
        reading: &Reading,
        under_way: &mut UnderWay,
    ) -> Result<Answered, Failure> {
        loop {
            let mut new = None;
            if self.opener.may_multiplex(&outgoing.origin) {
                // Boxed, so that shoppers whose target speaks HTTP/1.1 do not carry its state.
                let shared = Box::pin(self.attempt_shared(pool, outgoing, reading, under_way));
                match shared.await? {
                    Ok(answered) => return Ok(answered),
                    Err(connection) => new = connection,
                }
            }
            let _permit = pool.permit().await;
            let alone = self.attempt_alone(pool, outgoing, reading, under_way, new);
            if let Some(answered) = alone.await? {
                return Ok(answered);
            }
        }
    }

    /// One attempt on a kept connection, if there is one that still works, and else on a new one. `None` if that turns out to be
    /// one for many.
    async fn attempt_alone(
        &self,
        pool: &Pool,
        outgoing: &Outgoing,
        reading: &Reading,
        under_way: &mut UnderWay,
        mut new: Option<Connection>,
    ) -> Result<Option<Answered>, Failure> {
        loop {
            let kept = match new {
                Some(_) => None,
                None => pool.take(&outgoing.origin),
            };
            let (mut connection, reused) = match (new.take(), kept) {
                (Some(new), _) => (new, false),
                (None, Some(kept)) => (kept, true),
                // Boxed: rare, and large with its TLS handshake.
                (None, None) => match Box::pin(self.opener.open(&outgoing.origin)).await? {
                    Opened::Single(new) => (new, false),
                    Opened::Multiplexed(http2) => {
                        outgoing.origin.forget_http1();
                        pool.keep(outgoing.origin.clone(), http2);
                        return Ok(None);
                    }
                },
            };
            if reused && !connection.is_quiet(&self.buffers) {
                continue;
            }
            under_way.sent.get_or_insert_with(Instant::now);
            let exchange = connection.exchange(outgoing, reading, &self.buffers, &self.deferrable);
            match exchange.await {
                Ok(answered) => {
                    self.spoken.add(connection.spoken);
                    if answered.reusable {
                        pool.put(outgoing.origin.clone(), connection);
                    }
                    return Ok(Some(answered));
                }
                // A server may close a kept connection at the very moment we use it. What was never written, or may be
                // repeated without harm (RFC 9110, 9.2.2), goes out again on another connection; the clock keeps running.
                Err(Attempt::NotProcessed(_)) if reused => {}
                Err(Attempt::Unanswered(_)) if reused && outgoing.method.is_idempotent() => {
                    under_way.resent = true;
                }
                Err(attempt) => return Err(attempt.failure()),
            }
        }
    }

    /// The same on a connection for many. `Err` if the target has none; perhaps with a new one for one request at a time.
    async fn attempt_shared(
        &self,
        pool: &Pool,
        outgoing: &Outgoing,
        reading: &Reading,
        under_way: &mut UnderWay,
    ) -> Result<Result<Answered, Option<Connection>>, Failure> {
        let mut failed = Failure::GoAway;
        for _ in 0..ATTEMPTS_MAX {
            let (http2, reused) = match self.way(pool, outgoing).await? {
                Way::Shared(http2, reused) => (http2, reused),
                Way::Alone(connection) => return Ok(Err(connection)),
            };
            match http2.exchange(outgoing, reading, &mut under_way.sent).await {
                Ok(answered) => {
                    self.spoken.add(http2.spoken);
                    return Ok(Ok(answered));
                }
                // So the target says, whatever the method.
                Err(Attempt::NotProcessed(failure)) => failed = failure,
                Err(Attempt::Unanswered(failure)) if reused && outgoing.method.is_idempotent() => {
                    under_way.resent = true;
                    failed = failure;
                }
                Err(attempt) => return Err(attempt.failure()),
            }
        }
        Err(failed)
    }

    /// Finds or opens what the request may travel by. Until a target has shown what it speaks, one connection to it is opened at a
    /// time: most likely it will do for all.
    async fn way(&self, pool: &Pool, outgoing: &Outgoing) -> Result<Way, Failure> {
        let origin = &outgoing.origin;
        loop {
            if let Some(http2) = pool.multiplexed(origin) {
                return Ok(Way::Shared(http2, true));
            }
            if !self.opener.may_multiplex(origin) || pool.has(origin) {
                return Ok(Way::Alone(None));
            }
            let Some(_opening) = pool.opening(origin) else {
                pool.opened().await;
                continue;
            };
            return Ok(match Box::pin(self.opener.open(origin)).await? {
                Opened::Single(new) => Way::Alone(Some(new)),
                Opened::Multiplexed(http2) => {
                    pool.keep(origin.clone(), http2.clone());
                    Way::Shared(http2, false)
                }
            });
        }
    }
}

impl Transport for HttpTransport {
    type Session = Session;

    fn session(&self) -> Session {
        Session(
            self.shared
                .clone()
                .unwrap_or_else(|| Pool::of_shopper(self.per_shopper_max)),
        )
    }

    async fn exchange(&self, session: &Session, outgoing: &Outgoing, reading: Reading) -> Exchange {
        let asked = Instant::now();
        let mut under_way = UnderWay::default();
        let work = self.attempt(&session.0, outgoing, &reading, &mut under_way);
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
        let (sweep, tend) = (self.deadlines.clone().sweep(), self.opener.tending.clone());
        async move {
            tokio::join!(sweep, tend.tend());
        }
    }

    fn deferrable(&self) -> u32 {
        self.deferrable.get()
    }

    fn connections_open(&self) -> u32 {
        self.opener.count.get()
    }

    fn take_protocols(&self) -> Protocols {
        self.spoken.take()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::time::Duration;

    use ::http::{HeaderMap, Method, uri::PathAndQuery};

    use super::*;
    use crate::transport::Origin;

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
            let tls = Arc::new(ClientTls::new(&settings));
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

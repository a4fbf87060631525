//! The body of a request as its client sends it: at a lowest speed, and with an error that says whose fault it is when it
//! does not come whole. A client's mistake must never look like the shop's.

use std::error::Error;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::{Request, header};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::body::{Body as _, Frame, SizeHint};
use tokio::sync::oneshot;
use tokio::time::{Instant, Sleep, sleep_until, timeout, timeout_at};

use super::activity::Activity;
use super::limits::ConnectionLimits;

/// What is read of a body that nobody wanted, so that the answer does not get lost in a reset connection.
const UNREAD_BYTES_MAX: usize = 512 * 1024;
/// How long that may take.
const UNREAD_TIMEOUT: Duration = Duration::from_millis(500);

/// Why a body did not come whole; always the sender's doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyFault {
    /// It came slower than the shop waits for.
    #[error("the body came too slowly")]
    TooSlow,
    /// It was not what its head announced, or the client hung up.
    #[error("the body was cut off or is not well-formed")]
    Broken,
}

impl BodyFault {
    /// The fault at the root of an error, if there is one.
    pub fn of(error: &(dyn Error + 'static)) -> Option<BodyFault> {
        match error.downcast_ref::<BodyFault>() {
            Some(fault) => Some(*fault),
            None => BodyFault::of(error.source()?),
        }
    }
}

/// How the client is getting on with its body; in the extensions of a request that has one.
#[derive(Clone, Debug)]
pub struct Pace(Arc<Waits>);

#[derive(Debug)]
struct Waits {
    begun: Instant,
    /// Since when the client is waited for, in microseconds after `begun`; 0 while it is not.
    since_us: AtomicU64,
    /// For how long it was waited for before.
    waited_us: AtomicU64,
    fault: OnceLock<BodyFault>,
}

impl Pace {
    fn new() -> Self {
        Pace(Arc::new(Waits {
            begun: Instant::now(),
            since_us: AtomicU64::new(0),
            waited_us: AtomicU64::new(0),
            fault: OnceLock::new(),
        }))
    }

    fn now_us(&self) -> u64 {
        let passed = self.0.begun.elapsed().as_micros();
        u64::try_from(passed).unwrap_or(u64::MAX).max(1)
    }

    /// For how long the client was waited for until now.
    pub fn waited(&self) -> Duration {
        let since = self.0.since_us.load(Ordering::Relaxed);
        let now = match since {
            0 => 0,
            since => self.now_us().saturating_sub(since),
        };
        Duration::from_micros(now + self.0.waited_us.load(Ordering::Relaxed))
    }

    /// What became of the body, if it did not come whole.
    pub fn fault(&self) -> Option<BodyFault> {
        self.0.fault.get().copied()
    }

    fn begin_to_wait(&self) {
        if self.0.since_us.load(Ordering::Relaxed) == 0 {
            self.0.since_us.store(self.now_us(), Ordering::Relaxed);
        }
    }

    fn end_to_wait(&self) {
        let waited = u64::try_from(self.waited().as_micros()).unwrap_or(u64::MAX);
        self.0.waited_us.store(waited, Ordering::Relaxed);
        self.0.since_us.store(0, Ordering::Relaxed);
    }
}

/// Runs `work` for at most `limit`, not counting the time in which the client of `pace` was waited for.
pub async fn within_limit<T>(
    limit: Duration,
    pace: Option<&Pace>,
    work: impl Future<Output = T>,
) -> Option<T> {
    let begun = Instant::now();
    let before = pace.map_or(Duration::ZERO, Pace::waited);
    let mut work = pin!(work);
    loop {
        let waited = pace.map_or(Duration::ZERO, |pace| pace.waited() - before);
        let deadline = begun + limit + waited;
        if let Ok(done) = timeout_at(deadline, work.as_mut()).await {
            return Some(done);
        }
        let waited = pace.map_or(Duration::ZERO, |pace| pace.waited() - before);
        if begun + limit + waited <= Instant::now() {
            return None;
        }
    }
}

/// Puts a watch on the request's body. What is left unread when the routes drop it can be drained afterwards.
pub(super) fn paced(
    request: Request<Incoming>,
    limits: &ConnectionLimits,
    activity: &Arc<Activity>,
) -> (Request<Body>, Unread) {
    let (mut parts, incoming) = request.into_parts();
    if incoming.is_end_stream() {
        return (Request::from_parts(parts, Body::empty()), Unread(None));
    }
    let pace = Pace::new();
    parts.extensions.insert(pace.clone());
    let (give_back, given_back) = oneshot::channel();
    let body = PacedBody {
        incoming: Some(incoming),
        // A client that waits for a go-ahead sends nothing that would have to be drained.
        asked_for: !parts.headers.contains_key(header::EXPECT),
        received_bytes: 0,
        grace: limits.body_grace,
        bytes_per_s_min: limits.body_bytes_per_s_min.max(1),
        timer: None,
        pace,
        activity: Arc::clone(activity),
        give_back: Some(give_back),
    };
    (
        Request::from_parts(parts, Body::new(body)),
        Unread(Some(given_back)),
    )
}

/// What the routes did not read of a body, once they have dropped it.
pub(super) struct Unread(Option<oneshot::Receiver<Incoming>>);

impl Unread {
    /// Reads on for a moment: an answer that is followed by a reset is lost at the other end.
    pub(super) async fn drain(self) {
        let Some(Ok(mut incoming)) = self.0.map(|mut given_back| given_back.try_recv()) else {
            return;
        };
        let drain = async {
            let mut left = UNREAD_BYTES_MAX;
            while let Some(Ok(frame)) = incoming.frame().await {
                left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
                if left == 0 {
                    break;
                }
            }
        };
        // What is not here by then is not waited for.
        drop(timeout(UNREAD_TIMEOUT, drain).await);
    }
}

/// A body that has to come at a lowest speed. Only the time in which it is waited for counts.
struct PacedBody {
    incoming: Option<Incoming>,
    asked_for: bool,
    received_bytes: u64,
    grace: Duration,
    bytes_per_s_min: u32,
    timer: Option<Pin<Box<Sleep>>>,
    pace: Pace,
    activity: Arc<Activity>,
    give_back: Option<oneshot::Sender<Incoming>>,
}

impl PacedBody {
    fn fail(&mut self, fault: BodyFault) -> BodyFault {
        self.incoming = None;
        // The first fault is the cause of all others.
        *self.pace.0.fault.get_or_init(|| fault)
    }

    /// How long the client may be waited for altogether, by what it has sent.
    fn patience(&self) -> Duration {
        let micros =
            self.received_bytes.saturating_mul(1_000_000) / u64::from(self.bytes_per_s_min);
        self.grace + Duration::from_micros(micros)
    }

    /// Ready when the client has been waited for too long.
    fn poll_overdue(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let left = self.patience().saturating_sub(self.pace.waited());
        if left.is_zero() {
            return Poll::Ready(());
        }
        let deadline = Instant::now() + left;
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        timer.as_mut().reset(deadline);
        timer.as_mut().poll(cx)
    }
}

impl hyper::body::Body for PacedBody {
    type Data = Bytes;
    type Error = BodyFault;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        self.asked_for = true;
        let Some(incoming) = &mut self.incoming else {
            return Poll::Ready(self.pace.fault().map(Err));
        };
        let Poll::Ready(frame) = Pin::new(incoming).poll_frame(cx) else {
            self.pace.begin_to_wait();
            self.activity.owes_body(true);
            ready!(self.poll_overdue(cx));
            return Poll::Ready(Some(Err(self.fail(BodyFault::TooSlow))));
        };
        self.pace.end_to_wait();
        self.activity.owes_body(false);
        match frame {
            Some(Ok(frame)) => {
                self.received_bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
                Poll::Ready(Some(Ok(frame)))
            }
            Some(Err(_)) => Poll::Ready(Some(Err(self.fail(BodyFault::Broken)))),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.incoming {
            Some(incoming) => incoming.is_end_stream(),
            None => self.pace.fault().is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming
            .as_ref()
            .map_or_else(SizeHint::default, Incoming::size_hint)
    }
}

impl Drop for PacedBody {
    fn drop(&mut self) {
        self.pace.end_to_wait();
        self.activity.owes_body(false);
        let Some(incoming) = self.incoming.take() else {
            return;
        };
        if let Some(give_back) = self.give_back.take()
            && self.asked_for
            && !incoming.is_end_stream()
        {
            // Nobody takes it back when the connection is gone already.
            drop(give_back.send(incoming));
        }
    }
}

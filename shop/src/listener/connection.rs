//! One connection, from its first byte to its end: requests go to the routes, and whoever keeps the shop waiting is cut off.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use hyper::body::Incoming;
use hyper::body::{Frame, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, Sleep, sleep_until};
use tower::Service as _;

use super::activity::{Activity, Phase, RequestGuard};
use super::limits::ConnectionLimits;
use super::stream::ObservedStream;
use super::{ClientAddress, body, told_to_stop};

/// Why a connection ended that was not simply over.
#[derive(Debug, thiserror::Error)]
enum Cut {
    #[error("{0}")]
    Http(#[from] hyper::Error),
    #[error("the client took too long ({0:?})")]
    TooSlow(Phase),
    #[error("its place was needed")]
    Evicted,
}

/// Serves one connection until it ends by itself, overstays a limit, is evicted, or the shop stops and its request is done.
pub(super) async fn serve(
    stream: TcpStream,
    address: SocketAddr,
    activity: Arc<Activity>,
    app: Router,
    limits: &ConnectionLimits,
    stopped: &mut watch::Receiver<bool>,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot set TCP_NODELAY");
    }
    let answering = Answering {
        app,
        address,
        activity: Arc::clone(&activity),
        limits: *limits,
    };
    let stream = ObservedStream::new(stream, Arc::clone(&activity));
    let connection = http1::Builder::new()
        // Its timer makes no difference between a head that is on its way and a connection that rests.
        .header_read_timeout(None)
        .max_buf_size(limits.head_bytes_max)
        .max_headers(limits.headers_max)
        .serve_connection(
            TokioIo::new(stream),
            service_fn(move |request| answering.answer(request)),
        );
    let connection = pin!(connection);
    let mut stop = pin!(told_to_stop(stopped));
    let first_deadline = Instant::now() + limits.head_timeout;
    let mut watch = Watch {
        activity: &activity,
        limits,
        timer: pin!(sleep_until(first_deadline)),
    };
    let ended = drive(connection, &mut watch, stop.as_mut()).await;
    if let Err(error) = ended {
        tracing::debug!(%error, %address, "a connection ended early");
    }
}

type Connection<S> = http1::Connection<TokioIo<ObservedStream>, S>;

async fn drive<S, B>(
    mut connection: Pin<&mut Connection<S>>,
    watch: &mut Watch<'_>,
    mut stop: Pin<&mut impl Future<Output = ()>>,
) -> Result<(), Cut>
where
    S: hyper::service::Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
    B: hyper::body::Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>>
        + 'static,
{
    let (mut stopping, mut finishing) = (false, false);
    poll_fn(|cx| {
        watch.activity.watched_by(cx.waker());
        stopping = stopping || stop.as_mut().poll(cx).is_ready();
        // First of all, so that whatever has arrived counts.
        if let Poll::Ready(ended) = connection.as_mut().poll(cx) {
            return Poll::Ready(Ok(ended?));
        }
        let working = watch.activity.phase() == Phase::Working;
        let evicted = watch.activity.is_evicted();
        if evicted && watch.activity.idleness().is_some() {
            return Poll::Ready(Err(Cut::Evicted));
        }
        if stopping && !working {
            // Nothing was asked, so there is nothing to finish.
            return Poll::Ready(Ok(()));
        }
        if (stopping || evicted) && !finishing {
            finishing = true;
            connection.as_mut().graceful_shutdown();
        }
        watch.poll_overdue(cx).map(Err)
    })
    .await
}

/// Watches over the deadlines of a connection. The timer is set anew only when it has passed or comes too late, since most
/// deadlines are moved on before they are reached.
struct Watch<'a> {
    activity: &'a Activity,
    limits: &'a ConnectionLimits,
    timer: Pin<&'a mut Sleep>,
}

impl Watch<'_> {
    fn poll_overdue(&mut self, cx: &mut Context<'_>) -> Poll<Cut> {
        while let Some(deadline) = self.activity.deadline(self.limits) {
            if Instant::now() >= deadline {
                return Poll::Ready(Cut::TooSlow(self.activity.phase()));
            }
            if self.timer.is_elapsed() || self.timer.deadline() > deadline {
                self.timer.as_mut().reset(deadline);
            }
            if self.timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
        Poll::Pending
    }
}

/// What one connection's requests are answered with.
struct Answering {
    app: Router,
    address: SocketAddr,
    activity: Arc<Activity>,
    limits: ConnectionLimits,
}

impl Answering {
    fn answer(
        &self,
        request: Request<Incoming>,
    ) -> impl Future<Output = Result<Response<AnswerBody>, Infallible>> + use<> {
        let guard = RequestGuard::begin(&self.activity);
        let (mut request, unread) = body::paced(request, &self.limits, &self.activity);
        request.extensions_mut().insert(ClientAddress(self.address));
        let answer = self.app.clone().call(request);
        async move {
            let Ok(response) = answer.await;
            unread.drain().await;
            Ok(response.map(|body| AnswerBody {
                body,
                _request: guard,
            }))
        }
    }
}

/// The body of an answer; the request is over when it is dropped.
struct AnswerBody {
    body: Body,
    _request: RequestGuard,
}

impl hyper::body::Body for AnswerBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

//! One open connection: writes a request, reads its answer.
//!
//! Both are driven by the shopper's own task: no task per connection, no channel hop that a scheduler would have to carry. The
//! buffers belong to the worker and are lent for the length of a system call, so an idle connection is a descriptor and little
//! more.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use ::http::Method;
use bytes::buf::Chain;
use bytes::{Buf, Bytes};
use tokio::io::AsyncWrite as _;

use super::answer::Decoder;
use super::attempt::{Answered, Attempt};
use super::counted::{Counted, OpenGuard};
use super::proxy::Forward;
use super::spoken::Spoken;
use super::stamped::Arrived;
use super::stream::Stream;
use super::{Failure, Outgoing, Reading};

/// Most that is read by one system call.
const READ_BYTES_MAX: usize = 64 * 1024;

/// Reads in one turn: a connection that floods must let the others of its worker have theirs.
const READS_IN_TURN_MAX: u32 = 16;

/// Bodies up to this length are written together with the head.
const BODY_WITH_HEAD_BYTES_MAX: usize = 16 * 1024;

/// What a worker's connections write from and read into.
pub(super) struct Buffers {
    out: RefCell<Vec<u8>>,
    input: RefCell<Box<[u8]>>,
}

impl Default for Buffers {
    fn default() -> Self {
        Self {
            out: RefCell::default(),
            input: RefCell::new(vec![0; READ_BYTES_MAX].into()),
        }
    }
}

/// One open connection.
pub(super) struct Connection {
    stream: Stream,
    /// What requests carry for a proxy that passes them on.
    forward: Option<Arc<Forward>>,
    pub(super) spoken: Spoken,
    _open: OpenGuard,
}

/// What is sent: a request, and what a proxy that passes it on must be told besides.
#[derive(Clone, Copy)]
struct Message<'m> {
    outgoing: &'m Outgoing,
    forward: Option<&'m Forward>,
}

/// A request on its way out.
enum Sending {
    /// Nothing has been written.
    Begin,
    /// What did not fit at once.
    Rest(Chain<Bytes, Bytes>),
    /// All is written, but perhaps kept back by TLS.
    Flush,
    Sent,
    Failed {
        failure: Failure,
        /// Whether not a byte was taken.
        untouched: bool,
    },
}

impl Connection {
    pub(super) fn new(stream: Stream, forward: Option<Arc<Forward>>, open: OpenGuard) -> Self {
        Self {
            spoken: stream.spoken(false),
            forward,
            stream,
            _open: open,
        }
    }

    /// Whether a kept connection can take a request: neither closed nor saying what nobody asked for.
    pub(super) fn is_quiet(&mut self, buffers: &Buffers) -> bool {
        let mut input = buffers.input.borrow_mut();
        let cx = &mut Context::from_waker(Waker::noop());
        self.stream.poll_receive(cx, &mut input).is_pending()
    }

    /// Sends the request and reads the answer to its end; counted in `deferrable` while it waits for nothing but an answer that may
    /// be read late.
    pub(super) async fn exchange(
        &mut self,
        outgoing: &Outgoing,
        reading: &Reading,
        buffers: &Buffers,
        deferrable: &Cell<u32>,
    ) -> Result<Answered, Attempt> {
        let may_defer = reading.may_defer && self.stream.is_stamped();
        let message = Message {
            outgoing,
            forward: self.forward.as_deref(),
        };
        let stream = &mut self.stream;
        let mut waiting = None;
        let mut sending = Sending::Begin;
        let mut decoder = Decoder::new(outgoing.method == Method::HEAD, *reading);
        let arrived = poll_fn(|cx| {
            let _ = sending.poll(cx, stream, message, buffers);
            let answered = stream.poll_answer(cx, &mut decoder, buffers);
            // Whoever sends a long answer waits for the reader once its beginning has filled the socket.
            waiting = (may_defer && matches!(sending, Sending::Sent) && !decoder.begun())
                .then(|| waiting.take().unwrap_or_else(|| Counted::new(deferrable)));
            match (&sending, answered) {
                // A target that does not read to the end may still say why; one that says nothing has failed.
                (Sending::Failed { failure, .. }, Poll::Pending) => Poll::Ready(Err(*failure)),
                (_, answered) => answered,
            }
        })
        .await;
        let failure = match arrived {
            Ok(arrived) => {
                let (answer, reusable) = decoder.finish().map_err(Attempt::Failed)?;
                return Ok(Answered {
                    answer,
                    done: arrived.instant(),
                    reusable: reusable && matches!(sending, Sending::Sent),
                });
            }
            Err(failure) => failure,
        };
        let before_the_answer =
            matches!(failure, Failure::Closed | Failure::Reset) && !decoder.begun();
        Err(match sending {
            Sending::Failed {
                untouched: true, ..
            } if before_the_answer => Attempt::NotProcessed(failure),
            _ if before_the_answer => Attempt::Unanswered(failure),
            _ => Attempt::Failed(failure),
        })
    }
}

impl Stream {
    /// Reads until the answer is complete, and says when its last byte came.
    fn poll_answer(
        &mut self,
        cx: &mut Context<'_>,
        decoder: &mut Decoder,
        buffers: &Buffers,
    ) -> Poll<Result<Arrived, Failure>> {
        let mut input = buffers.input.borrow_mut();
        for _ in 0..READS_IN_TURN_MAX {
            let (read, arrived) = ready!(self.poll_receive(cx, &mut input))
                .map_err(|error| Failure::of_io(&error, Failure::Closed))?;
            let complete = match read {
                0 if decoder.end() => true,
                0 => return Poll::Ready(Err(Failure::Closed)),
                _ => decoder.push(&input[..read])?,
            };
            if complete {
                return Poll::Ready(Ok(arrived));
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Sending {
    /// Writes as much as the connection takes; ready once there is nothing more to do.
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut Stream,
        message: Message<'_>,
        buffers: &Buffers,
    ) -> Poll<()> {
        loop {
            let next = match self {
                Self::Begin => Self::begin(cx, stream, message, &mut buffers.out.borrow_mut()),
                Self::Rest(rest) => {
                    match ready!(Pin::new(&mut *stream).poll_write(cx, rest.chunk())) {
                        Ok(0) => Err((io::ErrorKind::WriteZero.into(), false)),
                        Ok(written) => {
                            rest.advance(written);
                            if rest.has_remaining() {
                                continue;
                            }
                            Ok(Self::Flush)
                        }
                        Err(error) => Err((error, false)),
                    }
                }
                Self::Flush => ready!(Pin::new(&mut *stream).poll_flush(cx))
                    .map(|()| Self::Sent)
                    .map_err(|error| (error, false)),
                Self::Sent | Self::Failed { .. } => return Poll::Ready(()),
            };
            *self = next.unwrap_or_else(|(error, untouched)| Self::Failed {
                failure: Failure::of_io(&error, Failure::Closed),
                untouched,
            });
        }
    }

    /// The first write, from the worker's buffer: nearly always it takes all.
    fn begin(
        cx: &mut Context<'_>,
        stream: &mut Stream,
        message: Message<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Self, (io::Error, bool)> {
        out.clear();
        write_head(message, out);
        let mut body = message.outgoing.body.clone();
        if body.len() <= BODY_WITH_HEAD_BYTES_MAX {
            out.extend_from_slice(&body);
            body.clear();
        }
        let written = match Pin::new(stream).poll_write(cx, out) {
            Poll::Pending => 0,
            Poll::Ready(Ok(written)) => written,
            Poll::Ready(Err(error)) => return Err((error, true)),
        };
        if written == out.len() && body.is_empty() {
            return Ok(Self::Flush);
        }
        let head = Bytes::copy_from_slice(&out[written..]);
        Ok(Self::Rest(head.chain(body)))
    }
}

/// The request's head (RFC 9112, 3): its headers in their order, and the length of its body. Methods that usually have a body
/// say so of an empty one too (RFC 9110, 8.6).
fn write_head(message: Message<'_>, out: &mut Vec<u8>) {
    let Message { outgoing, forward } = message;
    let method = &outgoing.method;
    out.extend_from_slice(method.as_str().as_bytes());
    out.push(b' ');
    if forward.is_some() {
        // A proxy must be told the whole URL (RFC 9112, 3.2.2).
        out.extend_from_slice(b"http://");
        out.extend_from_slice(outgoing.origin.authority.as_bytes());
    }
    for piece in [outgoing.path.as_str(), " HTTP/1.1\r\n"] {
        out.extend_from_slice(piece.as_bytes());
    }
    if let Some(authorization) = forward.and_then(|forward| forward.authorization.as_ref()) {
        for piece in ["proxy-authorization: ", authorization, "\r\n"] {
            out.extend_from_slice(piece.as_bytes());
        }
    }
    for (name, value) in &outgoing.headers {
        out.extend_from_slice(name.as_str().as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(value.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    let length = outgoing.body.len();
    if length > 0 || matches!(*method, Method::POST | Method::PUT | Method::PATCH) {
        out.extend_from_slice(b"content-length: ");
        out.extend_from_slice(length.to_string().as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"\r\n");
}

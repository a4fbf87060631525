//! One connection of HTTP/2 (RFC 9113): many requests at once, each on a stream of its own. Frames and header compression are the
//! `h2` crate's.
//!
//! What the clocks say, and what of it is approximate: a request is *sent* when a stream is free for it and its head is handed to the
//! library, which writes it in the same turn unless the socket is full; a large body follows as the target opens its windows. An
//! answer is *done* when the shopper's task has read its end. Nothing is stamped, for frames of many answers come in one
//! packet, so nothing is read late either.

use std::cell::{Cell, RefCell};
use std::future::{Future as _, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use ::http::{HeaderMap, Response};
use bytes::Bytes;
use h2::client::{self, ResponseFuture, SendRequest};
use h2::{Reason, RecvStream, SendStream};
use tokio::sync::Notify;

use super::attempt::{Answered, Attempt};
use super::body::Body;
use super::counted::{Counted, OpenGuard};
use super::spoken::Spoken;
use super::stream::Stream;
use super::{Failure, Outgoing, Reading};

mod request;
mod turn;

pub(super) use turn::Tending;
use turn::{Driver, Turn};

/// What a target may send of one answer before we have read any of it, bytes: as Chromium says, so that no load is throttled.
const STREAM_WINDOW_BYTES: u32 = 6 << 20;

/// The same of all answers of a connection.
const CONNECTION_WINDOW_BYTES: u32 = 15 << 20;

/// Largest head of an answer, as everywhere: names and values, and 32 bytes for each (RFC 9113, 10.5.1).
const HEAD_BYTES_MAX: usize = 256 * 1024;

/// Larger heads than this are not even read; between the two they have a name of their own.
const HEAD_BYTES_READ_MAX: u32 = 512 * 1024;

/// Streams used before the target has said how many it takes. That is the first thing it says; to send it more than it takes would
/// be a refusal, and a wait that no clock shows.
const STREAMS_AT_FIRST: usize = 1;

/// Request bodies that the library keeps for one connection, bytes; more wait for the target.
const SEND_BUFFER_BYTES_MAX: usize = 16 << 20;

/// One open connection.
pub(super) struct Http2 {
    driver: Rc<Driver>,
    /// Never sends by itself, but copies of it: so it is ready as long as the connection is.
    requests: RefCell<SendRequest<Bytes>>,
    /// Streams in use.
    streams: Cell<u32>,
    /// Exchanges that wait for one.
    waiting: Cell<u32>,
    freed: Notify,
    /// Whether anything was ever answered.
    has_answered: Cell<bool>,
    pub(super) spoken: Spoken,
}

impl Http2 {
    /// Says hello.
    ///
    /// # Errors
    /// When the connection is lost meanwhile.
    pub(super) async fn open(
        stream: Stream,
        open: OpenGuard,
        tending: &Rc<Tending>,
    ) -> Result<Rc<Self>, Failure> {
        let spoken = stream.spoken(true);
        let hello = client::Builder::new()
            .enable_push(false)
            .initial_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .max_header_list_size(HEAD_BYTES_READ_MAX)
            .initial_max_send_streams(STREAMS_AT_FIRST)
            .max_send_buffer_size(SEND_BUFFER_BYTES_MAX)
            .handshake(stream);
        let (requests, frames) = hello.await.map_err(|error| match error.get_io() {
            Some(error) => Failure::of_io(error, Failure::Closed),
            None => Failure::Http2NotSpoken,
        })?;
        Ok(Rc::new(Self {
            driver: Driver::new(frames, open, tending),
            requests: RefCell::new(requests),
            streams: Cell::new(0),
            waiting: Cell::new(0),
            freed: Notify::new(),
            has_answered: Cell::new(false),
            spoken,
        }))
    }

    /// Whether it takes new requests: the target has neither closed it nor said that it goes away.
    pub(super) fn takes_requests(&self) -> bool {
        self.driver.drive_if_woken();
        self.refusal().is_none()
    }

    /// Whether a stream is free.
    fn has_room(&self) -> bool {
        let max = self.requests.borrow().current_max_send_streams();
        (self.streams.get() as usize) < max
    }

    /// Whether a stream is free, or may turn out to be: a target that has answered nothing may not have said how many it takes.
    pub(super) fn may_have_room(&self) -> bool {
        !self.has_answered.get() || self.has_room()
    }

    /// Streams in use, and exchanges that wait for one.
    pub(super) fn busy(&self) -> u32 {
        self.streams.get() + self.waiting.get()
    }

    /// Why it takes no new requests.
    fn refusal(&self) -> Option<Failure> {
        let cx = &mut Context::from_waker(Waker::noop());
        match self.requests.borrow_mut().poll_ready(cx) {
            Poll::Ready(Err(error)) => Some(self.failure(&error)),
            _ if !self.driver.is_open() => Some(Failure::Closed),
            _ => None,
        }
    }

    /// Sends the request and reads the answer to its end; `sent` is told when a stream is free for it.
    pub(super) async fn exchange(
        &self,
        outgoing: &Outgoing,
        reading: &Reading,
        sent: &mut Option<Instant>,
    ) -> Result<Answered, Attempt> {
        let turn = self.driver.join();
        let _stream = self.stream(&turn).await?;
        let head = request::head(outgoing).map_err(Attempt::Failed)?;
        sent.get_or_insert_with(Instant::now);
        let (response, upload) = self.send(head, &outgoing.body)?;
        let answered = self.answer(&turn, response, *reading).await?;
        // A target may answer before it has taken the whole body; then it learns that the rest does not come.
        self.driver.forget(upload, !outgoing.body.is_empty());
        Ok(answered)
    }

    /// Waits for the right to use one more stream.
    async fn stream(&self, turn: &Turn<'_>) -> Result<StreamGuard<'_>, Attempt> {
        let mut is_first = true;
        loop {
            if let Some(failure) = self.refusal() {
                return Err(Attempt::NotProcessed(failure));
            }
            // Who came later waits behind those who wait already.
            if self.has_room() && (self.waiting.get() == 0 || !is_first) {
                self.streams.set(self.streams.get() + 1);
                return Ok(StreamGuard(self));
            }
            let _waiting = Counted::new(&self.waiting);
            is_first = false;
            let mut freed = pin!(self.freed.notified());
            poll_fn(|cx| {
                self.move_on(turn, cx);
                freed.as_mut().poll(cx)
            })
            .await;
        }
    }

    /// Moves the connection on. Those who wait for a stream look again if the target may have changed its mind.
    fn move_on(&self, turn: &Turn<'_>, cx: &Context<'_>) {
        if turn.poll(cx) && self.waiting.get() > 0 && (self.has_room() || self.refusal().is_some())
        {
            self.freed.notify_waiters();
        }
    }

    fn send(
        &self,
        head: ::http::Request<()>,
        body: &Bytes,
    ) -> Result<(ResponseFuture, SendStream<Bytes>), Attempt> {
        let sent: Result<_, h2::Error> = self.driver.quietly(|| {
            let mut requests = self.requests.borrow().clone();
            let (response, mut upload) = requests.send_request(head, body.is_empty())?;
            if !body.is_empty() {
                upload.send_data(body.clone(), true)?;
            }
            Ok((response, upload))
        });
        self.driver.drive();
        // What could not be handed over was not sent.
        sent.map_err(|error| match self.attempt(&error, false) {
            Attempt::Unanswered(failure) => Attempt::NotProcessed(failure),
            other => other,
        })
    }

    async fn answer(
        &self,
        turn: &Turn<'_>,
        mut response: ResponseFuture,
        reading: Reading,
    ) -> Result<Answered, Attempt> {
        let response = poll_fn(|cx| {
            self.move_on(turn, cx);
            Pin::new(&mut response).poll(cx)
        });
        let response = response
            .await
            .map_err(|error| self.attempt(&error, false))?;
        self.has_answered.set(true);
        let (head, mut stream) = Response::into_parts(response);
        if head_bytes(&head.headers) > HEAD_BYTES_MAX {
            return Err(Attempt::Failed(Failure::HeadTooLarge));
        }
        let mut body = Body::new(reading);
        body.begin(head.status, &head.headers);
        if !stream.is_end_stream()
            && let Some(length) = said_length(&head.headers)
        {
            body.expect(length).map_err(Attempt::Failed)?;
        }
        self.read(turn, &mut stream, &mut body).await?;
        let done = Instant::now();
        let answer = body.finish(head.status, head.headers);
        Ok(Answered {
            answer: answer.map_err(Attempt::Failed)?,
            done,
            reusable: true,
        })
    }

    async fn read(
        &self,
        turn: &Turn<'_>,
        stream: &mut RecvStream,
        body: &mut Body,
    ) -> Result<(), Attempt> {
        while !stream.is_end_stream() {
            let piece = poll_fn(|cx| {
                self.move_on(turn, cx);
                stream.poll_data(cx)
            });
            let Some(piece) = piece.await else { break };
            let piece = piece.map_err(|error| self.attempt(&error, true))?;
            body.take(&piece).map_err(Attempt::Failed)?;
            // Room for as much again; the target is told when it is worth a frame.
            let release = || stream.flow_control().release_capacity(piece.len());
            let _ = self.driver.quietly(release);
            self.driver.drive_if_woken();
        }
        Ok(())
    }

    /// What a failure means for the request; `begun` once its answer has.
    fn attempt(&self, error: &h2::Error, begun: bool) -> Attempt {
        let failure = self.failure(error);
        match failure {
            // The target says that it has not looked at the request (RFC 9113, 8.7).
            Failure::StreamRefused | Failure::GoAway => Attempt::NotProcessed(failure),
            Failure::Closed | Failure::Reset if !begun => Attempt::Unanswered(failure),
            _ => Attempt::Failed(failure),
        }
    }

    fn failure(&self, error: &h2::Error) -> Failure {
        let is_new = !self.has_answered.get();
        match self.failure_of(error) {
            // A server of HTTP/1.1 hangs up at what it takes for nonsense; over TLS it has chosen HTTP/2 itself.
            Failure::Closed | Failure::Reset if is_new && self.spoken == Spoken::Http2 => {
                Failure::Http2NotSpoken
            }
            failure => failure,
        }
    }

    fn failure_of(&self, error: &h2::Error) -> Failure {
        match error.get_io() {
            // So the library calls the end of a connection.
            Some(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Failure::Closed,
            Some(error) => Failure::of_io(error, Failure::Closed),
            None if error.is_remote() && error.is_go_away() => Failure::GoAway,
            None if error.is_remote() => match error.reason() {
                Some(Reason::REFUSED_STREAM) => Failure::StreamRefused,
                _ => Failure::StreamReset,
            },
            None if error.is_library() && self.has_answered.get() => Failure::MalformedHttp,
            None if error.is_library() => Failure::Http2NotSpoken,
            // What we asked of the library was wrong.
            None => Failure::BadRequest,
        }
    }
}

/// The right to use one stream.
struct StreamGuard<'c>(&'c Http2);

impl Drop for StreamGuard<'_> {
    fn drop(&mut self) {
        let Http2 { streams, freed, .. } = self.0;
        streams.set(streams.get().saturating_sub(1));
        if self.0.waiting.get() > 0 {
            freed.notify_one();
        }
    }
}

/// The length of which the library sees to it that it is true.
fn said_length(headers: &HeaderMap) -> Option<u64> {
    let value = headers.get(::http::header::CONTENT_LENGTH)?;
    value.to_str().ok()?.parse().ok()
}

/// The size of a head as HTTP/2 counts it.
fn head_bytes(headers: &HeaderMap) -> usize {
    const EACH: usize = 32;
    let fields = headers.iter();
    let sizes = fields.map(|(name, value)| name.as_str().len() + value.len() + EACH);
    sizes.sum()
}

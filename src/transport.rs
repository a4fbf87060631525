//! The one door to the network: a request goes in, an [`Exchange`] with its clock readings comes out.
//!
//! [`http`] is the real one. Must not know: scenarios, journeys, statistics.

use std::future::Future;
use std::time::{Duration, Instant};

use ::http::{HeaderMap, StatusCode};
use bytes::Bytes;

mod answer;
mod attempt;
mod body;
mod coding;
mod connect;
mod connection;
mod counted;
mod deadlines;
pub mod http;
mod http2;
mod list;
mod opener;
pub mod origin;
mod pool;
mod proxy;
mod spoken;
pub(crate) mod stamped;
mod stream;
pub mod tls;

pub use origin::Origin;
use tls::TlsFailure;

/// What a shopper wants to send.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// Scheme, host and port.
    pub origin: std::sync::Arc<Origin>,
    /// The method.
    pub method: ::http::Method,
    /// Path and query.
    pub path: ::http::uri::PathAndQuery,
    /// All headers, `host` among them, but `content-length` and `connection`.
    pub headers: HeaderMap,
    /// The body; empty for none.
    pub body: Bytes,
}

/// How an answer is to be read.
#[derive(Debug, Clone, Copy)]
pub struct Reading {
    /// The whole exchange, wait for a connection included, ends by then.
    pub deadline: Instant,
    /// A larger body is an error, as it comes and without its content codings.
    pub body_bytes_max: u64,
    /// Keep this much of the body of a successful answer.
    pub keep_bytes: usize,
    /// Keep this much of the body of an answer with a status of 400 or more.
    pub keep_error_bytes: usize,
    /// Nothing follows the answer at once: it may be read late where the operating system notes when it came.
    pub may_defer: bool,
}

/// What came back, and when.
#[derive(Debug)]
pub struct Exchange {
    /// When a connection was asked for.
    pub asked: Instant,
    /// When the request was handed to a connection; equals `done` if that never happened.
    pub sent: Instant,
    /// When the last byte of the answer reached this machine (or, where the operating system does not tell, was read), or the
    /// failure known.
    pub done: Instant,
    /// The answer, or why there is none.
    pub result: Result<Answer, Failure>,
    /// Whether the request went out again because an earlier attempt was lost without an answer.
    pub resent: bool,
}

impl Exchange {
    /// An exchange that failed before anything was sent.
    pub fn failed(at: Instant, failure: Failure) -> Self {
        Self {
            asked: at,
            sent: at,
            done: at,
            result: Err(failure),
            resent: false,
        }
    }

    /// Time between asking for a connection and sending.
    pub fn connection_wait(&self) -> Duration {
        self.sent.saturating_duration_since(self.asked)
    }
}

/// An HTTP response, read to its end.
#[derive(Debug)]
pub struct Answer {
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// As much of the body, without its content codings, as [`Reading`] said to keep.
    pub body: Bytes,
    /// The body's whole length in bytes, without its content codings.
    pub body_bytes: u64,
    /// The length in which the body came, bytes: smaller where it was compressed.
    pub wire_bytes: u64,
}

/// How many answers came by which protocol, such as `HTTP/2 over TLS 1.3`.
pub type Protocols = std::collections::BTreeMap<&'static str, u64>;

/// What a value that outgrew its bound is counted under.
pub const VALUE_TOO_LARGE: &str = "value_too_large";

/// Why an exchange failed, in the words that errors are counted under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Failure {
    /// The host's name could not be resolved.
    Dns,
    /// The target refused the connection.
    ConnectRefused,
    /// The connection could not be made for another reason (unreachable, reset while connecting).
    Connect,
    /// There is no connection to the proxy, or what it says cannot be understood.
    ProxyUnreachable,
    /// The proxy does not open a way to the target.
    ProxyRefused,
    /// The proxy wants to know who asks (407).
    ProxyAuthorization,
    /// No TLS connection, or no longer.
    Tls(TlsFailure),
    /// The time limit passed; the exchange was given up.
    Timeout,
    /// The target reset the connection.
    Reset,
    /// The target closed the connection before its answer was complete.
    Closed,
    /// The target ended this request alone and left the connection open (HTTP/2's RST_STREAM).
    StreamReset,
    /// The target took no stream for the request, however often it was asked (RST_STREAM with REFUSED_STREAM).
    StreamRefused,
    /// The target went away before it looked at the request, and so did those that followed (GOAWAY).
    GoAway,
    /// What came back is not HTTP/2, and nothing else would do.
    Http2NotSpoken,
    /// What came back is not HTTP.
    NotHttp,
    /// What came back is HTTP and breaks its rules: where its body ends cannot be told.
    MalformedHttp,
    /// The head of the answer was larger, or had more headers, than a browser takes.
    HeadTooLarge,
    /// The target switched to another protocol (`101`), which no request asked for.
    UnaskedUpgrade,
    /// The body was larger than allowed, as it came or decoded.
    BodyTooLarge,
    /// The body is not encoded as its `content-encoding` says.
    BadEncoding,
    /// The target did not allow a cross-origin request when it was asked; a browser does not send it then.
    PreflightRefused,
    /// More redirects than allowed.
    Redirects,
    /// A redirect whose `Location` is no place for a request.
    BadRedirect,
    /// A value of the scenario makes no valid request (a header or URL with forbidden characters).
    BadRequest,
    /// A value of the scenario outgrew its bound; nothing was sent.
    ValueTooLarge,
    /// This machine has no descriptors left: the generator's fault.
    OutOfDescriptors,
    /// This machine has no ports left: the generator's fault.
    OutOfPorts,
    /// The scenario's limit of open connections was reached: the generator's fault.
    OutOfConnections,
}

impl Failure {
    /// Snake-case name for counters and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::ConnectRefused => "connect_refused",
            Self::Connect => "connect",
            Self::ProxyUnreachable => "proxy_unreachable",
            Self::ProxyRefused => "proxy_refused",
            Self::ProxyAuthorization => "proxy_authorization",
            Self::Tls(failure) => failure.name(),
            Self::Timeout => "timeout",
            Self::Reset => "connection_reset",
            Self::Closed => "connection_closed",
            Self::StreamReset => "stream_reset",
            Self::StreamRefused => "stream_refused",
            Self::GoAway => "goaway",
            Self::Http2NotSpoken => "http2_not_spoken",
            Self::NotHttp => "not_http",
            Self::MalformedHttp => "malformed_http",
            Self::HeadTooLarge => "head_too_large",
            Self::UnaskedUpgrade => "unasked_upgrade",
            Self::BodyTooLarge => "body_too_large",
            Self::BadEncoding => "bad_encoding",
            Self::PreflightRefused => "preflight_refused",
            Self::Redirects => "too_many_redirects",
            Self::BadRedirect => "bad_redirect",
            Self::BadRequest => "bad_request",
            Self::ValueTooLarge => VALUE_TOO_LARGE,
            Self::OutOfDescriptors => "out_of_descriptors",
            Self::OutOfPorts => "out_of_ports",
            Self::OutOfConnections => "out_of_connections",
        }
    }

    /// What happened and what to do, where the name does not say enough.
    pub fn why(self) -> Option<&'static str> {
        match self {
            Self::Tls(failure) => Some(failure.why()),
            Self::ProxyUnreachable => Some(
                "there is no HTTP proxy at the place that `http.proxy`, --proxy or the environment names",
            ),
            Self::ProxyRefused => Some("the proxy does not open a way to the target"),
            Self::ProxyAuthorization => Some(
                "the proxy wants to know who asks: put user and password into its URL, or others",
            ),
            Self::Http2NotSpoken => Some(
                "the target does not speak HTTP/2 there; `http.version: auto` takes what it speaks, and leaving out --http2 does",
            ),
            _ => None,
        }
    }

    /// Whether the generator, not the target, is to blame: such a run is invalid.
    pub fn is_own_fault(self) -> bool {
        matches!(
            self,
            Self::OutOfDescriptors | Self::OutOfPorts | Self::OutOfConnections
        )
    }

    /// Sorts an operating system's error into a kind.
    pub fn of_io(error: &std::io::Error, otherwise: Self) -> Self {
        use std::io::ErrorKind;
        match error.kind() {
            ErrorKind::ConnectionRefused => Self::ConnectRefused,
            ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::ConnectionAborted => {
                Self::Reset
            }
            ErrorKind::UnexpectedEof => Self::Closed,
            ErrorKind::AddrNotAvailable => Self::OutOfPorts,
            ErrorKind::TimedOut => Self::Timeout,
            // Only TLS takes bytes apart below HTTP: a broken record, or the other side's alert.
            ErrorKind::InvalidData => Self::Tls(TlsFailure::of_io(error)),
            // EMFILE and ENFILE have no stable kind.
            _ if matches!(error.raw_os_error(), Some(23 | 24)) => Self::OutOfDescriptors,
            _ => otherwise,
        }
    }
}

/// Sends requests for one worker.
pub trait Transport: 'static {
    /// One shopper's connections.
    type Session: 'static;

    /// A new shopper, without a connection yet.
    fn session(&self) -> Self::Session;

    /// Sends one request and reads the answer; several may be under way in one session.
    fn exchange(
        &self,
        session: &Self::Session,
        outgoing: &Outgoing,
        reading: Reading,
    ) -> impl Future<Output = Exchange>;

    /// What must go on in the background as long as requests are sent: one task of the worker.
    fn upkeep(&self) -> impl Future<Output = ()> + 'static;

    /// Exchanges that wait for nothing but an answer that may be read late.
    fn deferrable(&self) -> u32;

    /// Connections open now.
    fn connections_open(&self) -> u32;

    /// Answers by protocol since this was last asked.
    fn take_protocols(&self) -> Protocols;
}

//! What a worker tells of its shoppers: enough for their RUM events, and cheap to make.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use http::uri::PathAndQuery;
use telemetry::browser::RequestIds;
use uuid::Uuid;

use super::visitor::Visitor;

/// Something that happened to one shopper. Records of one shopper come in order.
#[derive(Debug, Clone)]
pub struct Record {
    /// The shopper's number.
    pub shopper: u64,
    /// When, since the run began.
    pub at: Duration,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone)]
pub enum What {
    /// The shopper opened its browser.
    Arrived(Box<Visitor>),
    /// The session was too old; its successor has this id.
    Renewed(Uuid),
    /// A request came to its end.
    Answered(Box<Answered>),
    /// The shopper looks at what has come: whatever follows begins with a click.
    Rests,
    /// It goes on.
    Wakes,
    /// The shopper closed the page.
    Left,
}

/// A request that came to its end, answered or not.
#[derive(Debug, Clone)]
pub struct Answered {
    /// Index of its step.
    pub step: u16,
    /// When a connection was asked for, since the run began.
    pub asked: Duration,
    /// When the request was handed to it.
    pub sent: Duration,
    /// The method.
    pub method: Method,
    /// Scheme, host and port, such as `http://127.0.0.1:5921`.
    pub origin: Arc<str>,
    /// Path and query as they were sent.
    pub path: PathAndQuery,
    /// The status, 0 without an answer.
    pub status: u16,
    /// Length of the body as it came, bytes.
    pub wire_bytes: u64,
    /// Length of the body without its content codings, bytes.
    pub decoded_bytes: u64,
    /// Whether a page came.
    pub is_document: bool,
    /// The ids on the wire, if the request's trace is sampled.
    pub ids: Option<RequestIds>,
    /// What was wrong with it, by the name under which the run counts it.
    pub error: Option<Box<str>>,
}

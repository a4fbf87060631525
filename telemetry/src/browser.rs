//! The headers that a browser under Datadog RUM puts on its requests, for the load generator.
//!
//! A [`HeaderPlan`] is made once per scenario, a [`BrowserSession`] once per shopper, and [`HeaderPlan::write`] runs
//! for every request: it formats into a [`HeaderBuffer`] that is used again and again. Ids come from the caller's
//! random numbers, so that a seed fixes them. It must not know clocks, randomness of its own, or HTTP clients.

mod buffer;
mod sampling;
mod session_clock;

use http::header::{self as http_header, HeaderName};
use http::{HeaderMap, HeaderValue};
use rand::RngCore;
use uuid::Uuid;
use uuid::fmt::Hyphenated;

pub use buffer::HeaderBuffer;
pub use sampling::{InvalidRate, SampleRate, is_sampled};
pub use session_clock::SessionClock;

use crate::catalogue::attribute;
use crate::trace::{Baggage, Propagator, Propagators, SpanId, TraceId, header};

/// Who the requests claim to come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Style {
    /// A browser with the RUM SDK.
    #[default]
    Rum,
    /// A synthetic test: always the four `x-datadog-*` headers, origin `synthetics`, parent id 0, priority 1.
    ///
    /// The other formats cannot name a caller without a span, and a test has no session and so no baggage.
    Synthetics,
}

/// Which requests carry headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Injection {
    /// Those of sampled sessions; the others carry no trace headers and no baggage.
    #[default]
    Sampled,
    /// All; those of unsampled sessions with flag 0.
    All,
}

/// How the browser's tracing is set up.
#[derive(Debug, Clone, PartialEq)]
pub struct BrowserConfig {
    /// Who the requests claim to come from.
    pub style: Style,
    /// The formats that are sent.
    pub propagators: Propagators,
    /// Whether `baggage` is sent.
    pub baggage: bool,
    /// Which requests carry headers.
    pub injection: Injection,
    /// Sessions that RUM keeps.
    pub session_rate: SampleRate,
    /// Kept sessions whose traces are kept as well.
    pub trace_rate: SampleRate,
}

impl Default for BrowserConfig {
    fn default() -> Self {
        Self {
            style: Style::Rum,
            propagators: Propagators::DEFAULT,
            baggage: true,
            injection: Injection::Sampled,
            session_rate: SampleRate::ALL,
            trace_rate: SampleRate::ALL,
        }
    }
}

/// The ids of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestIds {
    /// 64 random bits.
    pub trace_id: u64,
    /// 63 random bits.
    pub span_id: u64,
}

impl RequestIds {
    /// Draws both ids; neither is zero, which would mean 'none'.
    pub fn draw(rng: &mut impl RngCore) -> Self {
        Self {
            trace_id: rng.next_u64().max(1),
            span_id: (rng.next_u64() >> 1).max(1),
        }
    }

    /// The trace id as a back end sees it: the upper half is zero.
    pub fn trace(self) -> TraceId {
        TraceId(self.trace_id.into())
    }

    /// The span id, which becomes the parent of the entry span.
    pub fn span(self) -> SpanId {
        SpanId(self.span_id)
    }
}

/// What stays the same for all requests of one session.
#[derive(Debug, Clone)]
pub struct BrowserSession {
    id: Uuid,
    session_sampled: bool,
    trace_sampled: bool,
    baggage: Option<HeaderValue>,
}

impl BrowserSession {
    /// The session's id.
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// Whether RUM keeps the session's events.
    pub fn is_sampled(&self) -> bool {
        self.session_sampled
    }

    /// Whether the session's traces are kept; events name them only then.
    pub fn is_trace_sampled(&self) -> bool {
        self.trace_sampled
    }
}

/// The user and account that a session belongs to, once they are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Visitor<'a> {
    /// The user's id, after login.
    pub user_id: Option<&'a str>,
    /// The account's id.
    pub account_id: Option<&'a str>,
}

/// Writes the headers of every request as one configuration asks for.
#[derive(Debug, Clone)]
pub struct HeaderPlan {
    config: BrowserConfig,
    /// Names in the order of writing, for the sampled and the unsampled session alike.
    names: Vec<HeaderName>,
}

impl HeaderPlan {
    /// Works out what `config` sends.
    pub fn new(config: BrowserConfig) -> Self {
        let names = names(&config);
        Self { config, names }
    }

    /// The configuration.
    pub fn config(&self) -> &BrowserConfig {
        &self.config
    }

    /// Begins a session; call it again with the same id when the visitor logs in or out.
    pub fn session(&self, id: Uuid, visitor: Visitor<'_>) -> BrowserSession {
        let synthetic = self.config.style == Style::Synthetics;
        let trace_rate = self.config.session_rate.and(self.config.trace_rate);
        BrowserSession {
            id,
            session_sampled: synthetic || is_sampled(id, self.config.session_rate),
            trace_sampled: synthetic || is_sampled(id, trace_rate),
            baggage: self.baggage(id, visitor),
        }
    }

    /// Whether the session's requests carry headers at all.
    pub fn sends_headers(&self, session: &BrowserSession) -> bool {
        session.trace_sampled || self.config.injection == Injection::All
    }

    /// Writes the headers of one request into `headers`, in place of what stands there under the same names.
    pub fn write(
        &self,
        session: &BrowserSession,
        ids: RequestIds,
        buffer: &mut HeaderBuffer,
        headers: &mut HeaderMap,
    ) {
        if !self.sends_headers(session) {
            return;
        }
        if self.config.style == Style::Synthetics {
            return write_synthetics(ids, buffer, headers);
        }
        let flag = u8::from(session.trace_sampled);
        self.write_tracecontext(ids, flag, buffer, headers);
        self.write_datadog(ids, flag, buffer, headers);
        self.write_b3(ids, flag, buffer, headers);
        if let Some(baggage) = &session.baggage {
            headers.insert(BAGGAGE, baggage.clone());
        }
    }

    /// The names of the headers that [`write`](Self::write) sets for this session.
    pub fn names(&self, session: &BrowserSession) -> &[HeaderName] {
        if self.sends_headers(session) {
            &self.names
        } else {
            &[]
        }
    }

    /// The value of a preflight's `access-control-request-headers`: sorted, in lower case. `others` are the request's
    /// own headers that need permission, such as `content-type` and `authorization`; `None` when nothing needs any.
    pub fn access_control_request_headers(
        &self,
        session: &BrowserSession,
        others: &[HeaderName],
    ) -> Option<HeaderValue> {
        let mut names: Vec<&str> = self
            .names(session)
            .iter()
            .chain(others)
            .map(HeaderName::as_str)
            .collect();
        names.sort_unstable();
        names.dedup();
        let list = names.join(",");
        (!list.is_empty())
            .then(|| HeaderValue::try_from(list).ok())
            .flatten()
    }

    fn sends(&self, propagator: Propagator) -> bool {
        self.config.propagators.contains(propagator)
    }

    fn baggage(&self, id: Uuid, visitor: Visitor<'_>) -> Option<HeaderValue> {
        if !self.config.baggage || self.config.style == Style::Synthetics {
            return None;
        }
        if visitor == Visitor::default() {
            // A session alone needs no encoding, and load generators make a session for every journey.
            let mut text = [0; Hyphenated::LENGTH];
            let id = id.hyphenated().encode_lower(&mut text);
            let value = [attribute::SESSION_ID, "=", id].concat();
            return HeaderValue::try_from(value).ok();
        }
        let id = id.to_string();
        let pairs = [
            (attribute::SESSION_ID, Some(id.as_str())),
            (attribute::USER_ID, visitor.user_id),
            (attribute::ACCOUNT_ID, visitor.account_id),
        ];
        let known = pairs
            .into_iter()
            .filter_map(|(key, value)| Some((key, value?)));
        HeaderValue::try_from(Baggage::new(known).encode()).ok()
    }

    fn write_tracecontext(
        &self,
        ids: RequestIds,
        flag: u8,
        buffer: &mut HeaderBuffer,
        headers: &mut HeaderMap,
    ) {
        if !self.sends(Propagator::TraceContext) {
            return;
        }
        let parent = buffer.value(|value| {
            value.text(b"00-0000000000000000");
            value.hex(ids.trace_id);
            value.text(b"-");
            value.hex(ids.span_id);
            value.text(if flag == 1 { b"-01" } else { b"-00" });
        });
        headers.insert(TRACEPARENT, parent);
        let state = if flag == 1 {
            "dd=s:1;o:rum"
        } else {
            "dd=s:0;o:rum"
        };
        headers.insert(TRACESTATE, HeaderValue::from_static(state));
    }

    fn write_datadog(
        &self,
        ids: RequestIds,
        flag: u8,
        buffer: &mut HeaderBuffer,
        headers: &mut HeaderMap,
    ) {
        if !self.sends(Propagator::Datadog) {
            return;
        }
        headers.insert(DATADOG_ORIGIN, HeaderValue::from_static("rum"));
        headers.insert(
            DATADOG_PARENT_ID,
            buffer.value(|value| value.decimal(ids.span_id)),
        );
        headers.insert(DATADOG_SAMPLING_PRIORITY, flag_value(flag));
        headers.insert(
            DATADOG_TRACE_ID,
            buffer.value(|value| value.decimal(ids.trace_id)),
        );
    }

    fn write_b3(
        &self,
        ids: RequestIds,
        flag: u8,
        buffer: &mut HeaderBuffer,
        headers: &mut HeaderMap,
    ) {
        if self.sends(Propagator::B3) {
            let single = buffer.value(|value| {
                value.hex(ids.trace_id);
                value.text(b"-");
                value.hex(ids.span_id);
                value.text(if flag == 1 { b"-1" } else { b"-0" });
            });
            headers.insert(B3, single);
        }
        if self.sends(Propagator::B3Multi) {
            headers.insert(B3_TRACE_ID, buffer.value(|value| value.hex(ids.trace_id)));
            headers.insert(B3_SPAN_ID, buffer.value(|value| value.hex(ids.span_id)));
            headers.insert(B3_SAMPLED, flag_value(flag));
        }
    }
}

fn write_synthetics(ids: RequestIds, buffer: &mut HeaderBuffer, headers: &mut HeaderMap) {
    headers.insert(DATADOG_ORIGIN, HeaderValue::from_static("synthetics"));
    headers.insert(DATADOG_PARENT_ID, HeaderValue::from_static("0"));
    headers.insert(DATADOG_SAMPLING_PRIORITY, HeaderValue::from_static("1"));
    headers.insert(
        DATADOG_TRACE_ID,
        buffer.value(|value| value.decimal(ids.trace_id)),
    );
}

fn flag_value(flag: u8) -> HeaderValue {
    HeaderValue::from_static(if flag == 1 { "1" } else { "0" })
}

const TRACEPARENT: HeaderName = HeaderName::from_static(header::TRACEPARENT);
const TRACESTATE: HeaderName = HeaderName::from_static(header::TRACESTATE);
const BAGGAGE: HeaderName = HeaderName::from_static(header::BAGGAGE);
const DATADOG_TRACE_ID: HeaderName = HeaderName::from_static(header::DATADOG_TRACE_ID);
const DATADOG_PARENT_ID: HeaderName = HeaderName::from_static(header::DATADOG_PARENT_ID);
const DATADOG_SAMPLING_PRIORITY: HeaderName =
    HeaderName::from_static(header::DATADOG_SAMPLING_PRIORITY);
const DATADOG_ORIGIN: HeaderName = HeaderName::from_static(header::DATADOG_ORIGIN);
const B3: HeaderName = HeaderName::from_static(header::B3);
const B3_TRACE_ID: HeaderName = HeaderName::from_static(header::B3_TRACE_ID);
const B3_SPAN_ID: HeaderName = HeaderName::from_static(header::B3_SPAN_ID);
const B3_SAMPLED: HeaderName = HeaderName::from_static(header::B3_SAMPLED);

/// The names that a configuration sends, in the order of writing.
fn names(config: &BrowserConfig) -> Vec<HeaderName> {
    let datadog = [
        DATADOG_ORIGIN,
        DATADOG_PARENT_ID,
        DATADOG_SAMPLING_PRIORITY,
        DATADOG_TRACE_ID,
    ];
    if config.style == Style::Synthetics {
        return datadog.to_vec();
    }
    let sets: [(Propagator, &[HeaderName]); 4] = [
        (Propagator::TraceContext, &[TRACEPARENT, TRACESTATE]),
        (Propagator::Datadog, &datadog),
        (Propagator::B3, &[B3]),
        (Propagator::B3Multi, &[B3_TRACE_ID, B3_SPAN_ID, B3_SAMPLED]),
    ];
    let sent = sets
        .into_iter()
        .filter(|(propagator, _)| config.propagators.contains(*propagator));
    let mut names: Vec<HeaderName> = sent.flat_map(|(_, names)| names.iter().cloned()).collect();
    if config.baggage {
        names.push(BAGGAGE);
    }
    names
}

/// The `access-control-request-headers` header itself, for the preflight's sender.
pub const ACCESS_CONTROL_REQUEST_HEADERS: HeaderName = http_header::ACCESS_CONTROL_REQUEST_HEADERS;

#[cfg(test)]
mod tests;

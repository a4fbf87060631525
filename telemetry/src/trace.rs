//! Trace identity as it travels between processes: ids, sampling, origin and baggage, in every header format.
//!
//! [`extract`](TraceContext::extract) and [`inject`](TraceContext::inject) work on HTTP headers and, through
//! [`Carrier`], on string maps such as a queue message's attributes. It must not know what the current context
//! is (that is `context`), nor draw randomness of its own: ids come from an [`IdSource`] with a given seed.

mod baggage;
mod extract;
mod ids;
mod inject;
mod sampling;

use std::sync::Arc;

pub use baggage::{BAGGAGE_BYTES_MAX, BAGGAGE_ENTRIES_MAX, Baggage};
pub use extract::Carrier;
pub use ids::{IdSource, SpanId, TraceId};
pub use inject::CarrierMut;
pub use sampling::Sampler;

/// Longest value of a header that is read at all.
pub const HEADER_VALUE_BYTES_MAX: usize = 512;

/// Names of the headers, in lower case as HTTP/2 and queue attributes need them.
pub mod header {
    /// W3C trace context: ids and the sampled flag.
    pub const TRACEPARENT: &str = "traceparent";
    /// W3C trace context: vendors' members.
    pub const TRACESTATE: &str = "tracestate";
    /// W3C baggage.
    pub const BAGGAGE: &str = "baggage";
    /// Datadog: low 64 bits of the trace id, decimal.
    pub const DATADOG_TRACE_ID: &str = "x-datadog-trace-id";
    /// Datadog: the caller's span id, decimal.
    pub const DATADOG_PARENT_ID: &str = "x-datadog-parent-id";
    /// Datadog: `0` or less drops, `1` or more keeps.
    pub const DATADOG_SAMPLING_PRIORITY: &str = "x-datadog-sampling-priority";
    /// Datadog: where the trace began.
    pub const DATADOG_ORIGIN: &str = "x-datadog-origin";
    /// Datadog: propagated tags; `_dd.p.tid` is the upper half of the trace id.
    pub const DATADOG_TAGS: &str = "x-datadog-tags";
    /// B3, one header.
    pub const B3: &str = "b3";
    /// B3, several headers: trace id.
    pub const B3_TRACE_ID: &str = "x-b3-traceid";
    /// B3, several headers: span id.
    pub const B3_SPAN_ID: &str = "x-b3-spanid";
    /// B3, several headers: sampled flag.
    pub const B3_SAMPLED: &str = "x-b3-sampled";
    /// B3, several headers: `1` means debug, which implies sampled.
    pub const B3_FLAGS: &str = "x-b3-flags";
}

/// The formats in which trace context travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Propagator {
    /// `traceparent` and `tracestate`.
    TraceContext,
    /// `x-datadog-*`.
    Datadog,
    /// `b3`.
    B3,
    /// `x-b3-*`.
    B3Multi,
}

/// A set of [`Propagator`]s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Propagators(u8);

impl Propagators {
    /// No format at all.
    pub const NONE: Self = Self(0);
    /// What browsers under RUM send by default, and what services send each other: tracecontext and datadog.
    pub const DEFAULT: Self = Self::NONE
        .with(Propagator::TraceContext)
        .with(Propagator::Datadog);
    /// Every format.
    pub const ALL: Self = Self::DEFAULT.with(Propagator::B3).with(Propagator::B3Multi);

    /// The set with `propagator` in it.
    pub const fn with(self, propagator: Propagator) -> Self {
        Self(self.0 | 1 << propagator as u8)
    }

    /// Whether `propagator` is in the set.
    pub const fn contains(self, propagator: Propagator) -> bool {
        self.0 & (1 << propagator as u8) != 0
    }
}

impl Default for Propagators {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl FromIterator<Propagator> for Propagators {
    fn from_iter<I: IntoIterator<Item = Propagator>>(propagators: I) -> Self {
        propagators.into_iter().fold(Self::NONE, Self::with)
    }
}

/// One place in a trace, and what travels along with it. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceContext {
    /// The trace; its low 64 bits are the Datadog trace id.
    pub trace_id: TraceId,
    /// The span at this place: the caller's when extracted, one's own when injected. [`SpanId::NONE`] for a caller
    /// that has no span, such as a synthetic test.
    pub span_id: SpanId,
    /// Whether the trace is kept.
    pub sampled: bool,
    /// Where the trace began: `rum`, `synthetics`, …
    pub origin: Option<Arc<str>>,
    /// Members of other vendors in `tracestate`, passed on untouched.
    pub other_tracestate: Option<Arc<str>>,
    /// Key-value pairs that travel with the trace.
    pub baggage: Baggage,
}

impl TraceContext {
    /// The first span of a new trace, which is kept if the [`Sampler`] of `ids` says so.
    pub fn root(ids: &IdSource) -> Self {
        let trace_id = ids.trace_id();
        Self {
            trace_id,
            span_id: ids.span_id(),
            sampled: ids.sampler().keeps(trace_id),
            origin: None,
            other_tracestate: None,
            baggage: Baggage::default(),
        }
    }

    /// The same trace at a new span below this one.
    pub fn child(&self, ids: &IdSource) -> Self {
        Self {
            span_id: ids.span_id(),
            sampled: ids.sampler().keeps_on(self.trace_id, self.sampled),
            ..self.clone()
        }
    }
}

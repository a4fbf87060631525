//! What the shoppers' browsers add to a request. Must not know how headers are written.

/// What a browser under RUM adds to every request.
#[derive(Debug, Clone)]
pub struct Browser {
    /// Whether shoppers call themselves browsers wherever they go; in the embedded shop they do in any case. Elsewhere they say
    /// honestly what they are.
    pub named: bool,
    /// Header formats, in order.
    pub propagators: Vec<Propagator>,
    /// Who claims to have started the trace; without a word of the scenario, see [`crate::scenario::Scenario::trace_style`].
    pub style: Option<TraceStyle>,
    /// Share of sessions that are sampled, 0…1.
    pub session_sample: f64,
    /// Share of sampled sessions that are traced, 0…1.
    pub trace_sample: f64,
    /// Whether browsers under RUM also tell what they see, in RUM events.
    pub rum_events: bool,
    /// Whether an unsampled session's requests carry headers with flag 0 (`true`) or none (`false`).
    pub inject_all: bool,
    /// Whether `baggage` is sent.
    pub baggage: bool,
    /// Whether a cross-origin preflight precedes a request whose (method, path, headers) this shopper has no permission for.
    pub preflight: bool,
}

/// A trace header format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Propagator {
    /// W3C `traceparent` and `tracestate`.
    TraceContext,
    /// `x-datadog-*`.
    Datadog,
    /// `b3`, one header.
    B3,
    /// `X-B3-*`.
    B3Multi,
}

/// Whom the headers name as the trace's origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TraceStyle {
    /// A browser under RUM.
    Rum,
    /// A synthetic test: origin `synthetics`, parent id 0, priority 1.
    Synthetics,
    /// No trace headers at all.
    Off,
}

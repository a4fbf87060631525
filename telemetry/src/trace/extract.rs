//! Reading trace context. Input comes from strangers: whatever is malformed counts as absent.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use http::HeaderMap;

use super::{Baggage, HEADER_VALUE_BYTES_MAX, SpanId, TraceContext, TraceId, header};

/// Something that carries named string values: HTTP headers, a queue message's attributes.
pub trait Carrier {
    /// Every value under `name`, in order; values that are no text are left out.
    fn values_of<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str>;
}

impl Carrier for HeaderMap {
    fn values_of<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.get_all(name)
            .into_iter()
            .filter_map(|value| value.to_str().ok())
    }
}

impl Carrier for HashMap<String, String> {
    fn values_of<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.get(name).map(String::as_str).into_iter()
    }
}

impl Carrier for BTreeMap<String, String> {
    fn values_of<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.get(name).map(String::as_str).into_iter()
    }
}

impl TraceContext {
    /// Reads the caller's trace context, if there is any that is well formed.
    ///
    /// | Found | Taken |
    /// |---|---|
    /// | tracecontext and datadog, same low 64 bits of the trace id | tracecontext: it has the whole trace id, and its span is the nearer one if a W3C-only hop lies between. The origin comes from either. |
    /// | tracecontext and datadog, different traces | datadog: such a pair arises when a proxy that knows only W3C has started a trace of its own, while the Datadog headers still name the trace that the browser shows. Datadog's tracers decide the same way. |
    /// | one of them | that one |
    /// | neither | `b3`, else `x-b3-*` |
    ///
    /// A header that stands twice is malformed. Where a format leaves the sampling decision open, the trace is kept.
    pub fn extract(carrier: &impl Carrier) -> Option<Self> {
        let mut context = match (tracecontext(carrier), datadog(carrier)) {
            (Some(w3c), Some(dd)) if w3c.trace_id.low() == dd.trace_id.low() => Self {
                origin: w3c.origin.or(dd.origin),
                ..w3c
            },
            (_, Some(dd)) => dd,
            (Some(w3c), None) => w3c,
            (None, None) => b3_single(carrier).or_else(|| b3_multi(carrier))?,
        };
        context.baggage = Baggage::parse(carrier.values_of(header::BAGGAGE));
        Some(context)
    }
}

/// The only value under `name`.
fn single<'a>(carrier: &'a impl Carrier, name: &str) -> Option<&'a str> {
    let mut values = carrier.values_of(name);
    let value = values.next()?.trim();
    (values.next().is_none() && value.len() <= HEADER_VALUE_BYTES_MAX).then_some(value)
}

fn context(trace_id: TraceId, span_id: SpanId, sampled: bool) -> TraceContext {
    TraceContext {
        trace_id,
        span_id,
        sampled,
        origin: None,
        other_tracestate: None,
        baggage: Baggage::default(),
    }
}

fn tracecontext(carrier: &impl Carrier) -> Option<TraceContext> {
    let mut found = traceparent(single(carrier, header::TRACEPARENT)?)?;
    let states: Vec<&str> = carrier.values_of(header::TRACESTATE).collect();
    let members = || {
        states
            .iter()
            .flat_map(|state| state.split(','))
            .map(str::trim)
    };
    let bytes: usize = states.iter().map(|state| state.len() + 1).sum();
    if bytes <= HEADER_VALUE_BYTES_MAX {
        found.origin = members().find_map(|member| datadog_origin(member.strip_prefix("dd=")?));
        let others: Vec<&str> = members()
            .filter(|member| !member.is_empty() && !member.starts_with("dd="))
            .collect();
        found.other_tracestate = (!others.is_empty()).then(|| others.join(",").into());
    }
    Some(found)
}

/// `version-traceid-spanid-flags`; later versions may have more fields.
fn traceparent(value: &str) -> Option<TraceContext> {
    let mut fields = value.split('-');
    let (version, trace, span, flags) = (
        fields.next()?,
        fields.next()?,
        fields.next()?,
        fields.next()?,
    );
    let version = hex(version, 2)?;
    if version == 0xff || (version == 0 && fields.next().is_some()) {
        return None;
    }
    let (trace_id, span_id) = (TraceId(hex(trace, 32)?), SpanId(hex(span, 16)? as u64));
    let sampled = hex(flags, 2)? & 1 == 1;
    (trace_id.0 != 0 && span_id.is_valid()).then(|| context(trace_id, span_id, sampled))
}

/// `o:…` in Datadog's tracestate member, where `~` stands for `=`.
fn datadog_origin(member: &str) -> Option<Arc<str>> {
    member
        .split(';')
        .find_map(|pair| pair.strip_prefix("o:"))
        .and_then(|origin| known_text(&origin.replace('~', "=")))
}

fn datadog(carrier: &impl Carrier) -> Option<TraceContext> {
    let low: u64 = decimal(single(carrier, header::DATADOG_TRACE_ID)?)?;
    let span = single(carrier, header::DATADOG_PARENT_ID).map_or(Some(0), decimal)?;
    let sampled = match single(carrier, header::DATADOG_SAMPLING_PRIORITY) {
        Some(priority) => priority.parse::<i8>().ok()? > 0,
        None => true,
    };
    if low == 0 {
        return None;
    }
    let high = single(carrier, header::DATADOG_TAGS)
        .and_then(upper_half)
        .unwrap_or(0);
    let trace_id = TraceId(u128::from(high) << 64 | u128::from(low));
    let mut found = context(trace_id, SpanId(span), sampled);
    found.origin = single(carrier, header::DATADOG_ORIGIN).and_then(known_text);
    Some(found)
}

/// `_dd.p.tid=<16 hex>` among propagated tags.
fn upper_half(tags: &str) -> Option<u64> {
    let value = tags
        .split(',')
        .find_map(|tag| tag.trim().strip_prefix("_dd.p.tid="))?;
    hex(value, 16).map(|half| half as u64)
}

/// `trace-span[-state[-parent]]`; a lone state carries no ids and counts as absent.
fn b3_single(carrier: &impl Carrier) -> Option<TraceContext> {
    let mut fields = single(carrier, header::B3)?.split('-');
    let (trace, span) = (fields.next()?, fields.next()?);
    let sampled = match fields.next() {
        Some(state) => b3_sampled(state)?,
        None => true,
    };
    b3_context(trace, span, sampled)
}

fn b3_multi(carrier: &impl Carrier) -> Option<TraceContext> {
    let (trace, span) = (
        single(carrier, header::B3_TRACE_ID)?,
        single(carrier, header::B3_SPAN_ID)?,
    );
    let debug = single(carrier, header::B3_FLAGS) == Some("1");
    let sampled = match single(carrier, header::B3_SAMPLED) {
        Some(state) => b3_sampled(state)?,
        None => true,
    };
    b3_context(trace, span, sampled || debug)
}

fn b3_context(trace: &str, span: &str, sampled: bool) -> Option<TraceContext> {
    let trace_id = TraceId(hex(trace, 32).or_else(|| hex(trace, 16))?);
    let span_id = SpanId(hex(span, 16)? as u64);
    (trace_id.0 != 0 && span_id.is_valid()).then(|| context(trace_id, span_id, sampled))
}

fn b3_sampled(state: &str) -> Option<bool> {
    match state {
        "1" | "d" | "true" => Some(true),
        "0" | "false" => Some(false),
        _ => None,
    }
}

/// Exactly `digits` lower-case hexadecimal digits.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let well_formed =
        text.len() == digits && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    well_formed
        .then(|| u128::from_str_radix(text, 16).ok())
        .flatten()
}

/// Decimal digits only: `parse` alone would accept a plus sign.
fn decimal(text: &str) -> Option<u64> {
    text.bytes()
        .all(|b| b.is_ascii_digit())
        .then(|| text.parse().ok())
        .flatten()
}

/// An origin as it may be passed on: short, printable, and no separator of any format.
fn known_text(text: &str) -> Option<Arc<str>> {
    let plain = |b: u8| b.is_ascii_graphic() && !b",;~".contains(&b);
    (!text.is_empty() && text.len() <= 64 && text.bytes().all(plain)).then(|| text.into())
}

//! Writing trace context.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::{Propagator, Propagators, TraceContext, header};

/// Something that takes named string values: HTTP headers, a queue message's attributes.
pub trait CarrierMut {
    /// Sets `name` to `value`, in place of what stood there.
    fn set(&mut self, name: &'static str, value: String);
}

impl CarrierMut for HeaderMap {
    fn set(&mut self, name: &'static str, value: String) {
        // Everything written here is visible ASCII; a value that is not must not reach the wire anyway.
        if let Ok(value) = HeaderValue::try_from(value) {
            self.insert(HeaderName::from_static(name), value);
        }
    }
}

impl CarrierMut for HashMap<String, String> {
    fn set(&mut self, name: &'static str, value: String) {
        self.insert(name.to_owned(), value);
    }
}

impl CarrierMut for BTreeMap<String, String> {
    fn set(&mut self, name: &'static str, value: String) {
        self.insert(name.to_owned(), value);
    }
}

impl TraceContext {
    /// Writes the context in each of the `formats`, and the baggage.
    ///
    /// Formats that need a span are left out when there is none.
    pub fn inject(&self, formats: Propagators, carrier: &mut impl CarrierMut) {
        let has_span = self.span_id.is_valid();
        if formats.contains(Propagator::TraceContext) && has_span {
            self.inject_tracecontext(carrier);
        }
        if formats.contains(Propagator::Datadog) {
            self.inject_datadog(carrier);
        }
        if formats.contains(Propagator::B3) && has_span {
            carrier.set(
                header::B3,
                format!("{}-{}-{}", self.b3_trace_id(), self.span_id, self.flag()),
            );
        }
        if formats.contains(Propagator::B3Multi) && has_span {
            carrier.set(header::B3_TRACE_ID, self.b3_trace_id());
            carrier.set(header::B3_SPAN_ID, self.span_id.to_string());
            carrier.set(header::B3_SAMPLED, self.flag().to_string());
        }
        if !self.baggage.is_empty() {
            carrier.set(header::BAGGAGE, self.baggage.encode());
        }
    }

    /// The value of `traceparent`; also used in comments on SQL statements.
    pub fn traceparent(&self) -> String {
        format!("00-{}-{}-0{}", self.trace_id, self.span_id, self.flag())
    }

    fn inject_tracecontext(&self, carrier: &mut impl CarrierMut) {
        carrier.set(header::TRACEPARENT, self.traceparent());
        let mut state = format!("dd=s:{}", self.flag());
        if let Some(origin) = &self.origin {
            let _ = write!(state, ";o:{}", origin.replace('=', "~"));
        }
        if let Some(others) = &self.other_tracestate {
            let _ = write!(state, ",{others}");
        }
        carrier.set(header::TRACESTATE, state);
    }

    fn inject_datadog(&self, carrier: &mut impl CarrierMut) {
        carrier.set(header::DATADOG_TRACE_ID, self.trace_id.low().to_string());
        carrier.set(header::DATADOG_PARENT_ID, self.span_id.0.to_string());
        carrier.set(header::DATADOG_SAMPLING_PRIORITY, self.flag().to_string());
        if let Some(origin) = &self.origin {
            carrier.set(header::DATADOG_ORIGIN, origin.to_string());
        }
        if self.trace_id.high() != 0 {
            carrier.set(
                header::DATADOG_TAGS,
                format!("_dd.p.tid={:016x}", self.trace_id.high()),
            );
        }
    }

    /// 16 digits when the upper half is zero, as the browser writes it.
    fn b3_trace_id(&self) -> String {
        match self.trace_id.high() {
            0 => format!("{:016x}", self.trace_id.low()),
            _ => self.trace_id.to_string(),
        }
    }

    fn flag(&self) -> u8 {
        u8::from(self.sampled)
    }
}

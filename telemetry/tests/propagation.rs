//! Trace context through every format, and against headers from strangers.

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;
use telemetry::trace::{Baggage, Propagator, Propagators, SpanId, TraceContext, TraceId, header};

const NAMES: [&str; 13] = [
    header::TRACEPARENT,
    header::TRACESTATE,
    header::BAGGAGE,
    header::DATADOG_TRACE_ID,
    header::DATADOG_PARENT_ID,
    header::DATADOG_SAMPLING_PRIORITY,
    header::DATADOG_ORIGIN,
    header::DATADOG_TAGS,
    header::B3,
    header::B3_TRACE_ID,
    header::B3_SPAN_ID,
    header::B3_SAMPLED,
    header::B3_FLAGS,
];

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(*name, HeaderValue::from_static(value));
    }
    headers
}

fn extracted(pairs: &[(&'static str, &'static str)]) -> Option<TraceContext> {
    TraceContext::extract(&headers(pairs))
}

const PARENT: &str = "00-000000000000000a000000000000000b-00000000000000ff-01";

#[test]
fn tracecontext_is_preferred_when_both_agree() {
    let found = extracted(&[
        (header::TRACEPARENT, PARENT),
        (header::DATADOG_TRACE_ID, "11"),
        (header::DATADOG_PARENT_ID, "7"),
        (header::DATADOG_ORIGIN, "rum"),
    ])
    .unwrap();
    assert_eq!(found.trace_id, TraceId(0xa_0000_0000_0000_000b));
    assert_eq!(found.span_id, SpanId(255));
    assert_eq!(found.origin.as_deref(), Some("rum"));
}

#[test]
fn datadog_wins_when_the_traces_differ() {
    let found = extracted(&[
        (header::TRACEPARENT, PARENT),
        (header::DATADOG_TRACE_ID, "12"),
        (header::DATADOG_PARENT_ID, "7"),
        (header::DATADOG_SAMPLING_PRIORITY, "-1"),
        (
            header::DATADOG_TAGS,
            "_dd.p.dm=-4,_dd.p.tid=00000000000000aa",
        ),
    ])
    .unwrap();
    assert_eq!(found.trace_id, TraceId(0xaa_0000_0000_0000_000c));
    assert_eq!(found.span_id, SpanId(7));
    assert!(!found.sampled);
}

#[test]
fn a_malformed_format_leaves_the_others() {
    let found = extracted(&[
        (header::TRACEPARENT, "00-zz-ff-01"),
        (header::DATADOG_TRACE_ID, "+12"),
        (
            header::B3,
            "000000000000000b-00000000000000ff-d-00000000000000aa",
        ),
    ])
    .unwrap();
    assert_eq!((found.trace_id, found.sampled), (TraceId(11), true));
}

#[test]
fn malformed_values_count_as_absent() {
    for value in [
        "",
        "00",
        "00-0000000000000000000000000000000b-00000000000000ff",
        "00-0000000000000000000000000000000b-00000000000000ff-1",
        "00-0000000000000000000000000000000B-00000000000000ff-01",
        "00-00000000000000000000000000000000-00000000000000ff-01",
        "00-0000000000000000000000000000000b-0000000000000000-01",
        "00-0000000000000000000000000000000b-00000000000000ff-01-more",
        "ff-0000000000000000000000000000000b-00000000000000ff-01",
    ] {
        assert_eq!(extracted(&[(header::TRACEPARENT, value)]), None, "{value}");
    }
    for value in ["0", "-1", "+1", "1.0", "18446744073709551616", "0x1", " "] {
        assert_eq!(
            extracted(&[(header::DATADOG_TRACE_ID, value)]),
            None,
            "{value}"
        );
    }
    for value in [
        "0",
        "1",
        "d",
        "b-ff-1",
        "000000000000000b-00000000000000ff-x",
    ] {
        assert_eq!(extracted(&[(header::B3, value)]), None, "{value}");
    }
}

#[test]
fn a_header_that_stands_twice_is_malformed() {
    assert_eq!(
        extracted(&[(header::TRACEPARENT, PARENT), (header::TRACEPARENT, PARENT)]),
        None
    );
}

#[test]
fn a_later_version_may_have_more_fields() {
    let later = "01-0000000000000000000000000000000b-00000000000000ff-03-more";
    assert!(extracted(&[(header::TRACEPARENT, later)]).unwrap().sampled);
}

#[test]
fn a_synthetic_test_has_a_trace_without_a_span() {
    let found = extracted(&[
        (header::DATADOG_TRACE_ID, "11"),
        (header::DATADOG_PARENT_ID, "0"),
        (header::DATADOG_ORIGIN, "synthetics"),
        (header::DATADOG_SAMPLING_PRIORITY, "1"),
    ])
    .unwrap();
    assert_eq!((found.span_id, found.sampled), (SpanId::NONE, true));
    let mut sent = HeaderMap::new();
    found.inject(Propagators::ALL, &mut sent);
    assert!(
        !sent.contains_key(header::TRACEPARENT),
        "a zero parent id is not valid there"
    );
    assert_eq!(TraceContext::extract(&sent), Some(found));
}

#[test]
fn other_vendors_members_are_passed_on() {
    let found = extracted(&[
        (header::TRACEPARENT, PARENT),
        (header::TRACESTATE, "a=1,dd=s:1;o:rum , b=2"),
    ])
    .unwrap();
    let mut sent = HeaderMap::new();
    found.inject(Propagators::DEFAULT, &mut sent);
    assert_eq!(sent[header::TRACESTATE], "dd=s:1;o:rum,a=1,b=2");
    assert_eq!(sent[header::DATADOG_TAGS], "_dd.p.tid=000000000000000a");
}

fn context() -> impl Strategy<Value = TraceContext> {
    let baggage = prop::collection::btree_map("[a-z.]{1,12}", ".{0,20}", 0..5);
    let origin = prop::option::of("[a-z=-]{1,20}");
    // Formats write the low half alone or the whole id, so an id whose low half is zero names no trace.
    (
        any::<u64>(),
        1_u64..,
        1_u64..,
        any::<bool>(),
        origin,
        baggage,
    )
        .prop_map(|(high, low, span, sampled, origin, baggage)| TraceContext {
            trace_id: TraceId(u128::from(high) << 64 | u128::from(low)),
            span_id: SpanId(span),
            sampled,
            origin: origin.map(Into::into),
            other_tracestate: None,
            baggage: Baggage::new(baggage.into_iter().map(|(k, v)| (k, v.trim().to_owned()))),
        })
}

proptest! {
    /// What is written in one format is read back whole, but for the origin, which B3 cannot carry.
    #[test]
    fn every_format_comes_back(context in context()) {
        for format in [Propagator::TraceContext, Propagator::Datadog, Propagator::B3, Propagator::B3Multi] {
            let mut sent = HeaderMap::new();
            let mut attributes = BTreeMap::new();
            context.inject(Propagators::NONE.with(format), &mut sent);
            context.inject(Propagators::NONE.with(format), &mut attributes);
            let mut expected = context.clone();
            if matches!(format, Propagator::B3 | Propagator::B3Multi) {
                expected.origin = None;
            }
            prop_assert_eq!(TraceContext::extract(&sent), Some(expected.clone()), "{:?}", sent);
            prop_assert_eq!(TraceContext::extract(&attributes), Some(expected));
        }
    }

    /// All formats together say the same as each alone.
    #[test]
    fn all_formats_together_come_back(context in context()) {
        let mut sent = HeaderMap::new();
        context.inject(Propagators::ALL, &mut sent);
        prop_assert_eq!(TraceContext::extract(&sent), Some(context));
    }

    /// Arbitrary bytes never panic, and what is taken from them can be sent on and read again.
    #[test]
    fn strangers_headers_do_no_harm(
        values in prop::collection::vec((0..NAMES.len(), prop::collection::vec(any::<u8>(), 0..80)), 0..16),
    ) {
        let mut headers = HeaderMap::new();
        for (name, value) in values {
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                headers.append(HeaderName::from_static(NAMES[name]), value);
            }
        }
        if let Some(context) = TraceContext::extract(&headers) {
            let mut sent = HeaderMap::new();
            context.inject(Propagators::ALL, &mut sent);
            prop_assert_eq!(TraceContext::extract(&sent), Some(context));
        }
    }

    /// The same with values that look almost right.
    #[test]
    fn almost_right_headers_do_no_harm(
        values in prop::collection::vec((0..NAMES.len(), "[0-9a-fdts:;=,o~ %-]{0,60}|00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]|[0-9]{1,20}|[0-9a-f]{16}(-[0-9a-f]{16}(-[01d])?)?"), 0..16),
    ) {
        let mut headers = HeaderMap::new();
        for (name, value) in values {
            headers.append(HeaderName::from_static(NAMES[name]), value.parse().unwrap());
        }
        if let Some(context) = TraceContext::extract(&headers) {
            let mut sent = HeaderMap::new();
            context.inject(Propagators::ALL, &mut sent);
            prop_assert_eq!(TraceContext::extract(&sent), Some(context));
        }
    }
}

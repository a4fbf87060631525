//! The exact headers of each mode, and that a back end reads them as they were meant.

use proptest::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng as _;

use super::*;
use crate::trace::TraceContext;

const SESSION: Uuid = Uuid::from_u128(0x5321_b434_51a5_4c4d_8d6a_a0ee_bc99_9c0b);
const IDS: RequestIds = RequestIds {
    trace_id: 0x0123_4567_89ab_cdef,
    span_id: 0x00ff,
};

fn written(config: BrowserConfig, ids: RequestIds, visitor: Visitor<'_>) -> Vec<(String, String)> {
    let plan = HeaderPlan::new(config);
    let session = plan.session(SESSION, visitor);
    let mut headers = HeaderMap::new();
    plan.write(&session, ids, &mut HeaderBuffer::new(), &mut headers);
    let names: Vec<&str> = plan
        .names(&session)
        .iter()
        .map(HeaderName::as_str)
        .collect();
    assert_eq!(names.len(), headers.len(), "{names:?} {headers:?}");
    let mut pairs: Vec<(String, String)> = headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    pairs.sort();
    assert!(pairs.iter().all(|(name, _)| names.contains(&name.as_str())));
    pairs
}

fn assert_headers(config: BrowserConfig, expected: &[(&str, &str)]) {
    let written = written(config, IDS, Visitor::default());
    let written: Vec<(&str, &str)> = written
        .iter()
        .map(|(n, v)| (n.as_str(), v.as_str()))
        .collect();
    assert_eq!(written, expected);
}

fn with(propagator: Propagator) -> BrowserConfig {
    BrowserConfig {
        propagators: Propagators::NONE.with(propagator),
        baggage: false,
        ..BrowserConfig::default()
    }
}

#[test]
fn the_default_is_tracecontext_datadog_and_baggage() {
    assert_headers(
        BrowserConfig::default(),
        &[
            ("baggage", "session.id=5321b434-51a5-4c4d-8d6a-a0eebc999c0b"),
            (
                "traceparent",
                "00-00000000000000000123456789abcdef-00000000000000ff-01",
            ),
            ("tracestate", "dd=s:1;o:rum"),
            ("x-datadog-origin", "rum"),
            ("x-datadog-parent-id", "255"),
            ("x-datadog-sampling-priority", "1"),
            ("x-datadog-trace-id", "81985529216486895"),
        ],
    );
}

#[test]
fn b3_in_one_header_and_in_several() {
    assert_headers(
        with(Propagator::B3),
        &[("b3", "0123456789abcdef-00000000000000ff-1")],
    );
    assert_headers(
        with(Propagator::B3Multi),
        &[
            ("x-b3-sampled", "1"),
            ("x-b3-spanid", "00000000000000ff"),
            ("x-b3-traceid", "0123456789abcdef"),
        ],
    );
}

#[test]
fn a_synthetic_test_has_no_parent_and_is_always_kept() {
    let config = BrowserConfig {
        style: Style::Synthetics,
        trace_rate: SampleRate::NONE,
        ..BrowserConfig::default()
    };
    assert_headers(
        config,
        &[
            ("x-datadog-origin", "synthetics"),
            ("x-datadog-parent-id", "0"),
            ("x-datadog-sampling-priority", "1"),
            ("x-datadog-trace-id", "81985529216486895"),
        ],
    );
}

#[test]
fn an_unsampled_session_sends_nothing_or_flag_zero() {
    let unsampled = BrowserConfig {
        propagators: Propagators::ALL,
        trace_rate: SampleRate::NONE,
        ..BrowserConfig::default()
    };
    assert_headers(unsampled.clone(), &[]);
    assert_headers(
        BrowserConfig {
            injection: Injection::All,
            ..unsampled
        },
        &[
            ("b3", "0123456789abcdef-00000000000000ff-0"),
            ("baggage", "session.id=5321b434-51a5-4c4d-8d6a-a0eebc999c0b"),
            (
                "traceparent",
                "00-00000000000000000123456789abcdef-00000000000000ff-00",
            ),
            ("tracestate", "dd=s:0;o:rum"),
            ("x-b3-sampled", "0"),
            ("x-b3-spanid", "00000000000000ff"),
            ("x-b3-traceid", "0123456789abcdef"),
            ("x-datadog-origin", "rum"),
            ("x-datadog-parent-id", "255"),
            ("x-datadog-sampling-priority", "0"),
            ("x-datadog-trace-id", "81985529216486895"),
        ],
    );
}

#[test]
fn baggage_names_user_and_account_encoded() {
    let visitor = Visitor {
        user_id: Some("zoë, 1"),
        account_id: Some("a=b"),
    };
    let written = written(BrowserConfig::default(), IDS, visitor);
    let expected =
        "session.id=5321b434-51a5-4c4d-8d6a-a0eebc999c0b,user.id=zo%C3%AB%2C%201,account.id=a%3Db";
    assert_eq!(written[0], ("baggage".to_owned(), expected.to_owned()));
}

#[test]
fn a_preflight_lists_names_sorted_and_once() {
    let plan = HeaderPlan::new(BrowserConfig::default());
    let session = plan.session(SESSION, Visitor::default());
    let others = [
        http_header::CONTENT_TYPE,
        http_header::AUTHORIZATION,
        BAGGAGE,
    ];
    assert_eq!(
        plan.access_control_request_headers(&session, &others)
            .unwrap(),
        "authorization,baggage,content-type,traceparent,tracestate,x-datadog-origin,x-datadog-parent-id,\
         x-datadog-sampling-priority,x-datadog-trace-id"
    );
    let none = HeaderPlan::new(BrowserConfig {
        trace_rate: SampleRate::NONE,
        ..BrowserConfig::default()
    });
    let session = none.session(SESSION, Visitor::default());
    assert_eq!(none.access_control_request_headers(&session, &[]), None);
}

#[test]
fn a_seed_fixes_the_ids() {
    let draw = || {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        (0..100)
            .map(|_| RequestIds::draw(&mut rng))
            .collect::<Vec<_>>()
    };
    assert_eq!(draw(), draw());
    assert!(
        draw()
            .iter()
            .all(|ids| ids.span_id >> 63 == 0 && ids.span_id != 0)
    );
}

#[test]
fn a_buffer_used_for_many_requests_keeps_values_apart() {
    let plan = HeaderPlan::new(BrowserConfig::default());
    let session = plan.session(SESSION, Visitor::default());
    let mut buffer = HeaderBuffer::new();
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let requests: Vec<(RequestIds, HeaderMap)> = (0..500)
        .map(|_| {
            let ids = RequestIds::draw(&mut rng);
            let mut headers = HeaderMap::new();
            plan.write(&session, ids, &mut buffer, &mut headers);
            (ids, headers)
        })
        .collect();
    for (ids, headers) in requests {
        let context = TraceContext::extract(&headers).unwrap();
        assert_eq!(
            (context.trace_id, context.span_id),
            (ids.trace(), ids.span())
        );
    }
}

proptest! {
    /// Whatever set of formats a browser sends, the back end reads the ids, flag, origin and session that were meant.
    #[test]
    fn a_back_end_reads_what_the_browser_meant(
        set in 1_u8..16,
        trace_id in 1_u64..,
        span_id in 1_u64..1 << 63,
        sampled: bool,
    ) {
        let all = [Propagator::TraceContext, Propagator::Datadog, Propagator::B3, Propagator::B3Multi];
        let chosen = all.into_iter().filter(|propagator| set & (1 << *propagator as u8) != 0);
        let plan = HeaderPlan::new(BrowserConfig {
            propagators: chosen.collect(),
            injection: Injection::All,
            trace_rate: if sampled { SampleRate::ALL } else { SampleRate::NONE },
            ..BrowserConfig::default()
        });
        let session = plan.session(SESSION, Visitor::default());
        let ids = RequestIds { trace_id, span_id };
        let mut headers = HeaderMap::new();
        plan.write(&session, ids, &mut HeaderBuffer::new(), &mut headers);
        let context = TraceContext::extract(&headers).unwrap();
        prop_assert_eq!(context.trace_id, ids.trace());
        prop_assert_eq!(context.span_id, ids.span());
        prop_assert_eq!(context.sampled, sampled);
        prop_assert_eq!(context.origin.as_deref(), (set & 3 != 0).then_some("rum"));
        let session_id = SESSION.to_string();
        prop_assert_eq!(context.baggage.get(attribute::SESSION_ID), Some(session_id.as_str()));
    }
}

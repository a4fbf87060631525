//! The headers of a browser under RUM, on the wire, against the table of what the browser SDK sends.

use std::collections::{BTreeMap, BTreeSet};

use crate::echo::{Echo, Recorded};
use crate::support::Run;

/// Every name under which a trace could travel.
const TRACE_NAMES: [&str; 11] = [
    "b3",
    "baggage",
    "traceparent",
    "tracestate",
    "x-b3-sampled",
    "x-b3-spanid",
    "x-b3-traceid",
    "x-datadog-origin",
    "x-datadog-parent-id",
    "x-datadog-sampling-priority",
    "x-datadog-trace-id",
];

/// The requests of a few shoppers with this browser, and only trace headers of theirs.
fn sent(browser: &str) -> Vec<Recorded> {
    let echo = Echo::start();
    let scenario = format!(
        "name: headers
seed: 3
load: {{ model: closed, shoppers: 4, journeys: 60 }}
browser: {browser}
http: {{ timeout: 60s }}
journeys:
  - name: look
    steps:
      - get: /first
      - post: /second
        headers: {{ authorization: Bearer x }}
        json: {{ a: 1 }}
"
    );
    Run::of(&scenario)
        .with(&["--target", &echo.url(), "--workers", "1"])
        .with(&["--run-id", "a-test"])
        .finish();
    let seen = echo.seen();
    assert!(seen.len() >= 120, "only {} requests", seen.len());
    seen
}

fn trace_headers(request: &Recorded) -> BTreeMap<&str, &str> {
    let known = |name: &str| TRACE_NAMES.contains(&name) || name.starts_with("x-datadog");
    request
        .headers
        .iter()
        .filter(|(name, _)| known(name))
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect()
}

fn names(request: &Recorded) -> Vec<&str> {
    trace_headers(request).into_keys().collect()
}

/// Sixteen lower-case hexadecimal digits.
fn hex(text: &str) -> u64 {
    assert!(
        text.len() == 16 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')),
        "{text}"
    );
    u64::from_str_radix(text, 16).expect("hexadecimal digits")
}

fn decimal(text: &str) -> u64 {
    let number: u64 = text.parse().expect("a decimal number");
    assert_eq!(number.to_string(), text);
    number
}

/// Trace id, span id and flag of `traceparent`.
fn traceparent(request: &Recorded) -> (u64, u64, u8) {
    let text = request.header("traceparent").expect("traceparent");
    let parts: Vec<&str> = text.split('-').collect();
    let [version, trace, span, flags] = parts[..] else {
        panic!("{text}");
    };
    assert_eq!(version, "00");
    let (upper, lower) = trace.split_at(16);
    assert_eq!(upper, "0000000000000000", "{text}");
    let flag = match flags {
        "00" => 0,
        "01" => 1,
        _ => panic!("{text}"),
    };
    (hex(lower), hex(span), flag)
}

/// The session of `baggage`: a lower-case UUID, and nothing else as long as nobody has logged in.
fn session(request: &Recorded) -> String {
    let session = request.session().expect("a session").to_owned();
    assert_eq!(
        request.header("baggage"),
        Some(format!("session.id={session}").as_str())
    );
    let groups: Vec<usize> = session.split('-').map(str::len).collect();
    assert_eq!(groups, [8, 4, 4, 4, 12], "{session}");
    assert_eq!(session, session.to_lowercase());
    session
}

/// The browser SDK's decision, computed by itself: `rate` in per cent.
fn is_kept(session: &str, rate: f64) -> bool {
    let group = session.rsplit('-').next().expect("a last group");
    let id = u64::from_str_radix(group, 16).expect("hexadecimal digits");
    let hash = id.wrapping_mul(1_111_111_111_111_111_111);
    hash as f64 <= rate / 100.0 * 2_f64.powi(64)
}

#[test]
fn a_browser_under_rum_sends_both_formats_with_the_same_ids() {
    let mut traces = BTreeSet::new();
    let mut spans = BTreeSet::new();
    for request in sent("{}") {
        let (trace, span, flag) = traceparent(&request);
        assert_eq!(
            names(&request),
            [
                "baggage",
                "traceparent",
                "tracestate",
                "x-datadog-origin",
                "x-datadog-parent-id",
                "x-datadog-sampling-priority",
                "x-datadog-trace-id",
            ]
        );
        let header = |name| request.header(name).expect("a header");
        assert_eq!(flag, 1);
        assert_eq!(header("tracestate"), "dd=s:1;o:rum");
        assert_eq!(header("x-datadog-origin"), "rum");
        assert_eq!(header("x-datadog-sampling-priority"), "1");
        assert_eq!(decimal(header("x-datadog-trace-id")), trace);
        assert_eq!(decimal(header("x-datadog-parent-id")), span);
        assert!(span < 1 << 63, "a span id has 63 bits");
        session(&request);
        assert!(traces.insert(trace) && spans.insert(span), "an id twice");
    }
    // Random bits: among 120 ids each half of the range is met, and the topmost bit of trace ids is in use.
    assert!(traces.iter().any(|id| id >> 63 == 1) && traces.iter().any(|id| id >> 63 == 0));
    assert!(spans.iter().any(|id| id >> 62 == 1) && spans.iter().any(|id| id >> 62 == 0));
}

#[test]
fn each_propagator_sends_its_own_headers_and_no_others() {
    for request in sent("{ headers: [b3] }") {
        assert_eq!(names(&request), ["b3", "baggage"]);
        let parts: Vec<&str> = request.header("b3").expect("b3").split('-').collect();
        let [trace, span, sampled] = parts[..] else {
            panic!("{parts:?}");
        };
        assert!(hex(trace) != 0 && hex(span) < 1 << 63 && sampled == "1");
    }
    for request in sent("{ headers: [b3multi], baggage: false }") {
        assert_eq!(
            names(&request),
            ["x-b3-sampled", "x-b3-spanid", "x-b3-traceid"]
        );
        assert_ne!(hex(request.header("x-b3-traceid").expect("an id")), 0);
        assert!(hex(request.header("x-b3-spanid").expect("an id")) < 1 << 63);
        assert_eq!(request.header("x-b3-sampled"), Some("1"));
    }
    for request in sent("{ headers: [tracecontext] }") {
        assert_eq!(names(&request), ["baggage", "traceparent", "tracestate"]);
    }
    for request in sent("{ headers: [datadog, tracecontext, b3, b3multi] }") {
        assert_eq!(names(&request), TRACE_NAMES);
        let (trace, span, _) = traceparent(&request);
        let header = |name| request.header(name).expect("a header");
        assert_eq!(header("b3"), format!("{trace:016x}-{span:016x}-1"));
        assert_eq!(hex(header("x-b3-traceid")), trace);
        assert_eq!(decimal(header("x-datadog-trace-id")), trace);
    }
}

#[test]
fn a_synthetic_test_says_so_and_off_is_off() {
    for request in sent("{ style: synthetics }") {
        assert_eq!(
            names(&request),
            [
                "x-datadog-origin",
                "x-datadog-parent-id",
                "x-datadog-sampling-priority",
                "x-datadog-trace-id",
            ]
        );
        assert_eq!(request.header("x-datadog-origin"), Some("synthetics"));
        assert_eq!(request.header("x-datadog-parent-id"), Some("0"));
        assert_eq!(request.header("x-datadog-sampling-priority"), Some("1"));
        assert_ne!(
            decimal(request.header("x-datadog-trace-id").expect("an id")),
            0
        );
    }
    for request in sent("{ style: off }") {
        assert_eq!(names(&request), [""; 0]);
    }
}

#[test]
fn sampling_is_decided_by_the_session_and_unsampled_ones_send_nothing() {
    // 50 % of 60 %.
    let rates = "session-sample: 50%, trace-sample: 60%";
    let mut kept = BTreeMap::new();
    for request in sent(&format!("{{ {rates}, inject: all }}")) {
        let (session, (.., flag)) = (session(&request), traceparent(&request));
        assert_eq!(is_kept(&session, 30.0), flag == 1, "{session}");
        assert_eq!(
            request.header("tracestate"),
            Some(format!("dd=s:{flag};o:rum").as_str())
        );
        assert_eq!(
            request.header("x-datadog-sampling-priority"),
            Some(flag.to_string().as_str())
        );
        kept.insert(session, flag == 1);
    }
    let share = kept.values().filter(|kept| **kept).count();
    assert!(share > 0 && share < kept.len(), "{share} of {}", kept.len());

    let requests = sent(&format!("{{ {rates}, inject: sampled }}"));
    let (with, without): (Vec<_>, Vec<_>) = requests
        .iter()
        .partition(|request| request.header("traceparent").is_some());
    assert!(!without.is_empty());
    assert!(without.iter().all(|request| names(request).is_empty()));
    let sessions: BTreeSet<String> = with.iter().map(|request| session(request)).collect();
    let expected: BTreeSet<String> = kept
        .into_iter()
        .filter_map(|(session, kept)| kept.then_some(session))
        .collect();
    assert_eq!(
        sessions, expected,
        "the same sessions as with `inject: all`"
    );
}

#[test]
fn a_preflight_asks_for_the_headers_that_follow() {
    let requests = sent("{ preflight: true }");
    let mut asked: BTreeMap<(u32, String), String> = BTreeMap::new();
    let mut preflights = 0;
    for request in &requests {
        let key = (request.connection, request.path.clone());
        if request.method == "OPTIONS" {
            preflights += 1;
            assert!(names(request).is_empty() && request.body.is_empty());
            assert!(request.header("origin").is_some());
            let names = request
                .header("access-control-request-headers")
                .expect("the names asked for");
            let method = request
                .header("access-control-request-method")
                .expect("the method asked for");
            asked.insert(key, format!("{method} {names}"));
            continue;
        }
        let mut wanted = names(request);
        if request.method == "POST" {
            wanted.extend(["authorization", "content-type"]);
        }
        wanted.sort_unstable();
        let wanted = format!("{} {}", request.method, wanted.join(","));
        assert_eq!(asked.get(&key), Some(&wanted), "{request:?}");
    }
    // Two kinds of request for each of 60 shoppers.
    assert_eq!((preflights, requests.len()), (120, 240));
}

/// Header names besides those of every request.
fn described(more: &str, arguments: &[&str]) -> Vec<(String, String)> {
    let echo = Echo::start();
    let scenario = format!(
        "name: any-api
load: {{ model: one-by-one, journeys: 1 }}
{more}
journeys: [{{ name: look, steps: [{{ get: /page }}] }}]
"
    );
    Run::of(&scenario)
        .with(&["--target", &echo.url()])
        .with(arguments)
        .finish();
    echo.seen().remove(0).headers
}

#[test]
fn a_target_that_is_not_the_shop_sees_what_it_is() {
    let honest = concat!("loadgen/", env!("CARGO_PKG_VERSION"));
    let of = |headers: &[(String, String)], name: &str| {
        let found = headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.clone())
    };
    for more in ["", "browser: { style: off }"] {
        let headers = described(more, &[]);
        let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["user-agent", "accept-encoding", "host"], "{more}");
        assert_eq!(of(&headers, "user-agent").as_deref(), Some(honest));
    }
    let echo = Echo::start();
    let out = tempfile::tempdir().expect("a folder");
    let out = out.path().to_str().expect("UTF-8");
    let url = echo.url() + "/page";
    let run = [
        "run",
        "--url",
        &url,
        "--rate",
        "5/s",
        "--duration",
        "1s",
        "--out",
        out,
    ];
    crate::support::Program::start(run).wait();
    let headers = echo.seen().remove(0).headers;
    assert_eq!(of(&headers, "user-agent").as_deref(), Some(honest));
    assert_eq!(headers.len(), 3, "{headers:?}");

    let own = described("http: { headers: { user-agent: mine/1 } }", &[]);
    assert_eq!(of(&own, "user-agent").as_deref(), Some("mine/1"));
    for more in [
        "browser: { style: rum }",
        "browser: { baggage: false }",
        "browser: { preflight: true, style: off }",
        "personas: [{ name: one, devices: { mobile: 1 } }]",
    ] {
        let headers = described(more, &[]);
        let agent = of(&headers, "user-agent").expect("a user agent");
        assert!(agent.starts_with("Mozilla/"), "{more}: {agent}");
        let traced = of(&headers, "traceparent").is_some();
        assert_eq!(
            traced,
            more.contains("rum") || more.contains("baggage"),
            "{more}"
        );
    }
}

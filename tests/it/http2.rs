//! HTTP/2, as browsers speak it over TLS: one connection, many requests at once; and what a target may do to each.

use std::collections::BTreeMap;
use std::time::Duration;

use h2::Reason;
use loadgen::report::RunReport;

use crate::echo::Echo;
use crate::http2_server::{ANSWERS, Act, Manner, Seen, Server};
use crate::support::{Run, errors};
use crate::tls::file;

/// These steps, walked by so many shoppers one after the other.
fn scenario(shoppers: u32, http: &str, steps: &str) -> String {
    format!(
        "name: many
load: {{ model: one-by-one, journeys: {shoppers} }}
browser: {{ style: rum }}
http: {{ tls: {{ ca: '{}' }}{http} }}
journeys: [{{ name: look, steps: [{steps}] }}]
",
        file("ca.pem")
    )
}

fn run(server: &Server, scenario: &str, more: &[&str]) -> RunReport {
    let run = Run::of(scenario)
        .with(&["--target", &server.url()])
        .with(more);
    run.finish().1
}

const THREE: &str =
    "{ get: /a, check: { status: 200 } }, { post: /b, json: { n: 1 } }, { get: /c }";

fn protocols(report: &RunReport) -> Vec<(&str, u64)> {
    let protocols = report.generator.protocols.iter();
    protocols.map(|(name, n)| (name.as_str(), *n)).collect()
}

fn trace_headers(seen: &Seen) -> Vec<&str> {
    let names = seen.headers.iter().map(|(name, _)| name.as_str());
    let mut names: Vec<&str> = names
        .filter(|name| name.starts_with("x-datadog") || *name == "traceparent")
        .collect();
    names.sort_unstable();
    names
}

#[test]
fn both_versions_carry_the_same_scenario() {
    let mut sums: Vec<BTreeMap<String, u64>> = Vec::new();
    let mut carried = Vec::new();
    for (flag, version, name) in [
        ("--http1.1", http::Version::HTTP_11, "HTTP/1.1 over TLS 1.3"),
        ("--http2", http::Version::HTTP_2, "HTTP/2 over TLS 1.3"),
    ] {
        let server = Server::start(ANSWERS);
        let report = run(&server, &scenario(5, "", THREE), &[flag]);
        assert_eq!(errors(&report), BTreeMap::new());
        assert_eq!(protocols(&report), [(name, 15)]);
        assert_eq!(server.connections(), 5, "one a shopper");
        let seen = server.seen();
        assert!(seen.iter().all(|seen| seen.version == version), "{seen:?}");
        let steps = report.steps.iter().map(|step| (step.step.clone(), step.ok));
        sums.push(steps.collect());
        let of = |seen: &Seen| {
            let names = trace_headers(seen).join(" ");
            (seen.method.clone(), names, seen.body_bytes)
        };
        carried.push(seen.iter().map(of).collect::<Vec<_>>());
    }
    assert_eq!(sums[0], sums[1]);
    assert_eq!(carried[0], carried[1]);
    assert!(
        carried[0][0].1.contains("x-datadog-trace-id"),
        "{carried:?}"
    );
}

#[test]
fn a_target_chooses_and_a_request_has_the_form_of_its_version() {
    let server = Server::start(ANSWERS);
    let steps = "{ post: /b, json: { n: 1 }, headers: { te: gzip, X-Upper: a, cookie: c=d } }";
    let run = Run::of(&scenario(1, "", steps)).with(&["--target", &server.url()]);
    let (ended, report) = run.finish();
    assert_eq!(protocols(&report), [("HTTP/2 over TLS 1.3", 1)]);
    assert!(
        ended.out.contains("protocol: HTTP/2 over TLS 1.3"),
        "{}",
        ended.out
    );
    let seen = server.seen();
    assert_eq!(seen[0].uri, format!("https://{}/b", server.authority()));
    for name in ["host", "connection", "te"] {
        assert_eq!(seen[0].header(name), None, "{name}");
    }
    assert_eq!(seen[0].header("content-length"), Some("7"));
    assert_eq!(seen[0].header("x-upper"), Some("a"));
    assert_eq!(seen[0].header("cookie"), Some("c=d"));
    let server = Server::start(ANSWERS);
    let named = scenario(1, ", headers: { host: shop.example }", "{ get: /a }");
    self::run(&server, &named, &[]);
    assert_eq!(server.seen()[0].uri, "https://shop.example/a");
}

#[test]
fn requests_wait_where_a_target_takes_few_at_once() {
    let server = Server::start(Manner {
        streams_max: 1,
        treat: |_, _| Act::Late(Duration::from_millis(60)),
        ..ANSWERS
    });
    let steps = "{ together: [{ get: /a }, { get: /b }, { get: /c }, { get: /d }] }";
    let report = run(&server, &scenario(1, "", steps), &[]);
    assert_eq!(errors(&report), BTreeMap::new());
    assert_eq!((server.connections(), server.seen().len()), (1, 4));
    let waits = report.steps.iter();
    let longest = waits.map(|step| step.connection_wait.quantiles_ms["max"]);
    let longest = longest.fold(0.0, f64::max);
    assert!(longest >= 150.0, "{longest} ms");
}

#[test]
fn many_at_once_share_a_connection() {
    let server = Server::start(Manner {
        treat: |_, _| Act::Late(Duration::from_millis(20)),
        ..ANSWERS
    });
    let scenario = scenario(1, ", connections: { shared: 50 }", "{ get: /a }").replace(
        "model: one-by-one, journeys: 1",
        "model: closed, shoppers: 40, for: 1s",
    );
    let report = run(&server, &scenario, &["--workers", "1"]);
    assert_eq!(errors(&report), BTreeMap::new());
    assert_eq!(server.connections(), 1);
    assert!(server.seen().len() > 100, "{}", server.seen().len());
}

#[test]
fn bodies_larger_than_all_windows_come_and_go() {
    let server = Server::start(Manner {
        treat: |_, _| Act::Answer(20 << 20),
        ..ANSWERS
    });
    let large = "x".repeat(300_000);
    let steps = format!("{{ post: /a, body: {large}, content-type: text/plain }}");
    let report = run(&server, &scenario(1, ", body-max: 32 MiB", &steps), &[]);
    assert_eq!(errors(&report), BTreeMap::new());
    assert_eq!(report.steps[0].bytes, 20 << 20);
    assert_eq!(server.seen()[0].body_bytes, 300_000);
    let report = run(
        &server,
        &scenario(1, ", body-max: 1 MiB", "{ get: /a }"),
        &[],
    );
    assert_eq!(errors(&report), [("body_too_large".to_owned(), 1)].into());
}

#[test]
fn a_target_that_goes_away_is_asked_again_on_a_new_connection() {
    let server = Server::start(Manner {
        treat: |_, request| match request {
            1 => Act::LastOne,
            _ => Act::Answer(2),
        },
        ..ANSWERS
    });
    let steps = ["{ post: /a, json: {} }"; 6].join(", ");
    let report = run(&server, &scenario(1, "", &steps), &[]);
    assert_eq!(errors(&report), BTreeMap::new());
    assert_eq!(server.seen().len(), 6, "none twice");
    assert_eq!(server.connections(), 3);
}

#[test]
fn a_stream_that_is_refused_is_tried_again_and_one_that_is_reset_is_an_error() {
    let server = Server::start(Manner {
        treat: |_, request| match request {
            0 | 2 => Act::Reset(Reason::REFUSED_STREAM),
            _ => Act::Answer(2),
        },
        ..ANSWERS
    });
    let steps = "{ post: /a, json: {} }, { post: /b, json: {} }";
    let report = run(&server, &scenario(1, "", steps), &[]);
    assert_eq!(errors(&report), BTreeMap::new());
    assert_eq!((server.connections(), server.seen().len()), (1, 4));
    for (reason, name) in [
        (Reason::REFUSED_STREAM, "stream_refused"),
        (Reason::INTERNAL_ERROR, "stream_reset"),
    ] {
        let treat: fn(u32, u32) -> Act = match reason {
            Reason::REFUSED_STREAM => |_, _| Act::Reset(Reason::REFUSED_STREAM),
            _ => |_, _| Act::Reset(Reason::INTERNAL_ERROR),
        };
        let server = Server::start(Manner { treat, ..ANSWERS });
        let report = run(&server, &scenario(1, "", "{ get: /a }"), &[]);
        assert_eq!(errors(&report), [(name.to_owned(), 1)].into());
        assert_eq!(server.connections(), 1);
    }
}

#[test]
fn a_lost_connection_and_a_silent_target_are_told_apart() {
    let server = Server::start(Manner {
        treat: |connection, _| match connection {
            0 => Act::Close,
            _ => Act::Answer(2),
        },
        ..ANSWERS
    });
    let steps = "{ get: /a, on-error: go-on }, { get: /b }";
    let report = run(&server, &scenario(1, "", steps), &[]);
    // A close is a reset where the server had not yet read all that came.
    let lost = |name: &str| errors(&report) == [(name.to_owned(), 1)].into();
    assert!(
        lost("connection_closed") || lost("connection_reset"),
        "{:?}",
        errors(&report)
    );
    assert_eq!(server.connections(), 2);
    let server = Server::start(Manner {
        treat: |_, request| match request {
            0 => Act::Silence,
            _ => Act::Answer(2),
        },
        ..ANSWERS
    });
    let scenario = scenario(1, ", timeout: 300ms", steps);
    let report = run(&server, &scenario, &[]);
    assert_eq!(errors(&report), [("timeout".to_owned(), 1)].into());
    assert_eq!(server.connections(), 1, "it is still good");
}

#[test]
fn pings_are_answered_while_shoppers_think() {
    let server = Server::start(Manner {
        pings_after: Some(Duration::from_millis(300)),
        ..ANSWERS
    });
    let steps = "{ get: /a }, { think: 2s }, { get: /b }";
    let report = run(&server, &scenario(1, "", steps), &[]);
    assert_eq!(errors(&report), BTreeMap::new());
    assert_eq!((server.connections(), server.pongs()), (1, 1));
}

#[test]
fn without_tls_it_is_spoken_when_asked_for_and_to_those_who_do() {
    let server = Server::start(Manner {
        tls: false,
        ..ANSWERS
    });
    let report = run(&server, &scenario(2, ", version: 2", THREE), &[]);
    assert_eq!(errors(&report), BTreeMap::new());
    assert_eq!(protocols(&report), [("HTTP/2", 6)]);
    assert_eq!(
        server.seen()[0].uri,
        format!("http://{}/a", server.authority())
    );
    let echo = Echo::start();
    let run = Run::of(&scenario(1, "", "{ get: /a }")).with(&["--http2"]);
    let (ended, report) = run.with(&["--target", &echo.url()]).finish();
    assert_eq!(errors(&report), [("http2_not_spoken".to_owned(), 1)].into());
    assert!(ended.out.contains("http.version: auto"), "{}", ended.out);
}

#[test]
fn a_version_that_is_none_is_named() {
    let run = Run::of(&scenario(1, ", version: 3", "{ get: /a }"));
    let ended = run.with(&["--target", "http://127.0.0.1:1"]).start().wait();
    assert_eq!(ended.code(), 2);
    assert!(
        ended.err.contains("`3` is no version of HTTP") && ended.err.contains("auto, 1.1 or 2"),
        "{}",
        ended.err
    );
}

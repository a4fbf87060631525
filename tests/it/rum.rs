//! RUM events, as they leave: right by the public schemas, in accord with each other and with what was on the wire, and never in
//! the load's way.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::TcpListener;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use loadgen::report::RumRecord;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::echo::{Echo, Recorded};
use crate::support::{Ended, Program, Run, assert_adds_up};

mod schema;

use schema::Schemas;

fn events_in(text: &str) -> Vec<Value> {
    let event = |line: &str| serde_json::from_str(line).expect("an event");
    text.lines().map(event).collect()
}

fn events_of(run: &Run) -> Vec<Value> {
    events_in(&fs::read_to_string(run.run_folder().join("rum.jsonl")).expect("rum.jsonl"))
}

fn text<'v>(event: &'v Value, pointer: &str) -> &'v str {
    event.pointer(pointer).and_then(Value::as_str).unwrap_or("")
}

fn count(event: &Value, pointer: &str) -> u64 {
    event.pointer(pointer).and_then(Value::as_u64).unwrap_or(0)
}

/// All events are right, and the last state of each view counts the others. The views' number.
fn assert_right(events: &[Value]) -> usize {
    let schemas = Schemas::read();
    for event in events {
        let problems = schemas.problems(event);
        assert!(problems.is_empty(), "{problems:#?} in {event:#}");
    }
    let mut counted: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    let mut last: BTreeMap<&str, &Value> = BTreeMap::new();
    for event in events {
        let view = text(event, "/view/id");
        *counted.entry((view, text(event, "/type"))).or_default() += 1;
        let frustrations = event.pointer("/action/frustration/type");
        *counted.entry((view, "frustration")).or_default() +=
            frustrations.and_then(Value::as_array).map_or(0, Vec::len) as u64;
        if event["type"] == "view"
            && let Some(before) = last.insert(view, event)
        {
            let version = |event| count(event, "/_dd/document_version");
            assert!(version(before) < version(event), "{before} {event}");
        }
    }
    for (id, view) in &last {
        assert_eq!(view.pointer("/view/is_active"), Some(&Value::Bool(false)));
        for kind in ["action", "error", "resource", "long_task", "frustration"] {
            let events = counted.get(&(id, kind)).copied().unwrap_or(0);
            assert_eq!(
                count(view, &format!("/view/{kind}/count")),
                events,
                "{view}"
            );
        }
    }
    for (view, _) in counted.keys() {
        assert!(last.contains_key(view), "{view} is never told of");
    }
    last.len()
}

#[test]
fn events_of_more_than_a_hundred_sessions_are_right() {
    let run = Run::built_in("checkout-storm").with(&["--duration", "9s", "--rate-scale", "0.6"]);
    let (ended, report) = run.finish();
    let rum = report.rum.clone().expect("RUM events");
    assert!(rum.sessions >= 100, "{rum:?}");
    let events = events_of(&run);
    assert_eq!(events.len() as u64, rum.events);
    assert_eq!(assert_right(&events) as u64, rum.views);
    assert_eq!((rum.records_lost, rum.dropped.len()), (0, 0), "{rum:?}");
    let sessions: BTreeSet<&str> = events
        .iter()
        .map(|event| text(event, "/session/id"))
        .collect();
    assert_eq!(sessions.len() as u64, rum.sessions);
    let kinds: BTreeSet<&str> = events.iter().map(|event| text(event, "/type")).collect();
    assert!(kinds.is_superset(&BTreeSet::from(["view", "action", "resource"])));
    assert!(ended.out.contains("RUM: "), "{}", ended.out);
    assert_adds_up(&report);
}

/// A scenario against a target of the test.
fn scenario(target: &str, browser: &str, seconds: u32) -> String {
    format!(
        "
name: rum
target: {target}
load: {{ model: open, phases: [{{ name: only, for: {seconds}s, rate: 20/s }}] }}
browser: {{ style: rum, {browser} }}
limits: {{ start-lag: 10m }}
journeys:
  - name: buy
    steps:
      - get: /api/products?limit=20
      - think: 100ms..200ms
      - together: [{{ get: /api/products/7 }}, {{ get: /api/recommendations }}]
      - think: 50ms
      - post: /api/orders
        json: {{ a: 1 }}
"
    )
}

#[test]
fn resources_carry_the_ids_that_were_on_the_wire() {
    let echo = Echo::start();
    let run = Run::of(&scenario(&echo.url(), "trace-sample: 50%", 3));
    let (_, report) = run.finish();
    let events = events_of(&run);
    assert_right(&events);
    let resources: Vec<&Value> = events
        .iter()
        .filter(|event| event["type"] == "resource")
        .collect();
    let seen = echo.seen();
    assert_eq!(resources.len(), seen.len());
    let on_the_wire: BTreeSet<(String, String, String)> = seen
        .iter()
        .filter_map(|request| {
            let header = |name| request.header(name).map(str::to_owned);
            let session = request.session()?.to_owned();
            Some((
                session,
                header("x-datadog-trace-id")?,
                header("x-datadog-parent-id")?,
            ))
        })
        .collect();
    let told: BTreeSet<(String, String, String)> = resources
        .iter()
        .filter(|event| event.pointer("/_dd/trace_id").is_some())
        .map(|event| {
            let part = |pointer| text(event, pointer).to_owned();
            (
                part("/session/id"),
                part("/_dd/trace_id"),
                part("/_dd/span_id"),
            )
        })
        .collect();
    assert_eq!(told, on_the_wire);
    assert!(!told.is_empty() && told.len() < resources.len());
    assert!(report.rum.is_some());
}

#[test]
fn nobody_who_is_no_browser_tells_anything() {
    let echo = Echo::start();
    for (browser, arguments) in [
        ("rum-events: false", vec![]),
        ("session-sample: 0%", vec![]),
        ("", vec!["--rum", "off"]),
    ] {
        let run = Run::of(&scenario(&echo.url(), browser, 1)).with(&arguments);
        let (_, report) = run.finish();
        assert!(report.rum.is_none(), "{browser}");
        assert!(!run.run_folder().join("rum.jsonl").exists(), "{browser}");
    }
}

#[test]
fn no_event_tells_a_secret() {
    let echo = Echo::start();
    let target = format!("{}/", echo.url());
    let run = Run::of(&format!(
        "
name: secret
target: {target}
load: {{ model: open, phases: [{{ name: only, for: 1s, rate: 10/s }}] }}
browser: {{ style: rum }}
variables: {{ password: hunter2hunter2 }}
journeys:
  - name: look
    steps:
      - {{ get: \"/reset/${{password}}\" }}
      - {{ get: \"/page?api_key=k3yk3yk3y&q=shoe\" }}
      - {{ get: \"/${{person.password}}/page\" }}
"
    ));
    run.finish();
    let text = fs::read_to_string(run.run_folder().join("rum.jsonl")).expect("rum.jsonl");
    assert!(
        text.contains("/reset/{password}") && text.contains("/page"),
        "{text}"
    );
    for request in echo.seen() {
        let secret = request
            .path
            .trim_matches('/')
            .split('/')
            .next()
            .unwrap_or_default();
        let is_known = ["reset", "page"]
            .iter()
            .any(|known| secret.starts_with(known));
        assert!(is_known || !text.contains(secret), "{secret}");
    }
    for secret in ["hunter2hunter2", "k3yk3yk3y"] {
        assert!(!text.contains(secret), "{secret}");
    }
    assert_right(&events_in(&text));
}

/// A run whose events go to this proxy.
fn through(proxy: &str, seconds: u32) -> (Ended, RumRecord) {
    let target = Echo::start();
    let run = Run::of(&scenario(&target.url(), "", seconds));
    let mut command = Command::new(env!("CARGO_BIN_EXE_loadgen"));
    command.args(run.arguments()).env("DD_RUM_PROXY_URL", proxy);
    let ended = Program::spawn(command).wait();
    assert!([0, 4].contains(&ended.code()), "{}", ended.err);
    let report = run.report();
    assert_eq!(
        report.accounting.completed, report.accounting.planned,
        "{}",
        ended.out
    );
    assert!(!run.run_folder().join("rum.jsonl").exists());
    (ended, report.rum.expect("RUM events"))
}

fn says(status: u16) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::new(Bytes::new()));
    *answer.status_mut() = status.try_into().expect("a status");
    answer
}

#[test]
fn an_intake_gets_batches_as_from_browsers() {
    let intake = Echo::answering(|_| says(202));
    let (_, rum) = through(&intake.url(), 3);
    let mut events = Vec::new();
    for batch in intake.seen() {
        assert_eq!(batch.method, "POST");
        assert_eq!(
            batch.header("content-type"),
            Some("text/plain;charset=UTF-8")
        );
        assert!(
            batch
                .header("user-agent")
                .is_some_and(|agent| agent.starts_with("Mozilla/5.0"))
        );
        let forward = batch
            .path
            .strip_prefix("/?ddforward=")
            .expect("a proxy's form");
        let forward = percent_decode_str(forward).decode_utf8().expect("text");
        for part in [
            "/api/v2/rum?ddsource=browser&dd-api-key=",
            "&dd-evp-origin-version=",
            "&dd-evp-origin=browser&dd-request-id=",
            "&batch_time=",
            "&_dd.api=beacon",
        ] {
            assert!(forward.contains(part), "{forward}");
        }
        assert!(!batch.body.ends_with('\n'));
        events.extend(events_in(&batch.body));
    }
    assert_eq!(events.len() as u64, rum.events);
    assert_eq!(assert_right(&events) as u64, rum.views);
    assert!(rum.dropped.is_empty(), "{rum:?}");
}

#[test]
fn what_an_intake_does_not_take_at_once_is_sent_again() {
    static ASKED: AtomicU32 = AtomicU32::new(0);
    let answer = |_: &Recorded| match ASKED.fetch_add(1, Ordering::Relaxed) {
        0 => says(503),
        1 => says(429),
        _ => says(202),
    };
    let intake = Echo::answering(answer);
    let (_, rum) = through(&intake.url(), 6);
    assert!(rum.retries > 0, "{rum:?}");
    assert!(rum.dropped.is_empty(), "{rum:?}");
    let seen = intake.seen();
    assert!(
        seen.iter()
            .any(|batch| batch.path.contains("retry_count%3D1"))
    );
    // What was not taken came again.
    let taken: Vec<&Recorded> = seen.iter().skip(2).collect();
    let lines: usize = taken.iter().map(|batch| batch.body.lines().count()).sum();
    assert_eq!(lines as u64, rum.events);
}

#[test]
fn an_intake_that_fails_or_refuses_costs_events_and_nothing_else() {
    let failing = Echo::answering(|_| says(500));
    let refusing = Echo::answering(|_| says(413));
    for (intake, reason) in [(&failing, "no_time"), (&refusing, "status_413")] {
        let (ended, rum) = through(&intake.url(), 1);
        assert_eq!(rum.events, 0);
        assert!(
            rum.dropped.get(reason).is_some_and(|events| *events > 0),
            "{rum:?}"
        );
        assert!(ended.out.contains("events dropped: "), "{}", ended.out);
    }
}

#[test]
fn an_intake_that_hangs_or_is_not_there_costs_events_and_nothing_else() {
    // Takes connections, as its system does, and says nothing.
    let hanging = TcpListener::bind("127.0.0.1:0").expect("a socket");
    let hanging = format!("http://{}", hanging.local_addr().expect("an address"));
    for intake in [hanging.as_str(), "http://127.0.0.1:1"] {
        let (_, rum) = through(intake, 1);
        assert_eq!(rum.events, 0);
        assert_eq!(
            rum.dropped.keys().collect::<Vec<_>>(),
            ["no_time"],
            "{rum:?}"
        );
    }
}

#[test]
fn wrong_settings_are_told_at_the_start_and_all_at_once() {
    let run = Run::of(&scenario("http://127.0.0.1:1", "", 1));
    let mut command = Command::new(env!("CARGO_BIN_EXE_loadgen"));
    command
        .args(run.arguments())
        .env("DD_RUM_CLIENT_TOKEN", "pubs3cr3ts3cr3t")
        .env("DD_SITE", "nowhere");
    let ended = Program::spawn(command).wait();
    assert_eq!(ended.code(), 2);
    for part in [
        "DD_RUM_APPLICATION_ID is not",
        "DD_SITE: 'nowhere' is no site",
    ] {
        assert!(ended.err.contains(part), "{}", ended.err);
    }
    assert!(!ended.err.contains("s3cr3t"), "{}", ended.err);
}

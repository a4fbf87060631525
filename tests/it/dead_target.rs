//! A run in which nothing succeeded is no success.

use std::net::TcpListener;

use crate::echo::Echo;
use crate::support::{Program, Run};

/// A port that nobody listens on.
fn dead_url() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    url
}

fn scenario(step: &str, thresholds: &str) -> String {
    format!(
        "name: dead
load: {{ model: open, phases: [{{ name: steady, for: 1s, rate: 5/s }}] }}
limits: {{ start-lag: 10m }}
journeys: [{{ name: look, steps: [{step}] }}]
thresholds: [{thresholds}]
"
    )
}

#[test]
fn a_mistyped_port_is_not_green() {
    let run = Run::of(&scenario("{ get: /page }", "")).with(&["--target", &dead_url()]);
    let (ended, report) = run.finish();
    let reason = report
        .verdict
        .nothing_succeeded
        .as_ref()
        .expect("the verdict");
    assert!(
        reason.what.contains("none of 5 steps") && reason.what.contains("connect_refused"),
        "{reason:?}"
    );
    assert!(report.verdict.valid, "{:?}", report.verdict);
    assert_eq!(ended.code(), 5, "{}", ended.out);
    assert!(ended.out.contains("NOTHING SUCCEEDED"), "{}", ended.out);
    let folder = run.run_folder();
    let page = std::fs::read_to_string(folder.join("report.html")).expect("the page");
    assert!(page.contains("NOTHING SUCCEEDED"));
    let folder = folder.to_str().expect("UTF-8");
    for format in ["--junit", "--markdown"] {
        let told = Program::start(["report", folder, format]).wait();
        assert_eq!(told.code(), 0, "{}", told.err);
        assert!(
            told.out.contains("NOTHING SUCCEEDED"),
            "{format}:\n{}",
            told.out
        );
    }
}

#[test]
fn how_fast_failures_are_meets_no_threshold() {
    let thresholds = "p95 < 500 ms, p95 of GET /page < 500 ms, p95 of journey look < 1s, p99 service time < 1s, p99 < 1s in every 1s";
    let run = Run::of(&scenario("{ get: /page }", thresholds)).with(&["--target", &dead_url()]);
    let (ended, report) = run.finish();
    assert_eq!(report.verdict.thresholds.len(), 5);
    for threshold in &report.verdict.thresholds {
        assert!(!threshold.met && threshold.value.is_none(), "{threshold:?}");
        assert!(
            threshold.shown.contains("nothing was measured"),
            "{threshold:?}"
        );
    }
    assert_eq!(ended.code(), 5);
}

#[test]
fn errors_that_the_scenario_foresees_are_no_dead_target() {
    let echo = Echo::start();
    for step in [
        "{ get: /page, check: { status: 200 } }",
        "{ get: /page, outcomes: [{ name: fine, status: 2xx }], check: { status: 503 } }",
    ] {
        let run = Run::of(&scenario(step, "")).with(&["--target", &echo.url()]);
        let (ended, report) = run.finish();
        assert_eq!(report.verdict.nothing_succeeded, None);
        assert_ne!(ended.code(), 5, "{}", ended.out);
    }
    let unforeseen = scenario("{ get: /page, check: { status: 503 } }", "");
    let (ended, report) = Run::of(&unforeseen)
        .with(&["--target", &echo.url()])
        .finish();
    let reason = report
        .verdict
        .nothing_succeeded
        .as_ref()
        .expect("the verdict");
    assert!(
        reason.what.contains("5 ended with status_200"),
        "{reason:?}"
    );
    assert_eq!(ended.code(), crate::support::code_of(&report));
}

#[test]
fn segments_are_dead_only_together() {
    let scenario = scenario("{ get: /page }", "");
    let run = |segment: &str, target: &str| {
        let run = Run::of(&scenario).with(&["--target", target, "--segment", segment]);
        run.finish();
        run
    };
    let (dead, echo) = (dead_url(), Echo::start());
    let verdict = |runs: [&Run; 2]| {
        let folders: Vec<String> = runs
            .iter()
            .map(|run| run.run_folder().to_str().expect("UTF-8").to_owned())
            .collect();
        let ended = Program::start(["report", &folders[0], &folders[1], "--markdown"]).wait();
        assert_eq!(ended.code(), 0, "{}", ended.err);
        ended.out.contains("NOTHING SUCCEEDED")
    };
    let (one, two, alive) = (
        run("1/2", &dead),
        run("2/2", &dead),
        run("2/2", &echo.url()),
    );
    assert!(verdict([&one, &two]));
    assert!(!verdict([&one, &alive]));
}

/// Half of the steps fail at once: what is left is as slow as it is.
#[test]
fn failures_make_nothing_look_faster() {
    let (dead, slow) = (
        dead_url(),
        Echo::after(std::time::Duration::from_millis(250)),
    );
    let steps = format!(
        "{{ get: /page }}, {{ get: '{dead}/gone', name: GET gone, on-error: go-on }}, {{ get: '{dead}/away', name: GET away, on-error: go-on }}"
    );
    let thresholds = "p50 > 200 ms, p50 service time > 200 ms, p50 of GET gone < 1s, max failure time of GET gone < 1h, max failure time of GET /page < 1s";
    let run = Run::of(&scenario(&steps, thresholds)).with(&["--target", &slow.url()]);
    let (ended, report) = run.finish();
    let met: Vec<bool> = report.verdict.thresholds.iter().map(|t| t.met).collect();
    assert_eq!(met, [true, true, false, true, false], "{}", ended.out);
    assert_eq!(report.verdict.nothing_succeeded, None);
    for step in &report.steps {
        let (times, failures) = (step.response.count, step.failure_time.count);
        let expected = if step.step == "GET /page" {
            (5, 0)
        } else {
            (0, 5)
        };
        assert_eq!((times, failures), expected, "{}", step.step);
    }
    assert!(ended.out.contains("time to failure"), "{}", ended.out);
    let folder = run.run_folder();
    let told = Program::start(["report", folder.to_str().expect("UTF-8"), "--json"]).wait();
    assert_eq!(told.code(), 0, "{}", told.err);
    let told: serde_json::Value = serde_json::from_str(&told.out).expect("JSON");
    assert!(told.to_string().contains("failure_ms"), "{told}");
}

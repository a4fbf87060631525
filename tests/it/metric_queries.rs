//! Queries over what a run recorded: the list of metrics, values, plots, and what cannot be answered.

use std::path::Path;

use alerting::evaluate::sketch::Sketch;
use loadgen::recording::FILE;
use loadgen::recording::recorder::Recorder;
use loadgen::redact::Redactor;
use rusqlite::{Connection, params};

use crate::support::{Ended, Program};

/// UNIX seconds at which the load began.
const START: i64 = 1_790_000_000;

/// A recording of ten minutes: a queue that fills, requests of two services, orders.
fn recorded() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let recorder = Recorder::start(folder.path(), 1, Redactor::default()).expect("a recorder");
    recorder.note("load_started_ms", &(START * 1_000).to_string());
    recorder.finish();
    let mut file = Connection::open(folder.path().join(FILE)).expect("the recording");
    let rows = file.transaction().expect("a transaction");
    let series = |id: i64, metric: &str, kind: &str, unit: &str, tags: &str| {
        let text = "INSERT INTO series (id, metric, kind, unit, tags) VALUES (?1, ?2, ?3, ?4, ?5)";
        rows.execute(text, params![id, metric, kind, unit, tags])
            .expect("a series");
    };
    series(1, "ecommerce.queue.dlq_depth", "gauge", "", "queue:orders");
    series(
        2,
        "http.server.request.duration",
        "distribution",
        "s",
        "service:cart",
    );
    series(
        3,
        "http.server.request.duration",
        "distribution",
        "s",
        "service:login",
    );
    series(4, "ecommerce.orders.created", "count", "", "env:test");
    let point = |series: i64, at: i64, value: Option<f64>, sketch: Option<Vec<u8>>| {
        let text = "INSERT INTO points (series, at, value, sketch) VALUES (?1, ?2, ?3, ?4)";
        rows.execute(text, params![series, START + at, value, sketch])
            .expect("a point");
    };
    for step in 0..60_i32 {
        let at = i64::from(step) * 10;
        point(1, at, Some(f64::from((step - 30).max(0))), None);
        let slow = if step == 40 { 0.9 } else { 0.1 };
        let cart = (0..100).map(|n| slow * (1.0 + f64::from(n) / 100.0));
        point(2, at, None, Some(Sketch::of(cart).to_bytes()));
        point(3, at, None, Some(Sketch::of([0.05]).to_bytes()));
        point(4, at, Some(3.0), None);
    }
    rows.commit().expect("written");
    folder
}

fn metrics(folder: &Path, more: &[&str]) -> Ended {
    let run = folder.to_str().expect("UTF-8");
    Program::start(["metrics", run].iter().chain(more)).wait()
}

fn json(folder: &Path, query: &str, more: &[&str]) -> serde_json::Value {
    let ended = metrics(folder, &[&[query, "--json"], more].concat());
    assert_eq!(ended.code(), 0, "{}", ended.err);
    serde_json::from_str(&ended.out).expect("JSON")
}

#[test]
fn what_was_recorded_is_listed() {
    let folder = recorded();
    let ended = metrics(folder.path(), &[]);
    assert_eq!(ended.code(), 0, "{}", ended.err);
    let line = ended
        .out
        .lines()
        .find(|line| line.starts_with("http.server"));
    let words: Vec<&str> = line.expect("a line").split_whitespace().collect();
    assert_eq!(
        words,
        [
            "http.server.request.duration",
            "distribution",
            "s",
            "2",
            "service"
        ]
    );
}

#[test]
fn a_query_is_evaluated_and_plotted() {
    let folder = recorded();
    let found = json(
        folder.path(),
        "sum:ecommerce.orders.created{env:test}.as_count()",
        &["--interval", "1m"],
    );
    assert_eq!(
        found["groups"][0]["points"][0],
        serde_json::json!([-20, 12.0])
    );
    let points = found["groups"][0]["points"].as_array().expect("points");
    let sum: f64 = points.iter().filter_map(|point| point[1].as_f64()).sum();
    assert_eq!(sum, 180.0);

    let query = "p95:http.server.request.duration{*} by {service}";
    let ended = metrics(folder.path(), &[query]);
    assert_eq!(ended.code(), 0, "{}", ended.err);
    assert!(
        ended.out.contains("service:cart") && ended.out.contains("service:login"),
        "{}",
        ended.out
    );
    assert!(
        ended.out.contains('⠁') || ended.out.contains('⠒') || ended.out.contains('⣀'),
        "{}",
        ended.out
    );
    assert!(ended.err.contains("assumed: sketch"), "{}", ended.err);

    let some = json(
        folder.path(),
        "max:ecommerce.queue.dlq_depth{*}",
        &["--from", "300s", "--to", "349s"],
    );
    assert_eq!(some["groups"][0]["max"], 4.0);
    let ended = metrics(
        folder.path(),
        &["max:ecommerce.queue.dlq_depth{*}", "--csv"],
    );
    assert_eq!(ended.out.lines().count(), 61, "{}", ended.out);
    assert_eq!(
        ended.out.lines().last(),
        Some(format!("*,590,{},29", START + 590).as_str())
    );
}

#[test]
fn what_cannot_be_answered_is_said_with_the_place_and_the_nearest_names() {
    let folder = recorded();
    for (arguments, parts) in [
        (
            &["max:ecommerce.queue.dlqdepth{*}"][..],
            &["never had data", "`ecommerce.queue.dlq_depth`"][..],
        ),
        (
            &["cumsum(sum:ecommerce.orders.created{*})"],
            &["`cumsum` cannot be evaluated", "\n  ^^^^^^"],
        ),
        (
            &["p95:ecommerce.queue.dlq_depth{*}"],
            &["need a distribution"],
        ),
        (
            &["sum:ecommerce.orders.created{env:prod}"],
            &["no series fits", "has the tags env"],
        ),
        (&["avg:a{*"], &["error: "]),
        (&["avg:a{*}, avg:b{*}"], &["one at a time"]),
        (
            &[
                "avg:ecommerce.queue.dlq_depth{*}",
                "--from",
                "9m",
                "--to",
                "8m",
            ],
            &["there is no time"],
        ),
        (
            &[
                "avg:ecommerce.queue.dlq_depth{*}",
                "--to",
                "30d",
                "--interval",
                "1s",
            ],
            &["more than 20000 buckets"],
        ),
    ] {
        let ended = metrics(folder.path(), arguments);
        assert_eq!(ended.code(), 2, "{arguments:?}: {}", ended.err);
        for part in parts {
            assert!(ended.err.contains(part), "{arguments:?}: {}", ended.err);
        }
    }
    let empty = tempfile::tempdir().expect("a folder");
    let ended = metrics(empty.path(), &[]);
    assert_eq!(ended.code(), 2, "{}", ended.err);
}

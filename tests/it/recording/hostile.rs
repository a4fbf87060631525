//! Senders who mean no good, or know no better: what they send is bounded and counted, and the run goes on.

use std::io::Write as _;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use opentelemetry_proto::tonic::trace::v1::Span;

use super::messages::{attribute, encoded, now_nanos, request, spans};
use super::{Recorded, database, number};
use crate::support::eventually;

const PROTOBUF: &str = "content-type: application/x-protobuf";

#[test]
fn large_bodies_and_bombs_are_refused_and_the_next_one_is_taken() {
    let recorded = Recorded::start();
    let to = &recorded.to;
    assert_eq!(to.post("/v1/traces", &vec![0; 5 << 20]).status(), 413);
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..200 {
        bomb.write_all(&vec![0; 1 << 20]).expect("memory");
    }
    let bomb = bomb.finish().expect("memory");
    let packed = [PROTOBUF, "content-encoding: gzip"];
    assert_eq!(
        to.request("POST", "/v1/traces", &packed, &bomb).status(),
        413
    );
    // Two bytes a span.
    let many = encoded(vec![request("many", vec![Span::default(); 1_000_000])]);
    assert_eq!(to.post("/v1/traces", &many).status(), 413);
    assert_eq!(to.post("/v1/traces", &spans(&[1])).status(), 200);
    recorded.finish();
}

#[test]
fn a_long_attribute_is_cut() {
    let recorded = Recorded::start();
    let now = now_nanos();
    let long = Span {
        trace_id: vec![1; 16],
        span_id: vec![1; 8],
        name: "x".repeat(1 << 20),
        start_time_unix_nano: now,
        end_time_unix_nano: now + 1,
        attributes: vec![attribute("long", &"ü".repeat(1 << 19))],
        ..Span::default()
    };
    let answer = recorded
        .to
        .post("/v1/traces", &encoded(vec![request("long", vec![long])]));
    assert_eq!(answer.status(), 200);
    let run = recorded.finish();
    let file = database(&run.run_folder());
    let lengths = "SELECT max(length(attributes) + length(name)) FROM spans";
    assert!((100.0..5_000.0).contains(&number(&file, lengths)));
}

#[test]
fn more_tag_values_than_there_may_be_are_counted() {
    let recorded = Recorded::start();
    let lines = |from: usize| -> String {
        let lines = (from..from + 100).map(|number| format!("many:1|c|#id:{number}\n"));
        lines.collect()
    };
    for from in (0..30_000).step_by(100) {
        recorded.to.say(&lines(from));
        if from % 2_000 == 0 {
            // As fast as the system keeps datagrams.
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    let run = recorded.finish();
    let recording = run.report().recording.expect("a recording");
    assert!(recording.series <= 20_000, "{recording:?}");
    assert!(recording.dropped["series"] > 0, "{recording:?}");
    assert!(recording.bytes < 20 << 20, "{recording:?}");
}

#[test]
fn slow_and_silent_senders_keep_nobody_out_and_end_with_the_run() {
    let recorded = Recorded::start();
    let slow: Vec<_> = (0..10)
        .map(|_| {
            let mut stream = recorded.to.connect();
            let head = format!("POST /v1/traces HTTP/1.1\r\nhost: test\r\n{PROTOBUF}\r\ncontent-length: 1000\r\n\r\nx");
            stream.write_all(head.as_bytes()).expect("it reads");
            stream
        })
        .collect();
    eventually("an answer", || {
        (recorded.to.post("/v1/traces", &spans(&[1])).status() == 200).then_some(())
    });
    let run = recorded.finish();
    drop(slow);
    assert_eq!(run.report().recording.expect("a recording").traces, 1);
}

#[test]
fn garbage_is_counted() {
    let recorded = Recorded::start();
    for length in 0..50_u8 {
        let noise: Vec<u8> = (0..length)
            .map(|number| number.wrapping_mul(101) ^ length)
            .collect();
        let status = recorded.to.post("/v1/metrics", &noise).status();
        assert!([200, 400].contains(&status), "{status}");
        recorded.to.say(&String::from_utf8_lossy(&noise));
    }
    let run = recorded.finish();
    let recording = run.report().recording.expect("a recording");
    assert!(recording.dropped["malformed"] > 10, "{recording:?}");
}

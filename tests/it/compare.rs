//! `loadgen compare`: what moved, whether everything did, and limits on differences.

use std::time::Duration;

use serde_json::Value;

use crate::echo::Echo;
use crate::support::{Ended, Program, Run};

const TWO_STEPS: &str = "
name: two-steps
load: { model: one-by-one, journeys: 10 }
journeys: [{ name: look, steps: [{ get: /a }, { get: /b }] }]
";

fn run(target: &Echo) -> Run {
    let run = Run::of(TWO_STEPS).with(&["--target", &target.url()]);
    run.finish();
    run
}

fn compare(a: &Run, b: &Run, more: &[&str]) -> Ended {
    let folder = |run: &Run| run.run_folder().to_str().expect("UTF-8").to_owned();
    let mut arguments = vec!["compare".to_owned(), folder(a), folder(b)];
    arguments.extend(more.iter().map(|argument| (*argument).to_owned()));
    Program::start(arguments).wait()
}

#[test]
fn differences_are_told_in_milliseconds_and_limited() {
    let fast = run(&Echo::start());
    let slow = run(&Echo::after(Duration::from_millis(200)));
    let told = compare(&fast, &slow, &[]);
    assert_eq!(told.code(), 0, "{}", told.err);
    for words in [
        "everything moved by +2",
        "p95",
        " ms",
        "the largest share first",
    ] {
        assert!(told.out.contains(words), "{words}: {}", told.out);
    }
    let json = compare(&fast, &slow, &["--format", "json"]);
    let json: Value = serde_json::from_str(&json.out).expect("JSON");
    assert_eq!(json["together"]["steps"], 2);
    let rows = json["rows"].as_array().expect("rows");
    let changes: Vec<f64> = rows
        .iter()
        .filter_map(|row| row["change"].as_f64())
        .collect();
    assert!(
        changes.is_sorted_by(|a, b| a.abs() >= b.abs()),
        "{changes:?}"
    );
    let moved = rows[0]["moved_ms"].as_f64().expect("a movement");
    assert!(moved > 100.0, "{moved}");

    for (limit, code) in [
        ("p50 < 100 ms", 3),
        ("p95 of every step < 10 %", 3),
        ("p50 of GET /a < 1h", 0),
        ("errors < 0.5 %", 0),
        ("p99 <= 1000000 %", 0),
        ("p50 of GET /nowhere < 10 %", 2),
        ("p(95) < 10 %", 2),
    ] {
        let told = compare(&fast, &slow, &["--threshold", limit]);
        assert_eq!(told.code(), code, "{limit}: {}{}", told.out, told.err);
        if code == 3 {
            assert!(told.out.contains(&format!("✗ {limit}: ")), "{}", told.out);
        }
    }
    let other_way = compare(&slow, &fast, &["--threshold", "p95 of every step < 0 %"]);
    assert_eq!(other_way.code(), 0, "{}", other_way.out);
    let markdown = compare(
        &slow,
        &fast,
        &["--format", "markdown", "--threshold", "p50 < 1s"],
    );
    assert!(markdown.out.contains("- ✓ p50 < 1s: -"), "{}", markdown.out);
    assert!(
        markdown.out.contains("| moved | change |"),
        "{}",
        markdown.out
    );
}

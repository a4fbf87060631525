//! What a scenario makes and what a target sends is bounded, and whoever meets a bound is told which.

use std::collections::BTreeMap;
use std::fs;

use crate::echo::Echo;
use crate::support::{Program, Run, assert_adds_up, errors};
use crate::targets::Hostile;

/// The errors of a run of one journey with these steps.
fn errors_of(steps: &str, target: &str) -> BTreeMap<String, u64> {
    let scenario = format!(
        "name: bounds
load: {{ model: one-by-one, journeys: 1 }}
variables: {{ v: 0123456789abcdef }}
journeys:
  - name: grow
    steps:
{steps}"
    );
    let (_, report) = Run::of(&scenario).with(&["--target", target]).finish();
    assert_adds_up(&report);
    let memory = report.generator.memory_bytes_max;
    assert!(memory < 256 << 20, "{} MiB", memory >> 20);
    errors(&report)
}

fn one(kind: &str) -> BTreeMap<String, u64> {
    BTreeMap::from([(kind.to_owned(), 1)])
}

#[test]
fn a_variable_that_doubles_fails_its_step_and_nothing_else() {
    let echo = Echo::start();
    let sent_between = "
      - repeat: 40
        steps:
          - set: { v: '${v}${v}' }
          - { get: /page, on-error: go-on }
";
    assert_eq!(errors_of(sent_between, &echo.url()), one("value_too_large"));
    assert_eq!(echo.seen().len(), 39, "one request was not sent");
    let without_a_step_between = "
      - repeat: 1000
        steps: [{ set: { v: '${v}${v}' } }]
      - { get: /page, on-error: go-on }
      - get: /page
";
    assert_eq!(
        errors_of(without_a_step_between, &echo.url()),
        one("value_too_large")
    );
}

#[test]
fn a_body_of_many_large_values_is_not_sent() {
    let echo = Echo::start();
    let body = "${v}".repeat(20);
    let steps = format!(
        "
      - repeat: 16
        steps: [{{ set: {{ v: '${{v}}${{v}}' }} }}]
      - {{ post: /page, body: '{body}', content-type: text/plain }}
"
    );
    assert_eq!(errors_of(&steps, &echo.url()), one("value_too_large"));
    assert_eq!(echo.seen(), []);
}

#[test]
fn a_value_out_of_an_answer_is_bounded_too() {
    let body = format!("{{\"id\":\"{}\"}}", "x".repeat(2 << 20));
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let target = Hostile::start(move |victim| victim.answer_always(answer.as_bytes()));
    let steps = "
      - { get: /page, extract: { v: /id } }
";
    assert_eq!(errors_of(steps, &target.url()), one("value_too_large"));
}

/// What `loadgen check` says to a scenario with this feeder file.
fn told_of_feeder(name: &str, content: &str) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join(name), content).expect("a file");
    let file = folder.path().join("scenario.yaml");
    let scenario = format!(
        "name: fed
load: {{ model: one-by-one, journeys: 1 }}
feeders: {{ rows: {{ file: {name} }} }}
journeys: [{{ name: look, steps: [{{ get: '/page?a=${{rows.c1}}' }}] }}]
"
    );
    fs::write(&file, scenario).expect("a file");
    let ended = Program::start(["check", file.to_str().expect("UTF-8")]).wait();
    assert_eq!(ended.code(), 2, "{}{}", ended.out, ended.err);
    ended.err
}

#[test]
fn feeders_are_bounded_in_columns_and_values() {
    let columns: Vec<String> = (0..1_001).map(|n| format!("c{n}")).collect();
    let columns = columns.join(",");
    let told = told_of_feeder("wide.csv", &format!("{columns}\n{columns}\n"));
    assert!(told.contains("1001 columns, more than 1000"), "{told}");
    let long = "x".repeat((1 << 20) + 1);
    let told = told_of_feeder("long.csv", &format!("c1\nshort\n{long}\n"));
    assert!(
        told.contains("line 3 has a value of 1048577 bytes"),
        "{told}"
    );
    let told = told_of_feeder("long.jsonl", &format!("{{\"c1\":\"{long}\"}}\n"));
    assert!(
        told.contains("line 1 has a value of 1048577 bytes"),
        "{told}"
    );
}

/// What a run says that shall audit a target with these books.
fn told_of_books(body: String) -> String {
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let target = Hostile::start(move |victim| victim.answer_always(answer.as_bytes()));
    let scenario = "name: audited
load: { model: one-by-one, journeys: 1 }
journeys: [{ name: look, steps: [{ get: /page }] }]
";
    let run = Run::of(scenario).with(&["--target", &target.url(), "--audit"]);
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_loadgen"));
    command
        .args(run.arguments())
        .env("SHOP_AUDIT_TOKEN", "an auditor for the length of a test");
    let ended = Program::spawn(command).wait();
    assert_eq!(ended.code(), 1, "{}{}", ended.out, ended.err);
    ended.err
}

#[test]
fn books_without_an_end_are_not_read_for_ever() {
    let pipeline = r#""nowMs":1,"outbox":0,"undecidedIntents":0,"queues":[]"#;
    let told = told_of_books(format!(r#"{{{pipeline},"stock":[],"nextAfter":"again"}}"#));
    assert!(
        told.contains("pages that do not end") && told.contains("again"),
        "{told}"
    );
    let told = told_of_books(format!(
        "{{{pipeline},\"stock\":[]{}}}",
        " ".repeat(33 << 20)
    ));
    assert!(told.contains("larger than 32 MiB"), "{told}");
}

//! What a scenario makes and what a target sends is bounded, and whoever meets a bound is told which.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

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

#[test]
fn all_variables_of_a_shopper_together_are_bounded() {
    let echo = Echo::start();
    // Each of them is as large as one may be: four fit.
    let steps = "
      - repeat: 16
        steps: [{ set: { v: '${v}${v}' } }]
      - set: { a: '${v}', b: '${v}', c: '${v}' }
      - { get: /page, name: four, on-error: go-on }
      - set: { d: '${v}' }
      - { get: /page, name: five, on-error: go-on }
      # Those that shrink make room for another.
      - set: { a: small, b: small }
      - set: { d: '${v}' }
      - { get: /page, name: four again, on-error: go-on }
";
    assert_eq!(errors_of(steps, &echo.url()), one("value_too_large"));
    assert_eq!(echo.seen().len(), 2, "the fifth's step was not sent");
}

/// What `loadgen check` says to a scenario that it refuses, among the files of a folder.
fn told_of(folder: &Path, scenario: &str) -> String {
    let file = folder.join("scenario.yaml");
    fs::write(&file, scenario).expect("a file");
    let ended = Program::start(["check", file.to_str().expect("UTF-8")]).wait();
    assert_eq!(ended.code(), 2, "{}{}", ended.out, ended.err);
    ended.err
}

/// What `loadgen check` says to a scenario with this feeder file.
fn told_of_feeder(name: &str, content: &str) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join(name), content).expect("a file");
    let scenario = format!(
        "name: fed
load: {{ model: one-by-one, journeys: 1 }}
feeders: {{ rows: {{ file: {name} }} }}
journeys: [{{ name: look, steps: [{{ get: '/page?a=${{rows.c1}}' }}] }}]
"
    );
    told_of(folder.path(), &scenario)
}

/// A scenario that only looks, with this before its journey and this in its only step.
fn looking(before: &str, step: &str) -> String {
    format!(
        "name: looking
load: {{ model: one-by-one, journeys: 1 }}
{before}
journeys:
  - name: look
    steps:
{step}
"
    )
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

/// A file that takes no room on the disk.
fn sparse(path: &Path, bytes: u64) {
    let file = fs::File::create(path).expect("a file");
    file.set_len(bytes).expect("a sparse file");
}

#[test]
fn feeder_files_are_bounded_each_and_together() {
    let folder = tempfile::tempdir().expect("a folder");
    let get = "      - get: /page";
    sparse(&folder.path().join("huge.csv"), (256 << 20) + 1);
    let feeders = "feeders: { rows: { file: huge.csv } }";
    let told = told_of(folder.path(), &looking(feeders, get));
    assert!(told.contains("larger than 256 MiB"), "{told}");

    // Read, and then refused for its name: what it holds would take long to take apart.
    sparse(&folder.path().join("large.txt"), 250 << 20);
    let feeders: String = (0..5)
        .map(|n| format!("  f{n}: {{ file: large.txt }}\n"))
        .collect();
    let told = told_of(
        folder.path(),
        &looking(&format!("feeders:\n{feeders}"), get),
    );
    let refused = told.matches("all feeders together are larger than 1024 MiB");
    assert_eq!(refused.count(), 1, "the fifth: {told}");
}

#[test]
fn feeders_are_bounded_in_number() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("rows.csv"), "c1\n1\n").expect("a file");
    let feeders: String = (0..1_001)
        .map(|n| format!("  f{n}: {{ file: rows.csv }}\n"))
        .collect();
    let scenario = looking(&format!("feeders:\n{feeders}"), "      - get: /page");
    let told = told_of(folder.path(), &scenario);
    assert!(told.contains("more than 1000 feeders"), "{told}");
}

#[test]
fn counters_variables_and_names_are_bounded_in_number_and_length() {
    let folder = tempfile::tempdir().expect("a folder");
    let counting: String = (0..1_001)
        .map(|n| format!("      - {{ get: /page, count: c{n} }}\n"))
        .collect();
    let told = told_of(folder.path(), &looking("", &counting));
    assert!(told.contains("more than 1000 counters"), "{told}");
    let variables: String = (0..10_001).map(|n| format!("  v{n}: 1\n")).collect();
    let scenario = looking(&format!("variables:\n{variables}"), "      - get: /page");
    let told = told_of(folder.path(), &scenario);
    assert!(
        told.contains("more than 10000 places set variables"),
        "{told}"
    );
    for step in [
        "{ get: /page, count: NAME }",
        "{ get: /page, service: NAME }",
        "{ get: /page, tags: [NAME] }",
        "set: { NAME: 1 }",
    ] {
        let step = format!("      - {}", step.replace("NAME", &"n".repeat(65)));
        let told = told_of(folder.path(), &looking("", &step));
        assert!(told.contains("at most 64"), "{step}: {told}");
    }
    let named = format!("      - {{ get: /page, name: {} }}", "n".repeat(201));
    let told = told_of(folder.path(), &looking("", &named));
    assert!(told.contains("200"), "{told}");
}

#[test]
fn a_name_that_is_made_of_a_path_is_cut() {
    let echo = Echo::start();
    let run = Run::of(&looking(
        "",
        &format!("      - get: /{}", "p".repeat(5_000)),
    ));
    let (_, report) = run.with(&["--target", &echo.url()]).finish();
    let names: Vec<&str> = report.steps.iter().map(|step| step.step.as_str()).collect();
    assert_eq!(names, [format!("GET /{}", "p".repeat(195))]);
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

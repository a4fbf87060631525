//! Checks, outcomes and conditions compare with what the shopper knows, and an error says what was expected and what came.

use std::fs;

use crate::support::{Program, Run, errors};
use crate::targets::Hostile;

/// Answers every request in the same way.
fn target() -> Hostile {
    Hostile::start(|victim| {
        let body = r#"{"id":"a-42","n":7,"big":9007199254740993,"password":"hunter2-of-the-shop","flag":true}"#;
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-id: a-42\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        victim.answer_always(answer.as_bytes())
    })
}

/// A journey that learns the values of the first answer, and asks again.
fn scenario(again: &str) -> String {
    format!(
        "name: compared
load: {{ model: one-by-one, journeys: 1 }}
variables: {{ low: 5, wrong: other, half: '42' }}
journeys:
  - name: look
    steps:
      - get: /first
        extract: {{ id: /id, n: /n, big: /big, flag: /flag, none: {{ json: /none, optional: true }} }}
      - {again}
"
    )
}

#[test]
fn values_are_compared_wherever_one_stands() {
    let target = target();
    for again in [
        r#"{ get: /again, check: { json: { /id: "${id}" } } }"#,
        r#"{ get: /again, check: { json: { /n: "${n}", /big: "${big}", /flag: "${flag}" } } }"#,
        r#"{ get: /again, check: { json: { /id: "a-${half}", /n: "> ${low}" } } }"#,
        r#"{ get: /again, check: { json: { /n: ">= ${n}", /id: { is-not: "${wrong}" } } } }"#,
        r#"{ get: /again, check: { json: { /id: { one-of: [x, "${id}"] } } } }"#,
        r#"{ get: /again, check: { json: { /id: { contains: "${half}" } } } }"#,
        r#"{ get: /again, check: { header: { x-id: "${id}" }, contains: "${id}" } }"#,
        r#"{ get: /again, outcomes: [{ name: same, json: { /id: "${id}" } }], check: { status: 500 } }"#,
        r#"{ when: "json /id is ${id} and id is 'a-${half}' and n > ${low}", then: [{ get: /yes }], else: [{ get: /no, check: { status: 500 } }] }"#,
        r#"{ get: /again, check: { json: { /id: "${id}", "/none": { is-not: "${none}" } } } }"#,
    ] {
        let (_, report) = Run::of(&scenario(again))
            .with(&["--target", &target.url()])
            .finish();
        assert_eq!(errors(&report).len(), 0, "{again}: {:?}", report.steps);
        assert_eq!(report.accounting.completed, 1, "{again}");
    }
}

#[test]
fn an_error_says_what_was_expected_and_what_came() {
    let target = target();
    for (check, why) in [
        (
            r#"{ json: { /id: "${wrong}" } }"#,
            r#"expected "other", got "a-42""#,
        ),
        (r#"{ json: { /n: "< ${low}" } }"#, "expected below 5, got 7"),
        (
            r#"{ json: { /id: "${none}" } }"#,
            r#"expected a value that is not set, got "a-42""#,
        ),
        (
            "{ json: { /gone: exists } }",
            "expected a value, got nothing",
        ),
        (
            "{ status: [201, 3xx] }",
            "expected status 201 or 3xx, got 200",
        ),
        (
            "{ header: { x-id: missing } }",
            r#"expected nothing, got "a-42""#,
        ),
        ("{ body-max: 10 B }", "expected at most 10 bytes, got"),
    ] {
        let again = format!("{{ get: /again, check: {check} }}");
        let run = Run::of(&scenario(&again)).with(&["--target", &target.url()]);
        let (ended, report) = run.finish();
        assert_eq!(report.accounting.failed, 1, "{check}");
        assert!(ended.out.contains(why), "{check}: {}", ended.out);
        for file in ["run.json", "samples.jsonl"] {
            let text = fs::read_to_string(run.run_folder().join(file)).expect(file);
            let escaped = why.replace('"', "\\\"");
            assert!(text.contains(&escaped), "{check}: {file}");
        }
        let folder = run.run_folder();
        let folder = folder.to_str().expect("UTF-8");
        let told = Program::start(["report", folder, "--markdown"]).wait();
        let shown = told.out.replace('\\', "");
        assert!(shown.contains(why), "{check}: {}", told.out);
    }
}

#[test]
fn a_missing_value_is_told_too_and_a_secret_is_not() {
    let target = target();
    for (again, expected) in [
        (
            "{ get: /again, extract: { x: /gone } }",
            "expected a value at /gone, got nothing",
        ),
        (
            r#"{ get: /again, check: { json: { /password: "hunter2-of-the-test" } } }"#,
            "expected ‹secret",
        ),
    ] {
        let run = Run::of(&scenario(again)).with(&["--target", &target.url()]);
        let (ended, _) = run.finish();
        assert!(ended.out.contains(expected), "{}", ended.out);
        let folder = run.run_folder();
        for file in fs::read_dir(folder).expect("a folder").flatten() {
            let bytes = fs::read(file.path()).unwrap_or_default();
            let text = String::from_utf8_lossy(&bytes);
            assert!(!text.contains("hunter2"), "{:?}", file.path());
        }
        assert!(!ended.out.contains("hunter2"), "{}", ended.out);
    }
}

#[test]
fn what_cannot_be_compared_is_refused() {
    for (again, problem) in [
        (
            r#"{ get: /again, check: { json: { /id: "${uuid}" } } }"#,
            "another value each time",
        ),
        (
            r#"{ get: /again, check: { json: { /n: "> ${int(1, 3)}" } } }"#,
            "another value each time",
        ),
        (
            r#"{ get: /again, check: { json: { /id: "${nobody}" } } }"#,
            "nothing sets `nobody`",
        ),
        (
            r#"{ get: /again, check: { json: { "/items/${n}": exists } } }"#,
            "a JSON pointer takes no `${…}`",
        ),
        (
            r#"{ get: /again, extract: { x: "/items/${n}" } }"#,
            "a JSON pointer takes no `${…}`",
        ),
        (
            r#"{ when: "json /id is ${nobody}", then: [{ get: /yes }] }"#,
            "nothing sets `nobody`",
        ),
    ] {
        let run = Run::of(&scenario(again)).with(&["--target", "http://127.0.0.1:9"]);
        let ended = run.start().wait();
        assert_eq!(ended.code(), 2, "{again}: {}", ended.err);
        assert!(ended.err.contains(problem), "{again}: {}", ended.err);
    }
}

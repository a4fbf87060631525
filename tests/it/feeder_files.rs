//! Files of feeders as other programs write them, and loads that end with their rows; answers in Latin-1.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::echo::{Echo, Recorded};
use crate::support::{Ended, Program, Run, errors, read_report};
use crate::targets::Hostile;

fn loadgen(folder: &Path, command: &str, more: &[&str]) -> Ended {
    let mut program = Command::new(env!("CARGO_BIN_EXE_loadgen"));
    program
        .args([command, "./scenario.yaml"])
        .args(more)
        .current_dir(folder);
    Program::spawn(program).wait()
}

/// What a target sees of shoppers with this load, who send what stands in a row of the file; and the run's folder.
fn sent(load: &str, feeder: &str, file: (&str, &[u8])) -> (Vec<Recorded>, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join(file.0), file.1).expect("a file");
    // The mark that some programs put in front of UTF-8.
    let scenario = format!(
        "\u{feff}name: rows
load: {load}
feeders: {{ u: {{ file: {}{feeder} }} }}
journeys: [{{ name: j, steps: [{{ post: /a, json: {{ a: '${{u.a}}', b: '${{u.b}}' }} }}] }}]
",
        file.0
    );
    fs::write(folder.path().join("scenario.yaml"), scenario).expect("a scenario");
    let echo = Echo::start();
    let ended = loadgen(
        folder.path(),
        "run",
        &["--target", &echo.url(), "--out", "runs", "--workers", "1"],
    );
    assert_ne!(ended.code(), 2, "{}", ended.err);
    (echo.seen(), folder)
}

fn bodies(seen: &[Recorded]) -> Vec<&str> {
    seen.iter().map(|request| request.body.as_str()).collect()
}

#[test]
fn values_may_stand_between_other_signs_and_in_other_characters() {
    let once = "{ model: one-by-one, journeys: 1 }";
    for (feeder, name, content, body) in [
        (
            ", delimiter: ';'",
            "u.csv",
            &b"a;b\n\"x;1 \";\"y,2\"\n"[..],
            r#"{"a":"x;1 ","b":"y,2"}"#,
        ),
        (
            ", delimiter: tab",
            "u.csv",
            b"a\tb\nx, 1\ty\n",
            r#"{"a":"x, 1","b":"y"}"#,
        ),
        (
            ", delimiter: '|'",
            "u.csv",
            "\u{feff}a|b\r\nx|y\r\n".as_bytes(),
            r#"{"a":"x","b":"y"}"#,
        ),
        (
            ", encoding: latin-1",
            "u.csv",
            b"a,b\nM\xfcller,5 \x80\n",
            "{\"a\":\"Müller\",\"b\":\"5 €\"}",
        ),
        (
            ", encoding: latin-1",
            "u.jsonl",
            b"{\"a\":\"\xe9\",\"b\":1}\n",
            "{\"a\":\"é\",\"b\":1}",
        ),
        (
            "",
            "u.jsonl",
            "\u{feff}{\"a\":1,\"b\":2}\n".as_bytes(),
            r#"{"a":1,"b":2}"#,
        ),
    ] {
        let (seen, _) = sent(once, feeder, (name, content));
        assert_eq!(bodies(&seen), [body], "{feeder} {name}");
    }
}

#[test]
fn a_load_ends_with_the_rows_of_a_feeder_that_stops_it() {
    let rows = (0..7).map(|row| format!("{row},x\n"));
    let file = format!("a,b\n{}", rows.collect::<String>());
    for load in [
        "{ model: one-by-one, journeys: 100 }",
        "{ model: closed, shoppers: 3, for: 60s }",
        "{ model: open, spacing: even, phases: [{ name: p, for: 5m, rate: 20/s }] }",
    ] {
        let (seen, folder) = sent(load, ", when-exhausted: stop", ("u.csv", file.as_bytes()));
        let mut bodies = bodies(&seen);
        bodies.sort_unstable();
        let expected: Vec<String> = (0..7)
            .map(|row| format!("{{\"a\":\"{row}\",\"b\":\"x\"}}"))
            .collect();
        assert_eq!(bodies, expected, "{load}");
        let mut runs = fs::read_dir(folder.path().join("runs"))
            .expect("runs")
            .flatten();
        let report = read_report(&runs.next().expect("a run").path());
        let sums = &report.accounting;
        assert_eq!(
            (sums.planned, sums.completed, sums.dropped.len()),
            (7, 7, 0),
            "{load}"
        );
        assert_eq!(report.interrupted, None, "{load}");
    }
}

#[test]
fn files_that_are_written_otherwise_are_told_with_the_remedy() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).expect(name);
    write("semi.csv", b"email;password\na@b;c\n");
    write("latin.csv", b"a\nM\xfcller\n");
    write("rows.jsonl", b"{\"a\":1}\n");
    write("wide.csv", b"\xff\xfea\0\n\0");
    write(
        "scenario.yaml",
        b"name: broken
load: { model: one-by-one, journeys: 1 }
feeders:
  s: { file: semi.csv }
  l: { file: latin.csv }
  d: { file: latin.csv, encoding: latin-1, delimiter: ab }
  j: { file: rows.jsonl, delimiter: ';' }
  w: { file: wide.csv }
  m: { file: missing.csv }
journeys: [{ name: j, steps: [{ get: / }] }]
",
    );
    let ended = loadgen(folder.path(), "check", &[]);
    assert_eq!(ended.code(), 2);
    let said = ended
        .err
        .split_whitespace()
        .filter(|word| *word != "|")
        .collect::<Vec<_>>()
        .join(" ");
    for message in [
        "its first line has no comma, but `;` between its names: add `delimiter: \";\"`",
        "it is not UTF-8 text; a feeder may say `encoding: latin-1`",
        "`ab` cannot stand between values",
        "`delimiter` is of `.csv` files",
        "it is UTF-16 text; save it as UTF-8",
    ] {
        assert!(said.contains(message), "{message}: {}", ended.err);
    }
    assert_eq!(
        said.matches("looked for in").count(),
        1,
        "of the missing file alone: {}",
        ended.err
    );
}

#[test]
fn answers_in_latin_1_are_read_so() {
    let target = Hostile::start(|victim| {
        victim.answer_always(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain; charset=ISO-8859-1\r\ncontent-length: 12\r\n\r\nname=M\xfcller\n")
    });
    let scenario = "name: latin
load: { model: one-by-one, journeys: 1 }
journeys:
  - name: j
    steps:
      - get: /
        check: { contains: Müller }
        extract: { name: { regex: 'name=(M.ller)' } }
      - get: /again
        name: GET again
        check: { contains: '${name}' }
";
    let (_, report) = Run::of(scenario)
        .with(&["--target", &target.url()])
        .finish();
    assert!(errors(&report).is_empty(), "{:?}", errors(&report));
    assert_eq!(report.accounting.completed, 1);
}

//! What people type first is taken, or the right word is named; and every mistake is told at once.

use std::fs;
use std::process::Command;

use crate::echo::Echo;
use crate::support::{Program, Run, errors};

fn scenario(more: &str, step: &str, thresholds: &str) -> String {
    format!(
        "name: first-words
load: {{ model: one-by-one, journeys: 2 }}
{more}
journeys: [{{ name: look, steps: [{step}, {{ get: /b }}] }}]
thresholds: {thresholds}
"
    )
}

#[test]
fn words_of_other_tools_are_taken() {
    let echo = Echo::start();
    let folder = tempfile::tempdir().expect("a folder");
    let users = folder.path().join("users.csv");
    fs::write(&users, "name\na\nb\n").expect("rows");
    let more = format!(
        "feeders: {{ users: {{ file: {}, order: shuffle, when-exhausted: drop }} }}",
        users.display()
    );
    let step = "{ get: '/a?who=${users.name}', check: { status: 500 }, on-error: continue }, { think: { normal: { mean: 2ms, sd: 1ms } } }";
    let thresholds = "[errors < 60%, 'p(95) < 1h', error rate < 60%]";
    let run = Run::of(&scenario(&more, step, thresholds)).with(&["--target", &echo.url()]);
    let (_, report) = run.finish();
    assert_eq!(report.accounting.completed, 2);
    assert_eq!(errors(&report), [("status_200".to_owned(), 2)].into());
    assert_eq!(report.verdict.passed, Some(true), "{:?}", report.verdict);
}

#[test]
fn an_average_is_refused_with_what_to_write_instead() {
    let run = Run::of(&scenario("", "{ get: /a }", "[avg < 1s]"));
    let ended = run.with(&["--target", "http://127.0.0.1:1"]).start().wait();
    assert_eq!(ended.code(), 2);
    assert!(ended.err.contains("`median`"), "{}", ended.err);
}

#[test]
fn every_mistake_of_thresholds_is_told_at_once() {
    let thresholds =
        "['p95 of GET /nowhere < ten in nevermore', 'p100 of tag none < 1s', rate > 5]";
    let run = Run::of(&scenario(
        "",
        "{ get: /a, check: { json: { /a: '${nobody}' } } }",
        thresholds,
    ));
    let run = run.with(&["--target", "http://127.0.0.1:1"]);
    let run = run.with(&[
        "--threshold",
        "p99 of GET /gone < 1s",
        "--threshold",
        "max < soon",
    ]);
    let ended = run.start().wait();
    assert_eq!(ended.code(), 2);
    for problem in [
        "no step `GET /nowhere`",
        "not with `ten`",
        "there is no phase `nevermore`",
        "`p100` is not a percentile",
        "there is no tag `none`",
        "not with `5`",
        "nothing sets `nobody`",
        "no step `GET /gone`",
        "not with `soon`",
    ] {
        assert!(ended.err.contains(problem), "{problem}: {}", ended.err);
    }
}

#[test]
fn runs_are_named_quiet_colourless_and_tried_without_being_sent() {
    let echo = Echo::start();
    let dry = Run::of(&scenario("", "{ get: /a }", "[]"));
    let dry = dry.with(&["--target", &echo.url(), "--dry-run"]);
    let ended = dry.start().wait();
    assert_eq!((ended.code(), echo.seen().len()), (0, 0), "{}", ended.err);
    assert!(ended.out.contains("nothing was sent") && dry.try_run_folder().is_none());

    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("scenario.yaml");
    fs::write(&file, scenario("", "{ get: /a }", "[]")).expect("a scenario");
    let loadgen = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_loadgen"));
        command.args(arguments).current_dir(folder.path());
        let ended = Program::spawn(command).wait();
        assert_eq!(ended.code(), 0, "{arguments:?}: {}", ended.err);
        ended
    };
    let labels = [
        "--name",
        "nightly",
        "--tag",
        "version=1.4.2",
        "--tag",
        "token=pl4nted-1",
        "--note",
        "after the index",
    ];
    let run = [
        "run",
        "./scenario.yaml",
        "--target",
        &echo.url(),
        "-q",
        "--json",
        "--no-color",
    ];
    let told = loadgen(&[&run[..], &labels].concat());
    assert_eq!(told.err, "");
    let report: serde_json::Value = serde_json::from_str(&told.out).expect("JSON");
    assert_eq!(report["labels"]["name"], "nightly");
    assert_eq!(report["labels"]["tags"]["version"], "1.4.2");
    let shown = loadgen(&["report", "latest", "--text"]).out;
    assert!(
        shown.contains("nightly · ") && shown.contains("version=1.4.2"),
        "{shown}"
    );
    assert!(!(shown + &told.out).contains("pl4nted"));
    let compared = loadgen(&["compare", "latest", "latest"]).out;
    assert!(compared.contains("nightly"), "{compared}");
}

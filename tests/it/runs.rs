//! What is made of runs besides their folders: files for continuous integration, the list of runs, trends, and the room they take.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::echo::Echo;
use crate::support::{Ended, Program, Run};

const SCENARIO: &str = "
name: look
load: { model: closed, shoppers: 2, journeys: 20 }
http: { timeout: 60s }
journeys: [{ name: look, steps: [{ get: /a }, { get: /b }] }]
thresholds: [errors < 1%]
";

fn loadgen(arguments: &[&str]) -> Ended {
    Program::start(arguments).wait()
}

/// A folder with so many runs of the scenario.
fn made(count: usize) -> tempfile::TempDir {
    let (folder, echo) = (tempfile::tempdir().expect("a folder"), Echo::start());
    let file = folder.path().join("look.yaml");
    fs::write(&file, SCENARIO).expect("a scenario");
    for number in 0..count {
        let tag = format!("build={number}");
        let out = folder.path().join("runs");
        let ended = loadgen(&[
            "run",
            text(&file),
            "--target",
            &echo.url(),
            "--out",
            text(&out),
            "--tag",
            &tag,
            "--quiet",
        ]);
        assert_eq!(ended.code(), 0, "{}", ended.err);
    }
    folder
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

#[test]
fn a_run_leaves_its_report_in_the_files_that_were_asked_for() {
    let (folder, echo) = (tempfile::tempdir().expect("a folder"), Echo::start());
    let file = |name: &str| folder.path().join(name);
    let json = format!("--json={}", file("run.json").display());
    let run = Run::of(SCENARIO).with(&["--target", &echo.url(), &json]);
    let run = run.with(&["--junit", text(&file("junit.xml"))]);
    let run = run.with(&["--markdown", text(&file("summary.md"))]);
    let (ended, _) = run.finish();
    assert_eq!(ended.code(), 0, "{}", ended.err);
    assert!(ended.out.contains("VALID"), "{}", ended.out);
    let read = |name: &str| fs::read_to_string(file(name)).expect("the file");
    let junit = read("junit.xml");
    assert!(junit.contains("<testsuites name=\"look\"") && junit.contains("errors &lt; 1%"));
    assert!(read("summary.md").starts_with("## "));
    let record: Value = serde_json::from_str(&read("run.json")).expect("JSON");
    assert_eq!(record["summary"]["all"]["ok"], 40);
}

#[test]
fn a_summary_that_others_have_begun_goes_on() {
    use std::os::unix::fs::PermissionsExt as _;
    let (folder, echo) = (tempfile::tempdir().expect("a folder"), Echo::start());
    let (summary, junit) = (
        folder.path().join("summary.md"),
        folder.path().join("a.xml"),
    );
    for path in [&summary, &junit] {
        fs::write(path, "earlier\n").expect("a file");
        fs::set_permissions(path, fs::Permissions::from_mode(0o644)).expect("its mode");
    }
    let flags = ["--markdown", text(&summary), "--junit", text(&junit)];
    let run = Run::of(SCENARIO)
        .with(&["--target", &echo.url()])
        .with(&flags);
    run.finish();
    let mode = |path: &Path| fs::metadata(path).expect("the file").permissions().mode() & 0o777;
    let written = fs::read_to_string(&summary).expect("the file");
    assert!(written.starts_with("earlier\n## "), "{written}");
    assert!(
        fs::read_to_string(&junit)
            .expect("the file")
            .starts_with("<?xml")
    );
    assert_eq!([mode(&summary), mode(&junit)], [0o644, 0o644]);
}

#[test]
fn files_that_cannot_be_made_are_told_before_anything_is_sent() {
    let echo = Echo::start();
    let run = Run::of(SCENARIO).with(&["--target", &echo.url()]);
    let run = run.with(&[
        "--junit",
        "/nowhere/junit.xml",
        "--markdown",
        "/",
        "--json=/nowhere/a",
    ]);
    let ended = run.start().wait();
    assert_eq!(ended.code(), 2);
    for words in [
        "--junit /nowhere/junit.xml: there is no folder '/nowhere'",
        "--markdown /: that is a folder",
        "--json /nowhere/a",
    ] {
        assert!(ended.err.contains(words), "{words}: {}", ended.err);
    }
    let run = Run::of(SCENARIO).with(&["--target", &echo.url()]);
    let dashed = Run::of(SCENARIO).with(&["--target", &echo.url(), "--junit", "-"]);
    let ended = dashed.start().wait();
    assert_eq!(ended.code(), 2);
    assert!(
        ended.err.contains("--junit -: it is written to a file"),
        "{}",
        ended.err
    );
    let run = run.with(&["--junit", "/tmp/the-same", "--markdown", "/tmp/the-same"]);
    let ended = run.start().wait();
    assert_eq!(ended.code(), 2);
    assert!(
        ended
            .err
            .contains("--junit and --markdown name the same file"),
        "{}",
        ended.err
    );
    assert!(echo.seen().is_empty());
}

#[test]
fn runs_are_listed_and_their_trend_is_shown() {
    let folder = made(2);
    let runs = folder.path().join("runs");
    fs::create_dir(runs.join("something-else")).expect("a folder");
    let broken = runs.join("20200101-000000-broken");
    fs::create_dir(&broken).expect("a folder");
    fs::write(broken.join("run.json"), "{").expect("a file");

    let list = loadgen(&["runs", "list", "--out", text(&runs)]);
    assert_eq!(list.code(), 0, "{}", list.err);
    let lines: Vec<&str> = list.out.lines().collect();
    assert_eq!(lines.len(), 4, "{}", list.out);
    assert!(lines[0].starts_with("RUN") && lines[0].ends_with("VERDICT"));
    assert!(
        lines[1].contains("broken") && lines[1].contains("cut off"),
        "{}",
        list.out
    );
    assert!(lines[2].contains("VALID · build=0"), "{}", list.out);
    assert!(
        lines[3].contains(" 40 ") && lines[3].contains("0.00 %"),
        "{}",
        list.out
    );
    assert!(list.err.contains("3 runs"), "{}", list.err);

    let trend = loadgen(&["runs", "trend", "--out", text(&runs), "--step", "GET /a"]);
    assert_eq!(trend.code(), 0, "{}", trend.err);
    assert!(
        trend.out.starts_with("p95 of GET /a, look\n"),
        "{}",
        trend.out
    );
    assert!(trend.out.matches('█').count() >= 24, "{}", trend.out);
    let json = loadgen(&["runs", "trend", "--out", text(&runs), "--format", "json"]);
    let points: Value = serde_json::from_str(&json.out).expect("JSON");
    assert_eq!(points[1]["steps"], 40);
    assert_eq!(points[1]["labels"]["tags"]["build"], "1");

    for (arguments, words) in [
        (["--scenario", "nothing"], "there are runs of: look"),
        (["--step", "GET /c"], "has a step 'GET /c'"),
    ] {
        let ended = Program::start(
            ["runs", "trend", "--out", text(&runs)]
                .iter()
                .chain(&arguments),
        )
        .wait();
        assert_eq!(ended.code(), 2);
        assert!(ended.err.contains(words), "{}", ended.err);
    }
}

#[test]
fn old_runs_are_removed_and_nothing_else() {
    let folder = made(3);
    let runs = folder.path().join("runs");
    let other = runs.join("00-something-else");
    fs::create_dir(&other).expect("a folder");
    let prune = |arguments: &[&str]| {
        Program::start(
            ["runs", "prune", "--out", text(&runs)]
                .iter()
                .chain(arguments),
        )
        .wait()
    };
    let ended = prune(&[]);
    assert_eq!(ended.code(), 2);
    assert!(ended.err.contains("--older-than"), "{}", ended.err);
    let all = || fs::read_dir(&runs).expect("the runs").count();
    assert_eq!(prune(&["--keep", "1", "--older-than", "1d"]).out, "");
    let would = prune(&["--keep", "1", "--dry-run"]);
    assert_eq!((would.out.lines().count(), all()), (2, 4), "{}", would.out);
    let done = prune(&["--keep", "1"]);
    assert_eq!(
        (done.out.as_str(), all()),
        (would.out.as_str(), 2),
        "{}",
        done.err
    );
    assert!(
        other.exists() && done.err.contains("removed 2 folders"),
        "{}",
        done.err
    );
}

#[test]
fn the_shop_of_a_run_goes_with_it_unless_it_is_to_be_kept() {
    let run = Run::of(
        &SCENARIO
            .replace("/a", "/api/products")
            .replace("/b", "/api/search?q=a"),
    );
    let (ended, report) = run.finish();
    assert!(report.embedded_shop, "{}", ended.err);
    let folder = run.run_folder();
    assert!(!folder.join("shop").exists());
    let audit = loadgen(&["audit", text(&folder)]);
    assert_eq!(audit.code(), 2);
    assert!(audit.err.contains("--keep-shop"), "{}", audit.err);

    let run = run.with(&["--keep-shop"]);
    let ended = run.start().wait();
    assert_eq!(ended.code(), 0, "{}", ended.err);
    let runs = folder.parent().expect("a folder");
    let prune = loadgen(&["runs", "prune", "--shop-data", "--out", text(runs)]);
    assert_eq!(prune.out.trim_end().lines().count(), 1, "{}", prune.err);
    assert!(prune.out.trim_end().ends_with("shop"), "{}", prune.out);
}

#[test]
fn there_is_a_manual_page_for_each_command() {
    let folder = tempfile::tempdir().expect("a folder");
    let pages = folder.path().join("man1");
    assert_eq!(loadgen(&["man", text(&pages)]).code(), 0);
    for page in ["loadgen.1", "loadgen-run.1", "loadgen-runs-prune.1"] {
        let text = fs::read_to_string(pages.join(page)).expect("the page");
        assert!(text.contains(".SH SYNOPSIS"), "{page}: {text}");
    }
    let page = loadgen(&["man"]);
    assert!(page.out.contains(".TH loadgen 1"), "{}", page.out);
}

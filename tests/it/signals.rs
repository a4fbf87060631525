//! Signals at any moment: a report, the right exit code, a complete run folder, and no process left behind.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use rustix::process::Signal;

use crate::echo::Echo;
use crate::support::{Ended, Program, Run, assert_adds_up, eventually};

/// Would go on for longer than any test waits.
const LONG: &str = "
name: long
load: { model: open, spacing: even, phases: [{ name: steady, for: 1h, rate: 20/s }] }
http: { timeout: 10m }
journeys: [{ name: look, steps: [{ get: /a }, { think: 50ms }, { get: /b }] }]
thresholds: [p99 < 1 us]
";

/// The processes of a parent, with the moment they began: ids may be used again.
fn children(parent: u32) -> BTreeMap<u32, String> {
    let processes = fs::read_dir("/proc").expect("/proc");
    processes
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|id: u32| {
            let (state, of, began) = status(id)?;
            (of == parent && state != "Z").then_some((id, began))
        })
        .collect()
}

/// State, parent and begin of a process.
fn status(id: u32) -> Option<(String, u32, String)> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name stands in brackets and may hold anything.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    Some((
        fields.first()?.to_string(),
        fields.get(1)?.parse().ok()?,
        fields.get(19)?.to_string(),
    ))
}

fn is_alive(id: u32, began: &str) -> bool {
    status(id).is_some_and(|(state, _, since)| state != "Z" && since == began)
}

/// Sends until the target has seen some, so that the run is under way.
fn under_way(run: &Run, echo: &Echo) -> Program {
    let program = run.start();
    eventually("the first requests", || {
        (echo.seen().len() > 5).then_some(())
    });
    program
}

/// What holds for every interrupted run.
fn assert_reported(run: &Run, ended: &Ended, code: i32, signal: &str) {
    assert_eq!(ended.code(), code, "{}", ended.err);
    let report = run.report();
    assert_eq!(report.interrupted.as_deref(), Some(signal));
    assert_adds_up(&report);
    assert!(
        report.verdict.thresholds.is_empty() && report.verdict.passed.is_none(),
        "an interrupted run evaluates nothing"
    );
    let folder = run.run_folder();
    let page = folder.join("report.html");
    let says = format!("report: {}", page.display());
    assert!(ended.out.contains(&says), "{}", ended.out);
    for name in [
        "report.html",
        "run.json",
        "samples.jsonl",
        "orders.jsonl",
        "loadgen.log",
    ] {
        assert!(folder.join(name).is_file(), "no {name}");
    }
    for name in [
        "windows.jsonl",
        "run.partial",
        "samples.partial",
        "shop-ready.json",
    ] {
        assert!(!folder.join(name).exists(), "{name} was left behind");
    }
}

#[test]
fn ctrl_c_waits_for_answers_on_their_way() {
    let echo = Echo::after(Duration::from_millis(200));
    let run = Run::of(LONG).with(&["--target", &echo.url()]);
    let program = under_way(&run, &echo);
    program.signal(Signal::INT);
    let ended = program.wait();
    assert_reported(&run, &ended, 130, "SIGINT");
    let report = run.report();
    let answered: u64 = report.steps.iter().map(|step| step.ok).sum();
    assert_eq!(
        answered,
        echo.seen().len() as u64,
        "every request was waited for"
    );
    assert!(report.steps.iter().all(|step| step.in_flight == 0));
    assert!(
        ended.err.contains("SIGINT: waiting for answers"),
        "{}",
        ended.err
    );
}

#[test]
fn ctrl_c_twice_stops_at_once() {
    let echo = Echo::after(Duration::from_secs(600));
    let run = Run::of(LONG).with(&["--target", &echo.url()]);
    let mut program = under_way(&run, &echo);
    program.signal(Signal::INT);
    program.says("again to stop now");
    program.signal(Signal::INT);
    let ended = program.wait();
    assert_reported(&run, &ended, 130, "SIGINT");
    let report = run.report();
    assert!(report.accounting.in_flight > 5, "{:?}", report.accounting);
    assert_eq!(report.accounting.completed, 0);
}

#[test]
fn sigterm_has_its_own_exit_code() {
    let echo = Echo::start();
    let run = Run::of(LONG).with(&["--target", &echo.url()]);
    let program = under_way(&run, &echo);
    program.signal(Signal::TERM);
    assert_reported(&run, &program.wait(), 143, "SIGTERM");
}

#[test]
fn ctrl_c_while_the_stage_is_set_sends_no_load() {
    let echo = Echo::after(Duration::from_secs(600));
    let scenario = format!("{LONG}prepare: [{{ post: /stage }}]\n");
    let run = Run::of(&scenario).with(&["--target", &echo.url()]);
    let program = run.start();
    eventually("the stage", || (!echo.seen().is_empty()).then_some(()));
    program.signal(Signal::INT);
    assert_reported(&run, &program.wait(), 130, "SIGINT");
    assert_eq!(run.report().accounting.planned, 0);
    assert_eq!(echo.seen().len(), 1);
}

/// A storm on the embedded shop, and the shop's process.
fn storm_on_own_shop(run: &Run) -> (Program, u32, String) {
    let mut program = run.start();
    program.says("\"elapsed_s\"");
    let shops = children(program.id());
    assert_eq!(shops.len(), 1, "{shops:?}");
    let (id, began) = shops.into_iter().next().expect("one shop");
    (program, id, began)
}

fn own_shop_run() -> Run {
    Run::built_in("browse-baseline").with(&["--duration", "1h"])
}

fn assert_gone(id: u32, began: &str) {
    eventually("the end of the shop", || {
        (!is_alive(id, began)).then_some(())
    });
}

#[test]
fn the_embedded_shop_ends_with_an_interrupted_run() {
    for (signal, code, name) in [(Signal::INT, 130, "SIGINT"), (Signal::TERM, 143, "SIGTERM")] {
        let run = own_shop_run();
        let (program, id, began) = storm_on_own_shop(&run);
        program.signal(signal);
        let ended = program.wait();
        // Waited for, not only told.
        assert!(!is_alive(id, &began), "the shop outlived loadgen");
        assert_reported(&run, &ended, code, name);
        assert!(run.run_folder().join("shop.log").is_file());
    }
}

#[test]
fn the_embedded_shop_ends_when_ctrl_c_comes_twice() {
    let run = own_shop_run();
    let (mut program, id, began) = storm_on_own_shop(&run);
    program.signal(Signal::INT);
    program.says("SIGINT: waiting");
    program.signal(Signal::INT);
    let ended = program.wait();
    assert!(!is_alive(id, &began), "the shop outlived loadgen");
    assert_reported(&run, &ended, 130, "SIGINT");
}

#[test]
fn the_embedded_shop_ends_when_loadgen_is_killed() {
    let run = own_shop_run();
    let (program, id, began) = storm_on_own_shop(&run);
    program.signal(Signal::KILL);
    let ended = program.wait();
    assert_eq!(ended.status.code(), None);
    assert_gone(id, &began);
    // What was written until then can be read.
    let windows = fs::read_to_string(run.run_folder().join("windows.jsonl")).expect("the journal");
    let whole = windows
        .lines()
        .filter(|line| serde_json::from_str::<serde_json::Value>(line).is_ok());
    assert!(whole.count() >= 1);
}

#[test]
fn ctrl_c_while_the_shop_starts_leaves_no_shop() {
    let run = own_shop_run();
    let program = run.start();
    let shop = eventually("the shop's process", || {
        children(program.id()).into_iter().next()
    });
    program.signal(Signal::INT);
    let ended = program.wait();
    assert!(!is_alive(shop.0, &shop.1), "the shop outlived loadgen");
    assert_reported(&run, &ended, 130, "SIGINT");
}

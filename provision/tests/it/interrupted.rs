//! The process dies at every request of an apply; the next apply ends where an undisturbed one does.

use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::fixture::{dashboards, linked, monitors, slos, small};
use crate::harness::{Project, StandIn};

/// How long a run may take to reach its request.
const PATIENCE: Duration = Duration::from_secs(30);
/// More requests than the apply has; a run that is longer is a loop.
const REQUESTS_MAX: u64 = 120;

/// An org as the first files left it, and the project with the second files: creates, updates, deletes, a rename.
fn prepared() -> (StandIn, Project) {
    let (org, project) = (StandIn::start(), Project::new(&small("shop-test")));
    project.apply(&org);
    project.write(&[
        ("monitors/queues.yaml", monitors("queue", 3, 200)),
        ("monitors/more.yaml", monitors("extra", 3, 50)),
        (
            "monitors/linked.yaml",
            linked("extra").replace("  both:", "  pair:"),
        ),
        ("slos/slos.yaml", slos("extra", 5, "99.9")),
        ("dashboards/boards.yaml", dashboards("extra", 3, "Later")),
    ]);
    (org, project)
}

/// What identifies the objects: kind and title, sorted.
fn titles(org: &StandIn) -> Vec<String> {
    let title = |(kind, one): (&str, Value)| {
        let title = one
            .get("title")
            .or_else(|| one.get("name"))
            .cloned()
            .unwrap_or_default();
        format!("{kind} {title}")
    };
    let mut titles: Vec<String> = org.everything().into_iter().map(title).collect();
    titles.sort();
    titles
}

/// Runs an apply that is killed once its request `at` is not answered; false when it ended before.
fn killed(org: &StandIn, project: &Project, at: u64, effect: bool) -> bool {
    org.faults(&json!({ "stop_at": at, "stop_after_effect": effect }));
    let mut command = project.command(&org.url, &["apply", "--yes", "--quiet"]);
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let start = Instant::now();
    let reached = loop {
        if org.count("silent") > 0 {
            break true;
        }
        if child.try_wait().expect("a state").is_some() {
            break false;
        }
        assert!(start.elapsed() < PATIENCE, "request {at} was never reached");
        std::thread::sleep(Duration::from_millis(2));
    };
    child.kill().expect("it dies");
    child.wait().expect("it died");
    org.faults(&json!({}));
    reached
}

fn every_boundary(effect: bool) {
    let (first, project) = prepared();
    let wanted = {
        let org = StandIn::on(first.copy());
        project.apply(&org);
        titles(&org)
    };
    assert!(wanted.len() > 12, "{wanted:?}");
    let mut at = 1;
    loop {
        let org = StandIn::on(first.copy());
        if !killed(&org, &project, at, effect) {
            break;
        }
        project.apply(&org);
        assert_eq!(titles(&org), wanted, "killed at request {at}");
        project.assert_no_changes(&org);
        at += 1;
        assert!(at < REQUESTS_MAX);
    }
    eprintln!("killed at each of {} requests", at - 1);
    assert!(at > 20, "only {at} requests");
}

#[test]
fn killed_before_any_request_takes_effect() {
    every_boundary(false);
}

#[test]
fn killed_after_any_request_took_effect() {
    every_boundary(true);
}

/// Ctrl-C lets requests under way finish and says what was not started.
#[cfg(unix)]
#[test]
fn an_interrupt_ends_in_order() {
    let (org, project) = (StandIn::start(), Project::new(&small("shop-test")));
    org.faults(&json!({ "latency_ms": 200 }));
    let child = project
        .command(&org.url, &["apply", "--yes"])
        .spawn()
        .expect("it starts");
    let start = Instant::now();
    while org.count("writes") == 0 {
        assert!(start.elapsed() < PATIENCE, "no write came");
        std::thread::sleep(Duration::from_millis(2));
    }
    let killed = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(killed.expect("kill runs").success());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        text.contains("not started") && text.contains("run apply again"),
        "{text}"
    );
    org.faults(&json!({}));
    project.apply(&org);
    assert_eq!(org.everything().len(), 11);
}

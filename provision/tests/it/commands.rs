//! The smaller commands, and how the larger ones are started.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::fixture::{monitors, project, small};
use crate::harness::{API_KEY, APP_KEY, Project, StandIn, call};

#[test]
fn show_lists_the_namespace_and_single_objects() {
    let (org, project) = (StandIn::start(), Project::new(&small("shop-test")));
    project.apply(&org);
    let run = project.run(&org.url, &["show"]).exits(0);
    assert!(
        run.out.contains("11 objects in namespace shop-test"),
        "{}",
        run.out
    );
    let run = project.run(&org.url, &["show", "both"]).exits(0);
    assert!(
        run.out.contains("${monitor:queue-0} && ${monitor:queue-1}"),
        "{}",
        run.out
    );
    let run = project
        .run(&org.url, &["show", "both", "--remote"])
        .exits(0);
    assert!(run.out.contains("\"overall_state\""), "{}", run.out);
    let run = project.run(&org.url, &["show", "bot"]).exits(1);
    assert!(
        run.err.contains("there is no definition `bot`") && run.err.contains("both"),
        "{}",
        run.err
    );
}

#[test]
fn the_schema_describes_definitions_and_projects() {
    let project = Project::new(&small("shop-test"));
    for (args, field) in [
        (&["schema"][..], "monitors"),
        (&["schema", "--project"], "environments"),
    ] {
        let run = project.run("", args).exits(0);
        let schema: Value = serde_json::from_str(&run.out).expect("JSON");
        assert!(schema["properties"].get(field).is_some(), "{schema:#}");
    }
}

#[test]
fn fmt_moves_fields_into_the_usual_order_once() {
    let text = "monitors:\n  a:\n    message: m\n    # why\n    query: q\n    name: n   \n";
    let project = Project::new(&[project("shop-test"), ("monitors/a.yaml", text.to_owned())]);
    let run = project.run("", &["fmt", "--check"]).exits(1);
    assert_eq!(run.out, "monitors/a.yaml\n");
    project.run("", &["fmt"]).exits(0);
    let tidied = std::fs::read_to_string(project.path().join("monitors/a.yaml")).expect("the file");
    assert_eq!(
        tidied,
        "monitors:\n  a:\n    name: n\n    # why\n    query: q\n    message: m\n"
    );
    project.run("", &["fmt", "--check"]).exits(0);
}

#[test]
fn wrong_definitions_are_never_taken_for_changes() {
    let broken = monitors("queue", 1, 100).replace("priority: 2", "priority: 9");
    let project = Project::new(&[project("shop-test"), ("monitors/queues.yaml", broken)]);
    let run = project.run("", &["check"]).exits(2);
    assert!(
        run.err.contains("monitors/queues.yaml") && run.err.contains("[priority]"),
        "{}",
        run.err
    );
    project.run("http://127.0.0.1:1", &["plan"]).exits(2);
    project
        .run("http://127.0.0.1:1", &["plan", "--detailed-exitcode"])
        .exits(1);
    project.run("", &["check", "--detailed-exitcode"]).exits(1);
}

#[test]
fn a_plan_reads_in_three_formats() {
    let (org, project) = (StandIn::start(), Project::new(&small("shop-test")));
    let text = project.run(&org.url, &["plan"]).exits(0).out;
    assert!(text.contains("+ create slo slo-0: Objective 0"), "{text}");
    let markdown = project.run(&org.url, &["plan", "--markdown"]).exits(0).out;
    assert!(
        markdown.starts_with("### Monitors: `shop-test`"),
        "{markdown}"
    );
    assert_eq!(project.plan(&org)["summary"]["create"], 11);
}

#[test]
fn variables_and_namespaces_come_from_the_command_line_too() {
    let (org, project) = (StandIn::start(), Project::new(&small("shop-test")));
    let args = [
        "apply",
        "--yes",
        "--namespace",
        "shop-mine",
        "--var",
        "runbooks=https://mine.example.com",
    ];
    project.run(&org.url, &args).exits(0);
    let all = org.everything();
    assert!(
        all.iter()
            .any(|(_, one)| one["tags"].to_string().contains("key:shop-mine.queue-0"))
    );
    assert!(all.iter().any(|(_, one)| {
        one["message"]
            .to_string()
            .contains("https://mine.example.com/pipeline.md")
    }));
}

#[test]
fn keys_and_sites_are_checked_before_anything_is_sent() {
    let project = Project::new(&small("shop-test"));
    for (name, value, wanted) in [
        ("DD_API_KEY", "", "DD_API_KEY is not set"),
        ("DD_APP_KEY", "a\nb", "DD_APP_KEY holds characters"),
        ("DD_SITE", "datadog.com", "there is no site `datadog.com`"),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_monitors"));
        command.arg("plan").current_dir(project.path()).env_clear();
        command
            .env("DD_API_KEY", API_KEY)
            .env("DD_APP_KEY", APP_KEY)
            .env(name, value);
        if name != "DD_SITE" {
            command.env("DD_API_URL", "http://127.0.0.1:1");
        }
        let output = command.output().expect("the command runs");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(text.contains(wanted), "{text}");
    }
}

#[test]
fn a_stand_in_says_where_it_is_and_whom_it_lets_in() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let ready = folder.path().join("ready");
    let mut child = Command::new(env!("CARGO_BIN_EXE_monitors"))
        .args([
            "stand-in",
            "--limit",
            "monitor_list=1/3600",
            "--api-key",
            "a",
            "--app-key",
            "b",
            "--data",
        ])
        .arg(folder.path().join("data"))
        .arg("--ready-file")
        .arg(&ready)
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("its output"))
        .read_line(&mut line)
        .expect("a line");
    let url = std::fs::read_to_string(&ready).expect("the ready file");
    let right = [("DD-API-KEY", "a"), ("DD-APPLICATION-KEY", "b")];
    let wrong = [("DD-API-KEY", "a"), ("DD-APPLICATION-KEY", "c")];
    let list = |keys: &[(&str, &str)]| call(&url, "GET", "/api/v1/monitor", None, keys).0;
    let slos = call(&url, "GET", "/api/v1/slo", None, &wrong);
    let answers = (list(&right), list(&right));
    child.kill().expect("it dies");
    child.wait().expect("it died");
    assert_eq!(line.trim(), url);
    assert_eq!(answers, (200, 429));
    assert_eq!(slos, (403, json!({ "errors": ["Forbidden"] })));
}

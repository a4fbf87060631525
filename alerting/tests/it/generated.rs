//! The Prometheus rules, Grafana dashboards and CloudWatch alarms in compose/ are what the definitions make of
//! themselves. `ALERTING_WRITE=1 cargo test -p alerting --test it generated` writes them anew.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use alerting::{cloudwatch, grafana, prometheus, yaml};

use crate::support::{root, shipped};

const HEADER: &str = "# Generated from monitors/ and slos/; do not edit. To write it anew after a change there:\n#   \
                      ALERTING_WRITE=1 cargo test -p alerting --test it generated\n";

fn current(path: &str, wanted: &str) {
    let path = root().join(path);
    if std::env::var_os("ALERTING_WRITE").is_some() {
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, wanted).expect("written");
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == wanted,
        "{} is not current; write it anew with ALERTING_WRITE=1",
        path.display()
    );
}

fn pretty(value: &serde_json::Value) -> String {
    serde_json::to_string_pretty(value).expect("JSON") + "\n"
}

#[test]
fn prometheus_rules_are_current() {
    let rules = prometheus::rules(&shipped("dev"));
    current(
        "compose/prometheus/alerts.yml",
        &format!("{HEADER}{}", yaml::write(&rules.document)),
    );
}

#[test]
fn what_prometheus_cannot_say_is_named() {
    let rules = prometheus::rules(&shipped("dev"));
    let left_out: String = rules
        .left_out
        .iter()
        .map(|(name, reason)| format!("{name}: {reason}\n"))
        .collect();
    insta::assert_snapshot!(left_out);
}

#[test]
fn grafana_dashboards_are_current() {
    let dashboards = grafana::dashboards(&shipped("dev"));
    assert!(dashboards.len() >= 4, "{}", dashboards.len());
    let mut left_out = String::new();
    for dashboard in dashboards {
        current(
            &format!("compose/grafana/dashboards/{}.json", dashboard.name),
            &pretty(&dashboard.document),
        );
        left_out.extend(
            dashboard
                .left_out
                .iter()
                .map(|(title, reason)| format!("{} / {title}: {reason}\n", dashboard.name)),
        );
    }
    insta::assert_snapshot!(left_out);
}

#[test]
fn cloudwatch_alarms_are_current() {
    let alarms = cloudwatch::alarms(&shipped("prod"));
    assert_eq!(alarms.left_out, []);
    assert_eq!(
        alarms.document["Resources"]
            .as_object()
            .map(serde_json::Map::len),
        Some(7)
    );
    current("compose/cloudwatch/alarms.json", &pretty(&alarms.document));
}

/// `promtool` from the path or from PROMTOOL; `None` where it is not installed.
fn promtool() -> Option<PathBuf> {
    let tool =
        std::env::var_os("PROMTOOL").map_or_else(|| PathBuf::from("promtool"), PathBuf::from);
    Command::new(&tool)
        .arg("--version")
        .output()
        .ok()
        .filter(|output| output.status.success())
        .map(|_| tool)
}

fn passes(tool: &PathBuf, args: &[&str]) {
    let output = Command::new(tool)
        .args(args)
        .current_dir(root().join("compose/prometheus"))
        .output()
        .expect("runs");
    let text = [output.stdout, output.stderr].concat();
    assert!(
        output.status.success(),
        "promtool {args:?}:\n{}",
        String::from_utf8_lossy(&text)
    );
}

/// Prometheus itself reads the rules, and they fire on the series in alerts.test.yml and nowhere else.
#[test]
fn promtool_accepts_the_rules_and_their_tests_pass() {
    let Some(tool) = promtool() else {
        assert!(
            std::env::var_os("PROMTOOL").is_none(),
            "PROMTOOL is set and does not run"
        );
        // Machines without Prometheus still test everything else; CI sets PROMTOOL.
        return;
    };
    passes(&tool, &["check", "rules", "alerts.yml"]);
    passes(&tool, &["test", "rules", "alerts.test.yml"]);
}

/// The table of rules in the handbook.
#[test]
fn the_documented_rules_are_the_rules() {
    let path = root().join("docs/monitors.md");
    let page = fs::read_to_string(&path).expect("the page");
    let (before, rest) = page
        .split_once("<!-- rules -->\n")
        .expect("a beginning mark");
    let (_, after) = rest
        .split_once("<!-- end of rules -->")
        .expect("an end mark");
    let rows: String = alerting::rules::RULES
        .iter()
        .map(|rule| {
            format!(
                "| `{}` | {} | {} |\n",
                rule.name,
                rule.demands,
                if rule.waivable { "yes" } else { "–" }
            )
        })
        .collect();
    let table = format!("| Rule | Demands | May be waived |\n|---|---|---|\n{rows}");
    let wanted = format!("{before}<!-- rules -->\n{table}<!-- end of rules -->{after}");
    current("docs/monitors.md", &wanted);
}

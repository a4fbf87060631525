//! A real Prometheus reads a storm: every service and the generator, with the shipped rules.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use test_servers::prometheus::PrometheusServer;

use crate::support::{Run, eventually};
use crate::town::{SERVICES, Town};

/// As long as Prometheus needs to see a rate. Whether the machine keeps the schedule is of no interest here.
const STORM: &str = "
name: scraped
load: { model: open, spacing: even, phases: [{ name: steady, for: 15s, rate: 20/s }] }
limits: { start-lag: 10m }
journeys:
  - name: look
    steps:
      - get: /api/products
      - get: /api/recommendations
        on-error: go-on
      - post: /api/auth/login
        json: { email: nobody@example.com, password: wrong-password }
        on-error: go-on
";

/// The body of an answer; HTTP/1.0, so that it comes in one piece.
fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .expect("a time limit");
    let request = format!("GET {path} HTTP/1.0\r\nhost: {address}\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    assert!(head.contains(" 200 "), "{path}: {answer}");
    body.to_owned()
}

fn place(url: &str) -> String {
    url.trim_start_matches("http://").to_owned()
}

/// What Prometheus' API answers.
fn data(prometheus: &PrometheusServer, path: &str) -> Value {
    let answer = get(&place(&prometheus.url()), path);
    let answer: Value = serde_json::from_str(&answer).expect("JSON");
    assert_eq!(answer["status"], "success", "{answer}");
    answer["data"].clone()
}

/// The newest value of each series of a name, by the service that reports it.
fn newest(prometheus: &PrometheusServer, query: &str) -> BTreeMap<String, f64> {
    let found = data(prometheus, &format!("/api/v1/query?query={query}"));
    let series = found["result"].as_array().expect("series");
    series
        .iter()
        .map(|series| {
            let service = series["metric"]["service"].as_str().unwrap_or_default();
            let value = series["value"][1].as_str().expect("a value");
            (service.to_owned(), value.parse().expect("a number"))
        })
        .collect()
}

/// Prometheus' own opinion of a page: names, units, help, types.
fn promtool_approves(page: &str, of: &str) {
    let tool = std::env::var_os("PROMTOOL").unwrap_or_else(|| "promtool".into());
    let mut child = Command::new(tool)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("promtool starts");
    let mut input = child.stdin.take().expect("its standard input");
    input.write_all(page.as_bytes()).expect("it reads");
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
    // Names that the specification gives, and the shop cannot choose: milliseconds are said as `_ms`.
    let known = ["_ms", "metric names should not contain abbreviated units"];
    let unknown: Vec<&str> = complaints
        .lines()
        .filter(|line| !known.iter().any(|known| line.contains(known)))
        .collect();
    assert_eq!(unknown, Vec::<&str>::new(), "{of}");
}

#[test]
fn prometheus_reads_every_service_of_a_storm_with_the_shipped_rules() {
    let town = Town::start(Vec::new());
    let gateway = town.url("gateway");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let own = listener.local_addr().expect("an address").to_string();
    drop(listener);
    let mut targets: Vec<String> = SERVICES.iter().map(|name| place(&town.url(name))).collect();
    targets.push(own.clone());
    let rules = Path::new("compose/prometheus/alerts.yml");
    let prometheus = PrometheusServer::start(&targets, rules);
    let run = Run::of(STORM).with(&["--target", &gateway, "--metrics-listen", &own]);
    let mut storm = run.start();
    let up = eventually("every target up", || {
        assert!(storm.is_running(), "{}", storm.err());
        let targets = data(&prometheus, "/api/v1/targets?state=active");
        let targets = targets["activeTargets"]
            .as_array()
            .expect("targets")
            .clone();
        let up = targets.iter().all(|target| target["health"] == "up");
        (up && targets.len() == SERVICES.len() + 1).then_some(targets.len())
    });
    assert_eq!(up, 9);
    promtool_approves(&get(&own, "/metrics"), "loadgen");
    let ended = storm.wait();
    assert_ne!(ended.code(), 2, "{}", ended.err);
    for name in SERVICES {
        promtool_approves(&get(&place(&town.url(name)), "/metrics"), name);
    }
    the_rules_are_loaded(&prometheus, rules);
    the_figures_are_the_runs(&prometheus, &run);
}

fn the_rules_are_loaded(prometheus: &PrometheusServer, file: &Path) {
    let text = std::fs::read_to_string(file).expect("the rules");
    let written = text.matches("- alert:").count() + text.matches("- record:").count();
    let groups = data(prometheus, "/api/v1/rules");
    let groups = groups["groups"].as_array().expect("groups");
    let rules = groups
        .iter()
        .flat_map(|group| group["rules"].as_array().expect("rules"));
    let (mut loaded, mut ill) = (0, Vec::new());
    for rule in rules {
        loaded += 1;
        if rule["health"] == "err" {
            ill.push(rule.clone());
        }
    }
    assert_eq!((loaded, ill), (written, Vec::new()));
}

/// What the gateway says that it answered is what the generator says that it asked, once both are at rest.
fn the_figures_are_the_runs(prometheus: &PrometheusServer, run: &Run) {
    let report = run.report();
    let asked: u64 = report
        .steps
        .iter()
        .map(|step| {
            step.ok + step.errors.values().sum::<u64>() + step.outcomes.values().sum::<u64>()
        })
        .sum();
    let asked = asked as f64;
    assert!(asked > 100.0, "{asked}");
    let query = "sum%20by%20(service)(http_requests_total{route!=\"/metrics\"})";
    let query = query
        .replace('{', "%7B")
        .replace('}', "%7D")
        .replace('"', "%22");
    let answered = eventually("the last requests", || {
        let answered = *newest(prometheus, &query).get("rum-shop-gateway")?;
        (answered >= asked * 0.99).then_some(answered)
    });
    let apart = (answered - asked).abs() / asked;
    assert!(apart <= 0.01, "{answered} answered, {asked} asked");
}

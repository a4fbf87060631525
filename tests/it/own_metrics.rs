//! The generator's own metrics, scraped from outside while it works.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use telemetry::catalogue::{Kind, Metric};

use crate::support::{Program, Run, eventually};

/// Nobody listens at the target: each step is an error.
const STORM: &str = "
name: scraped
target: http://127.0.0.1:1
load: { model: open, phases: [{ name: steady, for: 60s, rate: 20/s }] }
limits: { start-lag: 10m }
journeys: [{ name: look, steps: [{ get: /page }] }]
";

/// An answer, or `None` while nothing listens.
fn get(address: &str, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .expect("a time limit");
    let request = format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

/// Where the run says that its metrics are.
fn address(run: &Run) -> String {
    eventually("the address of the metrics", || {
        let log = std::fs::read_to_string(run.try_run_folder()?.join("loadgen.log")).ok()?;
        let (_, rest) = log.split_once("metrics of this run: http://")?;
        let (address, _) = rest.split_once("/metrics")?;
        Some(address.to_owned())
    })
}

/// Values of all series of a family, the buckets of a histogram left out.
fn values(text: &str, name: &str) -> Vec<f64> {
    let of_family = |line: &&str| {
        line.strip_prefix(name)
            .is_some_and(|rest| rest.starts_with(['{', ' ']))
    };
    let value = |line: &str| line.rsplit(' ').next()?.parse().ok();
    text.lines().filter(of_family).filter_map(value).collect()
}

#[test]
fn every_metric_of_the_generator_is_there_and_makes_sense() {
    let run = Run::of(STORM).with(&["--metrics-listen", "127.0.0.1:0", "--metrics-env", "ci"]);
    let storm = run.start();
    let address = address(&run);
    // Someone who connects and says nothing keeps nobody out for long.
    let _silent = TcpStream::connect(&address).expect("a connection");
    let own = || {
        let all = Metric::ALL.iter().map(|metric| metric.definition());
        all.filter(|row| row.name.starts_with("loadgen."))
    };
    let text = eventually("every metric of the generator", || {
        let answer = get(&address, "/metrics")?;
        let (head, text) = answer.split_once("\r\n\r\n")?;
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        assert!(head.contains("text/plain; version=0.0.4"), "{head}");
        let there = |name: &str| text.lines().any(|line| line.starts_with(name));
        own()
            .all(|row| there(&row.prometheus_name()))
            .then(|| text.to_owned())
    });
    assert!(get(&address, "/other").is_some_and(|answer| answer.starts_with("HTTP/1.1 404")));
    stop(storm);
    is_well_formed(&text);
    promtool_reads(&text);
    for row in own() {
        let name = row.prometheus_name();
        let kind = row.kind.prometheus_type();
        assert!(text.contains(&format!("# TYPE {name} {kind}\n")), "{name}");
        let name = match row.kind {
            Kind::Histogram | Kind::Distribution => format!("{name}_count"),
            _ => name,
        };
        let found = values(&text, &name);
        assert!(!found.is_empty(), "{name}:\n{text}");
        assert!(
            found.iter().all(|value| value.is_finite() && *value >= 0.0),
            "{name}: {found:?}"
        );
        assert!(text.contains("env=\"ci\"") && text.contains("scenario=\"scraped\""));
    }
    let sum = |name: &str| values(&text, name).iter().sum::<f64>();
    assert!((1.0..=40.0).contains(&sum("loadgen_rate_target")), "{text}");
    assert!(sum("loadgen_cpu_busy") <= 1.0, "{text}");
    let requests = sum("loadgen_requests_total");
    let times = sum("loadgen_response_time_ms_count") + sum("loadgen_failure_time_ms_count");
    assert!(requests >= 1.0 && requests == times, "{text}");
    assert_eq!(
        sum("loadgen_response_time_ms_count"),
        sum("loadgen_service_time_ms_count"),
        "{text}"
    );
    assert!(sum("loadgen_arrivals_started_total") >= sum("loadgen_start_lag_ms_count") / 2.0);
    assert!(
        sum("loadgen_errors_total") >= 1.0,
        "nobody listens at the target:\n{text}"
    );
}

/// Each line is a comment about a family or a sample of one that was announced before.
fn is_well_formed(text: &str) {
    let mut families = Vec::new();
    for line in text.lines() {
        if let Some(family) = line.strip_prefix("# TYPE ") {
            families.push(family.split(' ').next().expect("a name").to_owned());
        } else if !line.starts_with("# HELP ") {
            let (series, value) = line.rsplit_once(' ').expect("a value");
            let name = series.split('{').next().unwrap_or(series);
            let known = families.last().is_some_and(|family| {
                name.strip_prefix(family.as_str())
                    .is_some_and(|end| ["", "_bucket", "_sum", "_count"].contains(&end))
            });
            assert!(known, "{line}");
            assert!(!series.contains('{') || series.ends_with('}'), "{line}");
            assert!(value.parse::<f64>().is_ok(), "{line}");
        }
    }
}

/// Prometheus' own tool can read it, where it is there; its opinions on names (exit code 3) are not asked for.
fn promtool_reads(text: &str) {
    let Some(tool) = std::env::var_os("PROMTOOL") else {
        return;
    };
    let mut child = Command::new(tool)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool starts");
    let mut input = child.stdin.take().expect("its standard input");
    input.write_all(text.as_bytes()).expect("it reads");
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    assert!(
        matches!(output.status.code(), Some(0 | 3)),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn stop(storm: Program) {
    storm.signal(rustix::process::Signal::INT);
    let ended = storm.wait();
    assert_eq!(ended.code(), 130, "{}", ended.err);
}

#[test]
fn other_machines_do_not_get_the_metrics() {
    for (given, remedy) in [("0.0.0.0:9464", "127.0.0.1"), ("here", "127.0.0.1:9464")] {
        let run = Run::of(STORM).with(&["--metrics-listen", given]);
        let ended = run.start().wait();
        assert_eq!(ended.code(), 2, "{}", ended.err);
        assert!(
            ended.err.contains("--metrics-listen") && ended.err.contains(remedy),
            "{}",
            ended.err
        );
    }
}

#[test]
fn an_address_that_is_taken_ends_the_run_before_it_begins() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let run = Run::of(STORM).with(&["--metrics-listen", &address]);
    let ended = run.start().wait();
    assert_eq!(ended.code(), 1, "{}", ended.err);
    assert!(
        ended.err.contains(&address) && ended.err.contains("--metrics-listen"),
        "{}",
        ended.err
    );
}

//! `run.json`: complete, consistent with itself, and the exit code says the same.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;
use loadgen::report::{QUANTILES, RunReport, SCHEMA_VERSION, StepRecord, TimesRecord};
use serde_json::Value;

use crate::echo::Echo;
use crate::support::{Run, assert_adds_up, code_of};

/// Two phases and a warm-up, two journeys, a step that fails, a counter, promises.
const VARIED: &str = "
name: varied
browser: { style: rum }
about: Something of everything
seed: 11
warm-up: 500ms
load: { model: open, phases: [{ name: calm, for: 1s, rate: 30/s }, { name: busy, for: 1s, rate: 60/s }] }
http: { timeout: 60s }
limits: { start-lag: 10m }
journeys:
  - name: buy
    weight: 2
    steps:
      - get: /api/products
      - think: 1ms..10ms
      - post: /api/orders
        json: { a: 1 }
        check: { status: 201 }
        count: orders
        promise: { kind: order, id: /id, total: /total }
  - name: stumble
    steps:
      - get: /api/teapot
        check: { status: 418 }
thresholds: [error share < 90%, orders > 10, p50 < 1h in busy]
";

/// One shopper that is never late and a target that takes its time: such a run is valid on any machine.
const CALM: &str = "
name: calm
load: { model: one-by-one, journeys: 20 }
http: { timeout: 60s }
journeys: [{ name: look, steps: [{ get: /a }] }]
";

fn times(record: &TimesRecord) -> Option<Histogram<u64>> {
    if record.hdr.0.is_empty() {
        return None;
    }
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(&record.hdr.0)
        .expect("base64");
    let histogram = Deserializer::new().deserialize(&mut bytes.as_slice());
    Some(histogram.expect("HdrHistogram V2"))
}

/// The figures beside a histogram are the histogram's own.
fn assert_consistent(what: &str, record: &TimesRecord) {
    let Some(histogram) = times(record) else {
        assert_eq!((record.count, record.quantiles_ms.len()), (0, 0), "{what}");
        return;
    };
    assert_eq!(record.count, histogram.len(), "{what}");
    for (name, quantile) in QUANTILES {
        let expected = if name == "max" {
            histogram.max()
        } else {
            // Figures are the middle of a bucket.
            histogram.median_equivalent(histogram.value_at_quantile(quantile))
        };
        let found = record.quantiles_ms[name];
        assert!(
            (found * 1e3 - expected as f64).abs() < 0.5,
            "{name} of {what}: {found} ms, {expected} µs"
        );
    }
}

fn all_consistent(report: &RunReport) {
    for phase in &report.phases {
        assert_consistent(&phase.name, &phase.start_lag);
    }
    for step in &report.steps {
        let name = format!("{} in {}", step.step, step.phase);
        assert_consistent(&name, &step.response);
        assert_consistent(&name, &step.service_time);
        assert_consistent(&name, &step.connection_wait);
        let ended =
            step.ok + step.outcomes.values().sum::<u64>() + step.errors.values().sum::<u64>();
        assert_consistent(&name, &step.failure_time);
        assert_eq!(
            step.response.count + step.failure_time.count,
            ended,
            "{name}"
        );
    }
    for journey in &report.journeys {
        assert_consistent(&journey.journey, &journey.response);
    }
}

/// The windows are the same samples as the steps, cut in another way.
fn assert_windows_agree(report: &RunReport) {
    let mut windows = Histogram::<u64>::new(3).expect("a histogram");
    let (mut ok, mut failed) = (0, 0);
    for step in report
        .windows
        .iter()
        .flat_map(|window| window.figures.values())
    {
        windows
            .add(step.response.times().expect("a histogram").histogram())
            .expect("fits");
        ok += step.ok;
        failed += step.errors;
    }
    let steps = || report.steps.iter();
    let mut all = Histogram::<u64>::new(3).expect("a histogram");
    steps()
        .filter_map(|step| times(&step.response))
        .for_each(|one| all.add(one).expect("fits"));
    assert_eq!(windows, all);
    assert_eq!(ok, steps().map(|step| step.ok).sum::<u64>());
    assert_eq!(
        failed,
        steps().flat_map(|step| step.errors.values()).sum::<u64>()
    );
}

#[test]
fn everything_in_the_record_adds_up() {
    let echo = Echo::start();
    let run = Run::of(VARIED).with(&["--target", &echo.url()]);
    let (ended, report) = run.finish();
    assert_eq!(ended.code(), code_of(&report), "{}", ended.out);
    assert_adds_up(&report);
    all_consistent(&report);
    assert_windows_agree(&report);

    let sums = &report.accounting;
    assert_eq!(sums.planned, 90);
    let stumbles: u64 = report
        .journeys
        .iter()
        .filter(|journey| journey.journey == "stumble")
        .map(|journey| journey.failed)
        .sum();
    assert_eq!(
        (sums.failed, sums.in_flight, sums.timed_out),
        (stumbles, 0, 0)
    );
    let arrivals: u64 = report.arrivals.iter().map(|second| second.planned).sum();
    assert_eq!(arrivals, sums.planned);
    let lags: u64 = report
        .phases
        .iter()
        .map(|phase| phase.start_lag.count)
        .sum();
    assert_eq!(lags, sums.planned);

    let orders: u64 = report.counters["orders"].values().sum();
    assert_eq!(orders, sums.completed);
    let promises =
        std::fs::read_to_string(run.run_folder().join("orders.jsonl")).expect("promises");
    assert_eq!(promises.lines().count() as u64, orders);
    for line in promises.lines() {
        let promise: Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(
            (&promise["kind"], &promise["total"]),
            (&"order".into(), &19.98.into())
        );
    }
    assert_samples(&run, &report, stumbles);
}

fn assert_samples(run: &Run, report: &RunReport, stumbles: u64) {
    let samples = std::fs::read_to_string(run.run_folder().join("samples.jsonl")).expect("samples");
    let samples: Vec<Value> = samples
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let drawn = samples
        .iter()
        .filter(|sample| sample["kept"] == "drawn")
        .count() as u64;
    let readings = |step: &StepRecord| step.response.count + step.failure_time.count;
    let steps: u64 = report.steps.iter().map(readings).sum();
    assert_eq!(drawn, steps, "fewer than the draw holds, so all of them");
    let failed = samples.iter().find(|sample| sample["kept"] == "failed");
    let failed = failed
        .filter(|_| stumbles > 0)
        .expect("an example of the error");
    assert_eq!(failed["ending"], "status_200");
    let request = failed["exchange"]["request"].as_str().expect("the request");
    assert!(request.starts_with("GET /api/teapot"), "{request}");
    assert!(samples.iter().all(|sample| sample["trace_id"].is_string()));
}

#[test]
fn the_record_has_the_fields_that_readers_rely_on() {
    let echo = Echo::start();
    let run = Run::of(VARIED).with(&["--target", &echo.url(), "--rate-scale", "0.2"]);
    run.finish();
    let text = std::fs::read_to_string(run.run_folder().join("run.json")).expect("run.json");
    let record: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(record["schema_version"], SCHEMA_VERSION);
    assert_eq!(record["scenario"]["name"], "varied");
    assert_eq!(record["scenario"]["seed"], 11);
    assert_eq!(record["target"], echo.url());
    assert_eq!(record["interrupted"], Value::Null);
    for pointer in [
        "/loadgen_version",
        "/command/0",
        "/started_at",
        "/scenario/hash",
        "/verdict/valid",
        "/verdict/thresholds/2/text",
        "/environment",
        "/phases/0/start_lag/hdr",
        "/steps/0/response/p99_9",
        "/steps/0/service_time/p50",
        "/steps/0/connection_wait/max",
        "/journeys/0/response/p95",
        "/accounting/planned",
        "/arrivals/0/on_time",
        "/generator/cpu_s",
        "/windows/0/figures",
    ] {
        assert!(
            record
                .pointer(pointer)
                .is_some_and(|value| !value.is_null()),
            "no {pointer}"
        );
    }
    let folder = run.run_folder();
    assert!(
        !folder.join("windows.jsonl").exists(),
        "the journal is part of run.json now"
    );
}

#[test]
fn json_output_is_the_record_without_windows() {
    let echo = Echo::start();
    let run = Run::of(CALM).with(&["--target", &echo.url(), "--format", "json"]);
    let (ended, mut report) = run.finish();
    let printed: RunReport = serde_json::from_str(&ended.out).expect("one JSON document");
    report.windows.clear();
    let text = |report| serde_json::to_value(report).expect("JSON");
    assert_eq!(text(&printed), text(&report));
}

#[test]
fn a_threshold_that_is_not_met_is_exit_code_3() {
    let echo = Echo::after(Duration::from_millis(50));
    let run = Run::of(CALM).with(&[
        "--target",
        &echo.url(),
        "--threshold",
        "p50 < 1 ms",
        "--threshold",
        "error share < 1%",
    ]);
    let (ended, report) = run.finish();
    assert_eq!(ended.code(), 3, "{}", ended.out);
    let met: Vec<bool> = report
        .verdict
        .thresholds
        .iter()
        .map(|result| result.met)
        .collect();
    assert_eq!((report.verdict.valid, met), (true, vec![false, true]));
    assert!(ended.out.contains("p50 < 1 ms"), "{}", ended.out);
}

#[test]
fn thresholds_that_are_met_are_exit_code_0() {
    let echo = Echo::after(Duration::from_millis(50));
    let run = Run::of(CALM).with(&["--target", &echo.url(), "--threshold", "p50 < 1h"]);
    let (ended, report) = run.finish();
    assert_eq!(ended.code(), 0, "{}", ended.out);
    assert_eq!(report.verdict.passed, Some(true));
}

#[test]
fn journeys_that_were_dropped_make_a_run_invalid() {
    let echo = Echo::after(Duration::from_millis(300));
    let scenario = "
name: crowded
load: { model: open, spacing: even, phases: [{ name: steady, for: 2s, rate: 20/s }] }
http: { timeout: 60s }
limits: { shoppers: 1 }
journeys: [{ name: look, steps: [{ get: /a }] }]
";
    let run = Run::of(scenario).with(&["--target", &echo.url(), "--workers", "1"]);
    let (ended, report) = run.finish();
    assert_eq!(ended.code(), 4, "{}", ended.out);
    assert_adds_up(&report);
    let dropped = report.accounting.dropped["shoppers_limit"];
    assert!(
        dropped >= 20 && report.accounting.planned == 40,
        "{:?}",
        report.accounting
    );
    assert_eq!(echo.seen().len() as u64, 40 - dropped);
    assert!(ended.out.contains("INVALID"), "{}", ended.out);
    let reason = report
        .verdict
        .reasons
        .iter()
        .find(|reason| reason.what.contains("shoppers_limit"));
    assert!(reason.is_some_and(|reason| reason.remedy.contains("limits.shoppers")));
}

#[test]
fn a_closed_load_makes_all_its_journeys_with_any_number_of_workers() {
    let scenario = "
name: few
browser: { style: rum }
load: { model: closed, shoppers: 2, journeys: 11 }
http: { timeout: 60s }
journeys: [{ name: look, steps: [{ get: /a }] }]
";
    let mut sessions = Vec::new();
    for workers in ["1", "2", "5"] {
        let echo = Echo::start();
        let run = Run::of(scenario)
            .with(&["--target", &echo.url(), "--workers", workers])
            .with(&["--run-id", "a-test"]);
        let (_, report) = run.finish();
        assert_eq!(report.accounting.completed, 11, "{workers} workers");
        assert_adds_up(&report);
        sessions.push(echo.by_session().into_keys().collect::<Vec<_>>());
    }
    assert!(sessions.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn the_crowd_of_a_closed_load_grows_and_shrinks_by_phases() {
    let echo = Echo::after(Duration::from_millis(20));
    let scenario = "
name: crowd
load:
  model: closed
  phases:
    - { name: up, for: 1s, ramp: { from: 1, to: 5 } }
    - { name: hold, for: 2s, shoppers: 5 }
    - { name: down, for: 1s, steps: { from: 3, to: 1, count: 3 } }
http: { timeout: 60s }
journeys: [{ name: look, steps: [{ get: /a }] }]
thresholds: [errors < 1% in hold]
";
    for workers in ["1", "3"] {
        let run = Run::of(scenario).with(&["--target", &echo.url(), "--workers", workers]);
        let (ended, report) = run.finish();
        assert_eq!(ended.code(), code_of(&report), "{}", ended.out);
        assert_adds_up(&report);
        assert_eq!(report.generator.shoppers_max, 5, "{workers} workers");
        assert_eq!(report.verdict.thresholds.len(), 1);
        let phases = report.phases.iter().map(|phase| phase.name.as_str());
        assert_eq!(phases.collect::<Vec<_>>(), ["up", "hold", "down"]);
        for phase in &report.phases {
            let mut journeys = report.journeys.iter();
            let found = journeys.find(|journey| journey.phase == phase.name);
            assert!(
                found.is_some_and(|journey| journey.completed > 0),
                "{phase:?}"
            );
        }
    }
}

#[test]
fn a_crowd_that_has_made_its_journeys_does_not_wait_for_its_phases() {
    let echo = Echo::start();
    let scenario = "
name: crowd
load:
  model: closed
  journeys: 7
  phases:
    - { name: first, for: 1s, shoppers: 1 }
    - { name: later, for: 10m, shoppers: 4 }
http: { timeout: 60s }
journeys: [{ name: look, steps: [{ get: /a }] }]
";
    let run = Run::of(scenario).with(&["--target", &echo.url(), "--workers", "1"]);
    let (_, report) = run.finish();
    assert_eq!(report.accounting.completed, 7);
    assert_adds_up(&report);
    assert!(report.elapsed_s < 300.0, "{}", report.elapsed_s);
}

#[test]
fn what_is_cut_off_at_the_end_is_in_flight() {
    let echo = Echo::after(Duration::from_secs(90));
    let scenario = "
name: cut
load: { model: open, spacing: even, phases: [{ name: steady, for: 1s, rate: 5/s }] }
http: { timeout: 1s }
limits: { drain: 0s }
journeys: [{ name: look, steps: [{ get: /a, timeout: 80s }] }]
";
    let run = Run::of(scenario).with(&["--target", &echo.url()]);
    let (ended, report) = run.finish();
    assert_eq!(ended.code(), code_of(&report));
    assert_adds_up(&report);
    assert_eq!(report.accounting.in_flight, 5);
    let steps: BTreeMap<&str, u64> = report
        .steps
        .iter()
        .map(|step| (step.step.as_str(), step.in_flight))
        .collect();
    assert_eq!(steps, BTreeMap::from([("GET /a", 5)]));
}

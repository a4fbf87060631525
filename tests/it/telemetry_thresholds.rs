//! Thresholds on what the system tells of itself, judged on recorded series.

use std::time::Duration;

use alerting::evaluate::series::{PointValue, RawSeries, SeriesKind};
use alerting::evaluate::sketch::Sketch;
use loadgen::measure::Phases;
use loadgen::measure::health::OwnHealth;
use loadgen::measure::totals::Totals;
use loadgen::scenario::{Changes, ScenarioRef, load};
use loadgen::verdict::telemetry::Recorded;
use loadgen::verdict::thresholds::judge;
use loadgen::verdict::{Evidence, ThresholdResult};

use crate::support::{Program, Run};

/// UNIX seconds at which the load began: two seconds into an interval.
const START: i64 = 1_790_000_002;

fn scenario(threshold: &str) -> String {
    format!(
        "
name: judged
load:
  model: open
  phases:
    - {{ name: storm, for: 60s, rate: 5/s }}
    - {{ name: recovery, for: 60s, rate: 1/s }}
journeys: [{{ name: look, steps: [{{ get: /a }}] }}]
thresholds:
  - '{threshold}'
"
    )
}

fn series(
    metric: &str,
    kind: SeriesKind,
    tags: &str,
    of: impl Fn(i64) -> Option<PointValue>,
) -> RawSeries {
    let points = (0..13).map(|step| step * 10);
    RawSeries {
        metric: metric.to_owned(),
        kind,
        unit: String::new(),
        interval_s: 10,
        tags: vec![tags.to_owned()],
        points: points
            .filter_map(|at| Some((START - 2 + at, of(at)?)))
            .collect(),
    }
}

/// Dead letters of one queue during the storm, slow answers of one service in one interval of it, a failure now and then.
fn recorded() -> Vec<RawSeries> {
    let number = |value: f64| Some(PointValue::Number(value));
    let sketch = |value: f64| Some(PointValue::Sketch(Sketch::of([value; 10])));
    vec![
        series(
            "ecommerce.queue.dlq_depth",
            SeriesKind::Gauge,
            "queue:orders",
            |at| number(if at < 60 { 7.0 } else { 0.0 }),
        ),
        series(
            "ecommerce.queue.dlq_depth",
            SeriesKind::Gauge,
            "queue:mail",
            |_| number(0.0),
        ),
        series(
            "http.server.request.duration",
            SeriesKind::Distribution,
            "service:cart",
            |at| sketch(if at == 30 { 0.9 } else { 0.1 }),
        ),
        series(
            "ecommerce.payments.failed",
            SeriesKind::Count,
            "reason:declined",
            |at| (at % 30 == 0).then_some(PointValue::Number(2.0)),
        ),
    ]
}

fn judged(threshold: &str, source: Option<&Vec<RawSeries>>) -> ThresholdResult {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("judged.yaml");
    std::fs::write(&file, scenario(threshold)).expect("a scenario");
    let origin = ScenarioRef::find(file.to_str().expect("UTF-8")).expect("the file");
    let scenario = load(&origin, &Changes::default())
        .unwrap_or_else(|problems| panic!("{}", problems.render(checked_yaml::Style::Plain)));
    let evidence = Evidence {
        scenario: &scenario,
        phases: &Phases::of(&scenario),
        totals: &Totals::default(),
        health: &OwnHealth::default(),
        cores: 1,
        elapsed: Duration::from_secs(120),
        interrupted: false,
        windows: &[],
        recording: source.map(|source| Recorded {
            source,
            load_started_s: START as f64,
        }),
    };
    judge(&scenario.thresholds[0], &evidence)
}

#[test]
fn gauges_hold_in_every_interval_and_the_group_that_fails_is_named() {
    let all = recorded();
    let of = |text: &str| judged(text, Some(&all));
    let storm = of("max:ecommerce.queue.dlq_depth{*} by {queue} < 1 in storm");
    assert_eq!((storm.value, storm.met), (Some(7.0), false));
    assert_eq!(storm.shown, "7 in queue:orders (limit 1)");
    // The interval in which the storm ended is none of the recovery.
    let recovery = of("max:ecommerce.queue.dlq_depth{*} < 1 in recovery");
    assert_eq!((recovery.value, recovery.met), (Some(0.0), true));
    let run = of("max:ecommerce.queue.dlq_depth{*} < 1");
    assert_eq!(run.value, Some(7.0));
}

#[test]
fn counts_and_distributions_are_taken_over_the_whole_time() {
    let all = recorded();
    let of = |text: &str| judged(text, Some(&all));
    // 0, 30, 60, 90, 120 s since the first interval began, of two failures each.
    let run = of("sum:ecommerce.payments.failed{*}.as_count() < 11");
    assert_eq!((run.value, run.met), (Some(10.0), true));
    let sliding = of("sum:ecommerce.payments.failed{*}.as_count() < 3 in every 30s");
    assert_eq!((sliding.value, sliding.met), (Some(2.0), true));
    // One interval of five in the storm is slow: the median is not, the 95th percentile is.
    let p95 = of("p95:http.server.request.duration{service:cart} by {service} < 0.3 in storm");
    assert_eq!(
        (p95.met, p95.shown.as_str()),
        (false, "0.9 in service:cart (limit 0.3)")
    );
    assert!(of("p50:http.server.request.duration{*} < 0.3 in storm").met);
    assert!(of("p99:http.server.request.duration{*} < 0.3 in recovery").met);
}

#[test]
fn what_never_happened_is_zero_and_what_is_not_known_does_not_hold() {
    let all = recorded();
    let of = |text: &str| judged(text, Some(&all));
    let none = of("sum:ecommerce.payments.failed{reason:timeout}.as_count() < 1");
    assert_eq!((none.value, none.met), (Some(0.0), true));
    // In the catalogue, and never recorded.
    assert!(of("sum:ecommerce.orders.created{*}.as_count() < 1").met);
    let unknown = of("max:ecommerce.queue.dlqdepth{*} < 1");
    assert!(!unknown.met);
    assert!(
        unknown.shown.contains("`ecommerce.queue.dlq_depth`"),
        "{}",
        unknown.shown
    );
    let gauge = of("p95:ecommerce.queue.dlq_depth{*} < 1");
    assert!(
        gauge.shown.contains("need a distribution"),
        "{}",
        gauge.shown
    );
    let without = judged("max:ecommerce.queue.dlq_depth{*} < 1", None);
    assert_eq!(
        (without.met, without.shown.as_str()),
        (false, "nothing was recorded (limit 1)")
    );
}

#[test]
fn a_metric_that_nobody_knows_is_noted_and_is_no_mistake() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("theirs.yaml");
    std::fs::write(&file, scenario("max:ecommerce.queue.dlqdepth{*} < 1")).expect("a scenario");
    let ended = Program::start(["check", file.to_str().expect("UTF-8")]).wait();
    assert_eq!(ended.code(), 0, "{}", ended.err);
    assert!(
        ended
            .err
            .contains("did you mean `ecommerce.queue.dlq_depth`?"),
        "{}",
        ended.err
    );
}

#[test]
fn a_threshold_that_could_never_be_judged_is_refused_before_the_run() {
    let text = scenario("max:ecommerce.queue.dlq_depth{*} < 1 in recovery");
    for (arguments, variable, remedy) in [
        (
            &["--target", "http://127.0.0.1:1"][..],
            None,
            "add --receive otlp=4318",
        ),
        (&["--no-recording"], None, "leave out --no-recording"),
        (&[], Some("DD_AGENT_HOST"), "DD_AGENT_HOST sends"),
    ] {
        let run = Run::of(&text).with(arguments);
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_loadgen"));
        command.args(run.arguments());
        command.envs(variable.map(|name| (name, "127.0.0.1")));
        let ended = Program::spawn(command).wait();
        assert_eq!(ended.code(), 2, "{}", ended.err);
        assert!(ended.err.contains(remedy), "{remedy}: {}", ended.err);
        assert!(run.try_run_folder().is_none(), "nothing was begun");
    }
}

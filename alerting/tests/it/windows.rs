//! The test vectors of windows and of their one number, under their numbers.

use std::collections::BTreeMap;

use alerting::evaluate::series::{PointValue, RawSeries, SeriesKind};
use alerting::evaluate::sketch::Sketch;
use alerting::evaluate::{Data, WindowPlan, evaluated_every_s, window};
use alerting::query::Query;
use alerting::query::tree::{Alert, Comparator, MetricAlert};

const MINUTE: i64 = 60;

fn series(metric: &str, kind: SeriesKind, tags: &[&str], points: &[(i64, f64)]) -> RawSeries {
    let points = points.iter();
    RawSeries {
        metric: metric.to_owned(),
        kind,
        unit: String::new(),
        interval_s: 10,
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        points: points
            .map(|(at, value)| (*at, PointValue::Number(*value)))
            .collect(),
    }
}

/// A point a minute, stamped at :30; NaN is none.
fn minutes(metric: &str, kind: SeriesKind, values: &[f64]) -> RawSeries {
    let points = values.iter().enumerate();
    let points = points.map(|(minute, value)| (minute as i64 * MINUTE + 30, *value));
    let points: Vec<_> = points.filter(|(_, value)| !value.is_nan()).collect();
    series(metric, kind, &[], &points)
}

fn alert(query: &str) -> MetricAlert {
    match Query::parse(query).expect("a query").alert {
        Alert::Metric(alert) => alert,
        other => panic!("{other:?}"),
    }
}

/// The value of each group at a moment, to three places.
fn groups(all: &[RawSeries], query: &str, at: i64) -> BTreeMap<String, f64> {
    let plan =
        WindowPlan::of(&alert(query), query).unwrap_or_else(|error| panic!("{}", error.message));
    let source = all.to_vec();
    let data = Data::read(&source, plan.metrics()).unwrap();
    let found = plan.at(&data, at, 0).unwrap();
    let rounded = |(tags, value): (Vec<String>, f64)| (tags.join(","), (value * 1e3).round() / 1e3);
    found.groups.into_iter().map(rounded).collect()
}

fn value(all: &[RawSeries], query: &str, at: i64) -> Option<f64> {
    groups(all, query, at).get("").copied()
}

#[test]
fn v18_v19_shares_of_counts_are_shares_of_sums() {
    for (total, sums, of_shares) in [(10.0, 0.3, 1.5), (5.0, 0.6, 3.0)] {
        let all = [
            minutes("errors", SeriesKind::Count, &[1., 2., 3., 4., 5.]),
            minutes("total", SeriesKind::Count, &[total; 5]),
        ];
        let of = |aggregator: &str, method: &str| {
            let query = format!(
                "{aggregator}(last_5m):sum:errors{{*}}.{method}() / sum:total{{*}}.{method}() > 9"
            );
            value(&all, &query, 5 * MINUTE)
        };
        assert_eq!(of("sum", "as_count"), Some(sums));
        assert_eq!(of("sum", "as_rate"), Some(of_shares));
        assert_eq!(of("avg", "as_rate"), Some(of_shares / 5.0));
    }
}

#[test]
fn v20_buckets_without_a_quotient_are_left_out() {
    let gauge = |metric, values: &[f64]| minutes(metric, SeriesKind::Gauge, values);
    let all = [gauge("a", &[10.; 3]), gauge("b", &[0., 1., f64::NAN])];
    let of = |all: &[RawSeries], aggregator: &str| {
        let query = format!("{aggregator}(last_5m):avg:a{{*}} / avg:b{{*}} > 9");
        value(all, &query, 5 * MINUTE)
    };
    assert_eq!((of(&all, "sum"), of(&all, "avg")), (Some(10.0), Some(10.0)));
    assert_eq!(of(&all[..1], "sum"), None);
}

#[test]
fn v21_the_mean_is_that_of_the_values_there_are() {
    let none = f64::NAN;
    let all = [minutes(
        "m",
        SeriesKind::Gauge,
        &[5., 1., 2., none, none, none, 1.],
    )];
    assert_eq!(
        value(&all, "avg(last_10m):avg:m{*} > 9", 8 * MINUTE),
        Some(2.25)
    );
}

#[test]
fn v22_both_ends_belong_to_the_window() {
    let values = [10., 15., 12., 8., 11., 14., 13., 25., 37., 45., 50.];
    let points = values.iter().enumerate();
    let points: Vec<_> = points
        .into_iter()
        .map(|(minute, value)| (minute as i64 * MINUTE, *value))
        .collect();
    let all = [series("m", SeriesKind::Gauge, &[], &points)];
    for (aggregator, expected) in [("avg", 21.818), ("max", 50.), ("min", 8.), ("sum", 240.)] {
        let query = format!("{aggregator}(last_10m):avg:m{{*}} > 1");
        assert_eq!(
            value(&all, &query, 10 * MINUTE),
            Some(expected),
            "{aggregator}"
        );
    }
    let holds = |value: f64, threshold: f64| Comparator::Above.holds(value, threshold);
    assert!(
        !holds(21.82, 30.)
            && holds(50., 40.)
            && !holds(50., 50.)
            && !holds(8., 10.)
            && !holds(240., 250.)
    );
}

#[test]
fn v23_v24_percentiles_are_those_of_all_values() {
    let sketches = |of: &dyn Fn(i64) -> Vec<f64>| RawSeries {
        kind: SeriesKind::Distribution,
        points: (0..5)
            .map(|minute| {
                (
                    minute * MINUTE + 30,
                    PointValue::Sketch(Sketch::of(of(minute))),
                )
            })
            .collect(),
        ..series("d", SeriesKind::Distribution, &[], &[])
    };
    let query = "percentile(last_5m):p95:d{*} > 1";
    let few_slow = sketches(&|minute| {
        if minute == 0 {
            vec![0.1; 96]
        } else {
            vec![3.0]
        }
    });
    assert_eq!(value(&[few_slow], query, 5 * MINUTE), Some(0.1));
    let all = sketches(&|minute| (1..=20).map(|n| (minute * 20 + n) as f64).collect());
    let found = value(&[all], query, 5 * MINUTE).expect("a value");
    assert!((found - 95.0).abs() <= 95.0 * 0.008, "{found}");
}

#[test]
fn v25_v26_v27_changes_are_those_of_pairs() {
    let growing: Vec<f64> = (0..60).map(|minute| f64::from(minute) * 4.0).collect();
    let all = [minutes("d", SeriesKind::Gauge, &growing)];
    assert_eq!(
        value(
            &all,
            "change(avg(last_10m),last_15m):avg:d{*} > 50",
            50 * MINUTE
        ),
        Some(60.0)
    );
    for (before, now, expected) in [(2., 4., 100.), (40., 20., -50.), (50., 50., 0.)] {
        let points = [(30, before), (930, now)];
        let all = [series("d", SeriesKind::Gauge, &[], &points)];
        let query = "pct_change(avg(last_1m),last_15m):avg:d{*} > 50";
        assert_eq!(value(&all, query, 960), Some(expected));
    }
    // 6 at 10 s has no counterpart.
    let points = [(0, 1.), (20, 3.), (900, 5.), (910, 6.), (920, 7.)];
    let all = [series("d", SeriesKind::Gauge, &[], &points)];
    assert_eq!(
        value(&all, "change(avg(last_1m),last_15m):avg:d{*} > 50", 925),
        Some(4.0)
    );
}

#[test]
fn v28_a_jump_is_a_change_as_long_as_the_window_says() {
    let points: Vec<_> = (-60..60)
        .map(|minute| (minute * MINUTE, if minute < 0 { 0. } else { 100. }))
        .collect();
    let all = [series("d", SeriesKind::Gauge, &[], &points)];
    let at = |minute: i64| {
        value(
            &all,
            "change(avg(last_10m),last_15m):max:d{*} > 50",
            minute * MINUTE,
        )
        .expect("a value")
    };
    assert_eq!((at(5), at(20)), (54.545, 45.455));
    let state = |minute| match at(minute) {
        value if value > 50.0 => "ALERT",
        value if value > 25.0 => "WARN",
        _ => "OK",
    };
    let states: Vec<_> = (0..=23).map(state).collect();
    let expected = [
        ["OK"; 2].as_slice(),
        &["WARN"; 3],
        &["ALERT"; 15],
        &["WARN"; 3],
        &["OK"],
    ]
    .concat();
    assert_eq!(states, expected);
}

#[test]
fn v29_a_share_of_failures_fills_its_window() {
    let failing = |minute: i64| (0..10).contains(&minute);
    let count = |metric, of: &dyn Fn(i64) -> f64| {
        let points: Vec<_> = (-20..40)
            .map(|minute| (minute * MINUTE + 30, of(minute)))
            .collect();
        series(metric, SeriesKind::Count, &[], &points)
    };
    let all = [
        count("failed", &|minute| if failing(minute) { 18. } else { 0. }),
        count("processed", &|minute| {
            if failing(minute) { 42. } else { 60. }
        }),
    ];
    let query = "sum(last_10m):100 * sum:failed{*}.as_count() / (sum:failed{*}.as_count() + sum:processed{*}.as_count()) > 10";
    let at = |minute: i64| value(&all, query, minute * MINUTE);
    assert_eq!([1, 2, 3, 4, 10].map(at), [3., 6., 9., 12., 30.].map(Some));
    assert_eq!([16, 17, 18, 19].map(at), [12., 9., 6., 3.].map(Some));
}

#[test]
fn v30_groups_without_errors_have_a_share_of_zero() {
    let count =
        |metric, tags: &[&str], value| series(metric, SeriesKind::Count, tags, &[(30, value)]);
    let all = [
        count("total", &["service:a"], 200.),
        count("total", &["service:b"], 100.),
        count("errors", &["service:b"], 12.),
    ];
    let query = "sum(last_10m):100 * sum:errors{*} by {service}.as_count() / sum:total{*} by {service}.as_count() > 5";
    let expected = [("service:a", 0.), ("service:b", 12.)];
    let expected = expected.map(|(group, value)| (group.to_owned(), value));
    assert_eq!(groups(&all, query, 600), BTreeMap::from(expected));
}

#[test]
fn v31_longer_windows_are_evaluated_less_often() {
    let hour = 3_600;
    let windows = [
        300,
        23 * hour,
        24 * hour,
        47 * hour,
        48 * hour,
        7 * 24 * hour,
    ];
    assert_eq!(
        windows.map(evaluated_every_s),
        [60, 60, 600, 600, 1_800, 1_800]
    );
}

#[test]
fn v32_a_delay_moves_the_window() {
    let clock = |hour: i64, minute: i64| (hour * 60 + minute) * MINUTE;
    let at = |delay| window(clock(7, 0), 300, delay);
    assert_eq!(at(900), (clock(6, 40), clock(6, 45)));
    assert_eq!(at(300), (clock(6, 50), clock(6, 55)));
    assert_eq!(at(0), (clock(6, 55), clock(7, 0)));
}

#[test]
fn what_a_monitor_may_not_ask_is_refused() {
    for (query, part) in [
        (
            "avg(last_5m):sum:a{*}.as_count() / sum:b{*}.as_count() > 1",
            "only `sum(last_…)`",
        ),
        (
            "sum(last_5m):sum:a{*}.as_count() / avg:b{*} > 1",
            "every operand",
        ),
        (
            "avg(last_5m):integral(avg:a{*}) > 1",
            "`integral` cannot be evaluated",
        ),
        (
            "avg(current_1d):avg:a{*} > 1",
            "only windows such as `last_5m`",
        ),
    ] {
        let error = WindowPlan::of(&alert(query), query)
            .err()
            .expect("a refusal");
        assert!(error.message.contains(part), "{query}: {}", error.message);
    }
    let query = "avg(last_5m):abs(avg:a{*}) + integral(avg:a{*}) > 1";
    let error = WindowPlan::of(&alert(query), query)
        .err()
        .expect("a refusal");
    assert_eq!(&query[error.at], "integral");
}

//! The test vectors of metric queries and functions, under their numbers.

use alerting::evaluate::grid::Grid;
use alerting::evaluate::series::{PointValue, RawSeries, SeriesKind};
use alerting::evaluate::sketch::Sketch;
use alerting::evaluate::{Data, Evaluated, Plan};
use alerting::query::Expression;

/// `value@second`; a tag list as in a query.
fn series(metric: &str, kind: SeriesKind, tags: &str, points: &[(i64, f64)]) -> RawSeries {
    let points = points.iter();
    let points = points.map(|(at, value)| (*at, PointValue::Number(*value)));
    of(metric, kind, tags, points.collect())
}

fn of(metric: &str, kind: SeriesKind, tags: &str, points: Vec<(i64, PointValue)>) -> RawSeries {
    let mut tags: Vec<String> = tags.split(',').map(str::to_owned).collect();
    tags.retain(|tag| !tag.is_empty());
    tags.sort();
    RawSeries {
        metric: metric.to_owned(),
        kind,
        unit: String::new(),
        interval_s: 10,
        tags,
        points,
    }
}

fn gauge(metric: &str, tags: &str, points: &[(i64, f64)]) -> RawSeries {
    series(metric, SeriesKind::Gauge, tags, points)
}

fn values(metric: &str, tags: &str, values: &[f64]) -> RawSeries {
    let sketch = Sketch::of(values.iter().copied());
    of(
        metric,
        SeriesKind::Distribution,
        tags,
        vec![(0, PointValue::Sketch(sketch))],
    )
}

/// Evaluated with the grid that the plan makes of the window.
fn over(all: &[RawSeries], query: &str, from: i64, to: i64, width: i64) -> Evaluated {
    let expression = Expression::parse(query).unwrap();
    let plans = Plan::of(&expression).unwrap();
    let source = all.to_vec();
    let data = Data::read(&source, plans.iter().flat_map(Plan::metrics)).unwrap();
    let grid = plans[0].grid(from, to, width);
    plans[0].evaluate(&data, grid).unwrap()
}

/// Group and present values as `(second, value)`.
fn points(found: &Evaluated) -> Vec<(String, Vec<(i64, f64)>)> {
    let groups = found.groups.iter().map(|group| {
        let values = group.values.iter().enumerate();
        let values = values.filter(|(_, value)| !value.is_nan());
        let values =
            values.map(|(index, value)| (found.grid.at(index), (value * 1e3).round() / 1e3));
        (group.name(), values.collect())
    });
    groups.collect()
}

/// The only group's values.
fn row(all: &[RawSeries], query: &str, from: i64, to: i64, width: i64) -> Vec<(i64, f64)> {
    let mut found = points(&over(all, query, from, to, width));
    assert!(found.len() <= 1, "{query}: {found:?}");
    found.pop().map(|(_, row)| row).unwrap_or_default()
}

fn refusal(query: &str) -> (usize, String) {
    let expression = Expression::parse(query).unwrap();
    let error = Plan::of(&expression).err().expect("a refusal");
    (error.at.start, error.message)
}

#[test]
fn v03_distributions_are_merged_over_sources() {
    let all = [
        values("d", "host:web_1", &[1., 1., 1., 2., 2., 2., 3., 3.]),
        values("d", "host:web_2", &[1., 1., 2.]),
    ];
    let expected = [
        ("avg", 1.727),
        ("count", 11.),
        ("max", 3.),
        ("min", 1.),
        ("sum", 19.),
        ("p50", 2.),
        ("p75", 2.),
        ("p90", 3.),
        ("p95", 3.),
        ("p99", 3.),
    ];
    for (aggregator, value) in expected {
        let found = row(&all, &format!("{aggregator}:d{{*}}"), 0, 9, 10);
        assert_eq!(found, [(0, value)], "{aggregator}");
    }
    assert_eq!(row(&all, "count(v: v>1):d{*}", 0, 9, 10), [(0, 6.)]);
}

#[test]
fn v04_counts_and_rates_turn_into_each_other() {
    let points = |value| [0, 20, 40, 60].map(|at| (at, value));
    let count = [series("m", SeriesKind::Count, "", &points(1.))];
    let mut rate = series("m", SeriesKind::Rate, "", &points(0.05));
    rate.interval_s = 20;
    assert_eq!(row(&count, "sum:m{*}.as_rate()", 0, 79, 20), points(0.05));
    assert_eq!(row(&[rate], "sum:m{*}.as_count()", 0, 79, 20), points(1.));
}

#[test]
fn v06_buckets_are_aligned_to_unix_time() {
    let all = [gauge("m", "", &[(0, 1.), (60, 2.), (90, 1.), (150, 1.)])];
    let found = row(&all, "sum:m{*}.rollup(sum, 60)", 0, 179, 2);
    assert_eq!(found, [(0, 1.), (60, 3.), (120, 1.)]);
}

#[test]
fn v07_a_cut_bucket_is_dropped_and_the_last_is_incomplete() {
    let at = |minute: i64, second: i64| 17 * 3_600 + minute * 60 + second;
    let each = (at(10, 0)..at(27, 0)).map(|second| match second {
        s if s == at(14, 50) || s == at(24, 20) => (s, 100.),
        s => (s, 0.),
    });
    let all = [gauge("m", "", &each.collect::<Vec<_>>())];
    let max = |query: &str, minute| {
        let (from, to) = (at(minute - 10, 2), at(minute, 2));
        let found = row(&all, query, from, to, 2);
        found
            .into_iter()
            .map(|(_, value)| value)
            .fold(0.0, f64::max)
    };
    let rolled = [23, 24, 25, 26].map(|minute| max("sum:m{*}.rollup(sum,60)", minute));
    assert_eq!(rolled, [100., 0., 100., 100.]);
    let plain = [23, 24, 25, 26].map(|minute| max("max:m{*}.rollup(max)", minute));
    assert_eq!(plain, [100.; 4]);
}

#[test]
fn v08_sources_of_a_group_are_combined() {
    let all = [
        gauge("m", "host:a,path:x", &[(0, 5.)]),
        gauge("m", "host:a,path:y", &[(0, 3.)]),
        gauge("m", "host:b,path:x", &[(0, 2.)]),
        gauge("m", "host:b,path:y", &[(0, 8.)]),
    ];
    for (aggregator, a, b) in [
        ("sum", 8., 10.),
        ("min", 3., 2.),
        ("max", 5., 8.),
        ("avg", 4., 5.),
    ] {
        let query = format!("{aggregator}:m{{*}} by {{host}}");
        let found = points(&over(&all, &query, 0, 9, 10));
        let expected = [("host:a", a), ("host:b", b)];
        let expected = expected.map(|(group, value)| (group.to_owned(), vec![(0, value)]));
        assert_eq!(found, expected);
    }
}

#[test]
fn v09_sources_are_interpolated_where_they_are_combined() {
    let all = [
        gauge("m", "host:a", &[(0, 15.), (30, 25.)]),
        gauge("m", "host:b", &[(10, 10.), (40, 40.)]),
    ];
    let found = row(&all, "sum:m{*}", 0, 40, 10);
    assert!(found.contains(&(10, 28.333)), "{found:?}");
    assert!(found.contains(&(30, 55.)), "{found:?}");
}

#[test]
fn v10_fill_brings_sparse_metrics_together() {
    let minutes = |list: &[(i64, f64)]| {
        let points = list.iter();
        points
            .map(|(at, value)| (at * 60, *value))
            .collect::<Vec<_>>()
    };
    let base = 12 * 60;
    let all = [
        gauge(
            "norm",
            "",
            &minutes(&[
                (base, 1.),
                (base + 10, 0.),
                (base + 20, 1.),
                (base + 30, 1.),
            ]),
        ),
        gauge(
            "offset",
            "",
            &minutes(&[
                (base - 5, 1.),
                (base + 5, 1.),
                (base + 15, 1.),
                (base + 25, 1.),
            ]),
        ),
    ];
    let (from, to) = (base * 60, (base + 30) * 60);
    let filled = "avg:norm{*}.fill(last,900)/avg:offset{*}.fill(last,900)";
    let sum = row(&all, filled, from, to, 10)
        .into_iter()
        .map(|(_, value)| value)
        .sum::<f64>();
    assert_eq!(sum, 5.);
    assert_eq!(row(&all, "avg:norm{*}/avg:offset{*}", from, to, 10), []);
}

#[test]
fn v11_default_zero_is_zero_out_of_reach_of_interpolation() {
    let at = |minute: i64| (17 * 60 + minute) * 60;
    let all = [gauge("m", "", &[(at(45), 1.)])];
    let found = row(&all, "default_zero(avg:m{*})", at(30), at(60), 60);
    let expected =
        (30..=60).map(|minute| (at(minute), f64::from(u8::from((45..=50).contains(&minute)))));
    assert_eq!(found, expected.collect::<Vec<_>>());
}

#[test]
fn v12_clamps_and_cutoffs() {
    // Where the divisor is 0 something was sent, and there is no value.
    let all = [
        gauge("m", "", &[(0, 5.), (10, 1.), (20, 20.)]),
        gauge("one", "", &[(0, 1.), (10, 0.), (20, 1.)]),
    ];
    let of = |function: &str| {
        row(
            &all,
            &format!("{function}(avg:m{{*}}/avg:one{{*}}, 10)"),
            0,
            29,
            10,
        )
    };
    assert_eq!(of("clamp_min"), [(0, 10.), (10, 10.), (20, 20.)]);
    assert_eq!(of("clamp_max"), [(0, 5.), (10, 10.), (20, 10.)]);
    assert_eq!(of("cutoff_min"), [(20, 20.)]);
    assert_eq!(of("cutoff_max"), [(0, 5.)]);
}

#[test]
fn v13_differences() {
    let all = [gauge(
        "m",
        "",
        &[(0, 100.), (10, 130.), (20, 120.), (30, 180.)],
    )];
    let of = |query: &str| row(&all, query, 0, 39, 2);
    assert_eq!(of("diff(avg:m{*})"), [(10, 30.), (20, -10.), (30, 60.)]);
    assert_eq!(of("monotonic_diff(avg:m{*})"), [(10, 30.), (30, 60.)]);
    assert_eq!(of("derivative(avg:m{*})"), [(10, 3.), (20, -1.), (30, 6.)]);
    assert_eq!(of("abs(diff(avg:m{*}))"), [(10, 30.), (20, 10.), (30, 60.)]);
}

#[test]
fn v14_earlier_times() {
    let minutes: Vec<_> = (0..=120)
        .map(|minute| (i64::from(minute) * 60, f64::from(minute)))
        .collect();
    let all = [gauge("m", "", &minutes)];
    let at = |query: &str| row(&all, query, 6_000, 6_000, 60);
    assert_eq!(at("hour_before(avg:m{*})"), [(6_000, 40.)]);
    assert_eq!(at("timeshift(avg:m{*}, -900)"), [(6_000, 85.)]);
    assert_eq!(at("avg:m{*} - hour_before(avg:m{*})"), [(6_000, 60.)]);
}

#[test]
fn v15_groups_are_counted() {
    let all = [
        gauge("m", "host:a", &[(0, 0.)]),
        gauge("m", "host:b", &[(0, 3.)]),
        gauge("m", "host:c", &[]),
    ];
    assert_eq!(
        row(&all, "count_nonzero(avg:m{*} by {host})", 0, 9, 10),
        [(0, 1.)]
    );
    assert_eq!(
        row(&all, "count_not_null(avg:m{*} by {host})", 0, 9, 10),
        [(0, 2.)]
    );
}

#[test]
fn v16_scopes() {
    let count = |tags, value| series("m", SeriesKind::Count, tags, &[(0, value)]);
    let all = [
        count("env:prod,outcome:ok", 90.),
        count("env:prod,outcome:retry", 6.),
        count("env:prod,outcome:poison", 4.),
        count("env:dev,outcome:retry", 50.),
    ];
    let sum = |scope: &str| row(&all, &format!("sum:m{{{scope}}}.as_count()"), 0, 9, 10);
    assert_eq!(sum("env:prod AND outcome IN (retry,poison)"), [(0, 10.)]);
    assert_eq!(
        sum("env:prod AND outcome NOT IN (retry,poison)"),
        [(0, 90.)]
    );
    assert_eq!(sum("env:prod,outcome:po*"), [(0, 4.)]);
    assert_eq!(sum("!env:prod"), [(0, 50.)]);
    assert_eq!(sum("env:dev OR outcome:*k"), [(0, 140.)]);
}

#[test]
fn v17_a_series_without_the_key_belongs_to_no_group() {
    let all = [
        gauge("depth", "queue:a", &[(0, 7.)]),
        gauge("depth", "", &[(0, 900.)]),
    ];
    let found = points(&over(&all, "max:depth{*} by {queue}", 0, 9, 10));
    assert_eq!(found, [("queue:a".to_owned(), vec![(0, 7.)])]);
}

#[test]
fn v20_nothing_where_an_operand_is_missing_or_the_divisor_is_zero() {
    let all = [
        gauge("a", "", &[(0, 10.), (10, 10.), (20, 10.)]),
        gauge("b", "", &[(0, 0.), (10, 1.)]),
    ];
    assert_eq!(row(&all, "avg:a{*}/avg:b{*}", 0, 29, 10), [(10, 10.)]);
    assert_eq!(row(&all[..1], "avg:a{*}/avg:b{*}", 0, 29, 10), []);
}

/// P4, S4: counts that are missing are 0, in arithmetic and whole groups too.
#[test]
fn v30_a_group_without_errors_has_an_error_share_of_zero() {
    let count = |metric, tags, value| series(metric, SeriesKind::Count, tags, &[(0, value)]);
    let all = [
        count("total", "service:a", 200.),
        count("total", "service:b", 100.),
        count("errors", "service:b", 12.),
    ];
    let query =
        "100 * sum:errors{*} by {service}.as_count() / sum:total{*} by {service}.as_count()";
    let found = points(&over(&all, query, 0, 599, 600));
    let expected = [("service:a", 0.), ("service:b", 12.)];
    assert_eq!(
        found,
        expected.map(|(group, value)| (group.to_owned(), vec![(0, value)]))
    );
}

#[test]
fn an_operand_without_groups_stands_for_all_of_them_and_says_so() {
    let all = [
        gauge("m", "host:a", &[(0, 5.)]),
        gauge("m", "host:b", &[(0, 3.)]),
    ];
    let found = over(&all, "avg:m{*} by {host} / sum:m{*}", 0, 9, 10);
    let labels: Vec<_> = found
        .assumed
        .iter()
        .map(|assumed| assumed.label())
        .collect();
    assert_eq!(labels, ["mixed operands"]);
    assert_eq!(found.groups.len(), 2);
}

#[test]
fn what_cannot_be_evaluated_is_refused_with_its_place() {
    for (query, at, part) in [
        (
            "avg:a{*} + cumsum(sum:b{*})",
            11,
            "`cumsum` cannot be evaluated: its value depends",
        ),
        (
            "abs(avg:a{*}) + abs(anomalies(avg:a{*}, 'basic', 2))",
            20,
            "`anomalies`",
        ),
        ("clamp_min(avg:a{*})", 0, "clamp_min(query, number)"),
        ("avg:a{$env}", 6, "dashboard's variable"),
        ("avg:a{host:w*b}", 6, "only at the start or the end"),
        ("query1 * 2", 0, "`query1` is not a metric query"),
        ("avg:a{*}.weighted()", 9, "`weighted`"),
        ("avg:a{*}.rollup(p95, 60)", 9, "`rollup`"),
        (
            "sum:a{*} by {x} / sum:a{*} by {y}",
            22,
            "cannot be combined",
        ),
        ("1 + 1", 0, "no metric"),
    ] {
        let (found, message) = refusal(query);
        assert_eq!(found, at, "{query}: {message}");
        assert!(message.contains(part), "{query}: {message}");
    }
}

#[test]
fn every_function_of_the_language_is_evaluated_or_refused_for_a_reason() {
    for function in alerting::query::FUNCTIONS {
        let expression = Expression::parse(&format!("{function}(avg:a{{*}})")).unwrap();
        if let Err(error) = Plan::of(&expression) {
            assert!(
                error.message.starts_with(&format!("`{function}` ")),
                "{}",
                error.message
            );
        }
    }
}

#[test]
fn percentiles_of_numbers_are_refused() {
    let all = vec![gauge("m", "", &[(0, 1.)])];
    let plans = Plan::of(&Expression::parse("p95:m{*}").unwrap()).unwrap();
    let data = Data::read(&all, plans.iter().flat_map(Plan::metrics)).unwrap();
    let error = plans[0].evaluate(&data, Grid::over(0, 9, 10)).unwrap_err();
    assert_eq!(error.at, 4..5);
    assert!(
        error.message.contains("need a distribution"),
        "{}",
        error.message
    );
}

#[test]
fn the_nearest_names_of_a_metric_that_never_had_data_are_told() {
    let all = vec![
        gauge("ecommerce.queue.dlq_depth", "", &[(0, 1.)]),
        gauge("other", "", &[]),
    ];
    let plans = Plan::of(&Expression::parse("max:ecommerce.queue.dlqdepth{*}").unwrap()).unwrap();
    let data = Data::read(&all, plans.iter().flat_map(Plan::metrics)).unwrap();
    let missing = data.missing(&all).unwrap();
    assert_eq!(
        missing[0].to_string(),
        "`ecommerce.queue.dlqdepth` never had data; did you mean `ecommerce.queue.dlq_depth`?"
    );
}

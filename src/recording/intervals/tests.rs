use proptest::prelude::*;

use super::*;

fn seen(metric: &str, value: Observed) -> Observation {
    Observation {
        metric: metric.to_owned(),
        tags: Tags::of(["a:b"]),
        unit: String::new(),
        value,
        at_s: None,
    }
}

fn intervals() -> Intervals {
    Intervals::new(Drops::default())
}

/// Metric, time and number of each point.
fn numbers(closed: &Closed) -> Vec<(String, i64, f64)> {
    let name = |id| {
        &closed
            .series
            .iter()
            .find(|series| series.id == id)
            .expect("a series")
            .name
    };
    let points = closed.points.iter();
    points
        .map(|point| match &point.value {
            PointValue::Number(value) => (name(point.series).metric.clone(), point.at, *value),
            PointValue::Sketch(sketch) => {
                (name(point.series).metric.clone(), point.at, sketch.sum())
            }
        })
        .collect()
}

#[test]
fn an_interval_keeps_sums_last_values_distinct_values_and_all_values() {
    let mut intervals = intervals();
    for value in [1.0, 2.0] {
        intervals.observe(seen("count", Observed::Count(value)), 1_003);
        intervals.observe(seen("gauge", Observed::Gauge(value)), 1_004);
        intervals.observe(
            seen("dist", Observed::Distribution(vec![(value, 10)])),
            1_009,
        );
        intervals.observe(seen("set", Observed::Set(7)), 1_009);
    }
    intervals.observe(seen("set", Observed::Set(8)), 1_009);
    let early = intervals.close(1_010 + GRACE_S - 1);
    assert_eq!(early.points, []);
    let closed = Closed {
        series: early.series,
        ..intervals.close(1_010 + GRACE_S)
    };
    let expected = [("count", 3.0), ("gauge", 2.0), ("dist", 30.0), ("set", 2.0)];
    assert_eq!(
        numbers(&closed),
        expected.map(|(name, value)| (name.to_owned(), 1_000, value))
    );
    assert_eq!(intervals.held, 0);
}

#[test]
fn a_histogram_becomes_what_an_agent_makes_of_it() {
    let mut intervals = intervals();
    let values = (1..=100).map(|value| (f64::from(value), 1)).collect();
    intervals.observe(seen("h", Observed::Histogram(values)), 1_000);
    let closed = intervals.close_all();
    let numbers = numbers(&closed);
    let of = |part: &str| {
        numbers
            .iter()
            .find(|(name, ..)| name == part)
            .expect("a part")
            .2
    };
    assert_eq!(
        (of("h.avg"), of("h.count"), of("h.max")),
        (50.5, 100.0, 100.0)
    );
    assert!((of("h.median") - 50.0).abs() < 1.0 && (of("h.95percentile") - 95.0).abs() < 1.0);
}

#[test]
fn series_beyond_the_bound_are_counted_and_left_out() {
    let drops = Drops::default();
    let mut intervals = Intervals::new(drops.clone());
    for number in 0..SERIES_MAX + 10 {
        let mut one = seen("many", Observed::Count(1.0));
        one.tags = Tags::of([format!("id:{number}")]);
        intervals.observe(one, 1_000);
    }
    assert_eq!(intervals.series(), SERIES_MAX);
    assert_eq!(intervals.close_all().points.len(), SERIES_MAX);
    assert_eq!(drops.counted()["series"], 10);
}

proptest! {
    /// No matter when what arrives, as long as it is recorded at all: nothing of a count is lost, and points stand on tens.
    #[test]
    fn sums_are_kept(arrivals in proptest::collection::vec((0_i64..3_000, -50_i64..50, 0_u32..100), 1..100)) {
        let drops = Drops::default();
        let mut intervals = Intervals::new(drops.clone());
        let (mut now_s, mut told, mut kept) = (1_000_000, 0.0, 0.0);
        let mut see = |closed: Closed| {
            for point in closed.points {
                assert_eq!(point.at % INTERVAL, 0);
                if let PointValue::Number(value) = point.value {
                    kept += value;
                }
            }
        };
        for (pause_s, off_s, value) in arrivals {
            now_s += pause_s;
            let mut one = seen("c", Observed::Count(f64::from(value)));
            one.at_s = Some(now_s + off_s);
            intervals.observe(one, now_s);
            told += f64::from(value);
            see(intervals.close(now_s));
        }
        see(intervals.close_all());
        prop_assert_eq!(kept, told);
        prop_assert_eq!(drops.counted().len(), 0);
        prop_assert_eq!(intervals.held, 0);
    }
}

//! The promises of the schedule, as properties over arbitrary curves.

use proptest::prelude::*;

use super::*;
use crate::scenario::Curve;

fn phase(curve: Curve, seconds: f64) -> Phase {
    Phase {
        name: "phase".into(),
        duration: Duration::from_secs_f64(seconds),
        curve,
    }
}

fn rate() -> impl Strategy<Value = f64> {
    prop_oneof![1 => Just(0.0), 4 => 0.01..50.0, 2 => (1_u32..40).prop_map(f64::from)]
}

fn curve() -> impl Strategy<Value = Curve> {
    let seconds = |range: std::ops::Range<u64>| range.prop_map(Duration::from_millis);
    prop_oneof![
        rate().prop_map(Curve::Constant),
        (rate(), rate()).prop_map(|(from, to)| Curve::Ramp { from, to }),
        (rate(), rate(), 2_u32..9).prop_map(|(from, to, count)| Curve::Steps { from, to, count }),
        (rate(), rate(), seconds(0..20_000), seconds(1..20_000)).prop_map(
            |(base, peak, at, width)| Curve::Spike {
                base,
                peak,
                at,
                width
            }
        ),
        (rate(), rate(), seconds(500..60_000), seconds(0..60_000)).prop_map(
            |(a, b, period, peak_at)| {
                Curve::Diurnal {
                    low: a.min(b),
                    high: a.max(b),
                    period,
                    peak_at,
                }
            }
        ),
        prop::collection::vec((0.01..5.0, rate()), 1..6).prop_map(|steps| {
            let mut time = 0.0;
            let points = steps.into_iter().map(|(step, rate)| {
                let point = (time, rate);
                time += step;
                point
            });
            Curve::Replay(points.collect())
        }),
    ]
}

fn phases() -> impl Strategy<Value = Vec<Phase>> {
    prop::collection::vec((curve(), 0.05..20.0), 1..5).prop_map(|phases| {
        phases
            .into_iter()
            .map(|(curve, seconds)| phase(curve, seconds))
            .collect()
    })
}

fn spacing() -> impl Strategy<Value = Spacing> {
    prop_oneof![Just(Spacing::Even), Just(Spacing::Poisson)]
}

/// The integral of the rate by the midpoint rule: knows nothing of the closed forms.
fn integral(schedule: &Schedule, from: f64, to: f64) -> f64 {
    const CELLS: u32 = 20_000;
    let width = (to - from) / f64::from(CELLS);
    let middle = |cell| Duration::from_secs_f64(from + (f64::from(cell) + 0.5) * width);
    (0..CELLS)
        .map(|cell| schedule.rate_at(middle(cell)) * width)
        .sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Offsets rise, lie inside the load, and are the same one by one as in order.
    #[test]
    fn offsets_are_sorted_and_random_access_agrees(phases in phases(), spacing in spacing(), seed: u64) {
        let schedule = Schedule::new(&phases, spacing, seed);
        let listed: Vec<_> = schedule.arrivals(Segment::WHOLE).collect();
        prop_assert_eq!(listed.len() as u64, schedule.total());
        prop_assert!(listed.windows(2).all(|pair| pair[0].1 <= pair[1].1));
        for (position, (index, offset)) in listed.iter().enumerate() {
            prop_assert_eq!(position as u64, *index);
            prop_assert!(*offset < schedule.duration());
            prop_assert_eq!(schedule.offset(*index), Some(*offset));
        }
        prop_assert_eq!(schedule.offset(schedule.total()), None);
    }

    /// Evenly spaced arrivals of any stretch differ from the integral of the rate by less than one; the total always does.
    #[test]
    fn counts_follow_the_integral(phases in phases(), seed: u64, cut in 0.0..1.0) {
        let schedule = Schedule::new(&phases, Spacing::Even, seed);
        let end = schedule.duration().as_secs_f64();
        // The midpoint rule is off by at most one cell's worth of rate at each of a few jumps.
        let slack = 1.0 + 30.0 * 50.0 * end / 20_000.0;
        let whole = integral(&schedule, 0.0, end);
        prop_assert!((schedule.total() as f64 - whole).abs() <= slack, "{} against {whole}", schedule.total());
        let at = Duration::from_secs_f64(end * cut);
        let part = integral(&schedule, 0.0, end * cut);
        let planned = schedule.planned_between(Duration::ZERO, at);
        prop_assert!((planned as f64 - part).abs() <= slack, "{planned} against {part}");
        prop_assert_eq!(Schedule::new(&phases, Spacing::Poisson, seed).total(), schedule.total());
    }

    /// Counting never needs the list, and says the same.
    #[test]
    fn planned_between_counts_the_offsets(phases in phases(), spacing in spacing(), seed: u64, cuts in (0.0..1.1, 0.0..1.1)) {
        let schedule = Schedule::new(&phases, spacing, seed);
        let (a, b): (f64, f64) = cuts;
        let [from, to] = [a.min(b), a.max(b)].map(|cut| schedule.duration().mul_f64(cut));
        let counted = schedule.arrivals(Segment::WHOLE).filter(|(_, offset)| (from..to).contains(offset)).count();
        prop_assert_eq!(schedule.planned_between(from, to), counted as u64);
        // A cut on an arrival, to the nanosecond, is the hardest one.
        if let Some(offset) = schedule.offset(schedule.total() / 2) {
            let before = schedule.arrivals(Segment::WHOLE).filter(|(_, other)| *other < offset).count();
            prop_assert_eq!(schedule.planned_before(offset), before as u64);
        }
    }

    /// Segments of segments together are the whole schedule, and disjoint.
    #[test]
    fn segments_partition_the_schedule(phases in phases(), spacing in spacing(), machines in 1_u64..5, workers in 1_u64..4) {
        let schedule = Schedule::new(&phases, spacing, 7);
        let mut together = Vec::new();
        for machine in 0..machines {
            for worker in 0..workers {
                let segment = Segment::new(machine, machines).expect("valid").part(Segment::new(worker, workers).expect("valid"));
                let share: Vec<_> = schedule.arrivals(segment).collect();
                prop_assert!(share.iter().all(|(index, _)| segment.holds(*index)));
                prop_assert_eq!(share.len() as u64, segment.share_of(schedule.total()));
                together.extend(share);
            }
        }
        together.sort_unstable();
        prop_assert!(together.into_iter().eq(schedule.arrivals(Segment::WHOLE)));
    }

    /// Beginning in the middle gives the rest of what beginning at the start gives.
    #[test]
    fn arrivals_can_begin_anywhere(phases in phases(), spacing in spacing(), of in 1_u64..5, from in 0_u64..200) {
        let schedule = Schedule::new(&phases, spacing, 7);
        let segment = Segment::new(from % of, of).expect("valid");
        let late = schedule.arrivals(segment).filter(|(index, _)| *index >= from);
        prop_assert!(Arrivals::new(&schedule, segment, from).eq(late));
    }

    /// Cutting a phase in two changes no arrival: fractions are carried from stage to stage.
    #[test]
    fn fractions_are_carried_across_stages(rate in 0.05..20.0, parts in prop::collection::vec(0.1..8.0, 2..6), tail in curve()) {
        let mut cut: Vec<_> = parts.iter().map(|seconds| phase(Curve::Constant(rate), *seconds)).collect();
        let whole = cut.iter().map(|phase| phase.duration.as_secs_f64()).sum();
        let [cut_tail, whole_tail] = [tail.clone(), tail].map(|tail| phase(tail, 5.0));
        cut.push(cut_tail);
        let cut = Schedule::new(&cut, Spacing::Even, 0);
        let joined = Schedule::new(&[phase(Curve::Constant(rate), whole), whole_tail], Spacing::Even, 0);
        prop_assert!(cut.total().abs_diff(joined.total()) <= 1);
        let head = cut.arrivals(Segment::WHOLE).take_while(|(_, offset)| offset.as_secs_f64() < whole - 1e-6);
        for ((_, a), (_, b)) in head.zip(joined.arrivals(Segment::WHOLE)) {
            prop_assert!(a.abs_diff(b) <= Duration::from_nanos(2), "{a:?} {b:?}");
        }
    }

    /// A change of the rate leaves the past alone, and the future follows the scaled curve.
    #[test]
    fn rescaling_keeps_the_past(phases in phases(), spacing in spacing(), cuts in (0.0..1.0, 0.0..1.0), factors in (0.0..3.0, 0.1..3.0)) {
        let schedule = Schedule::new(&phases, spacing, 3);
        let first = schedule.duration().mul_f64(cuts.0);
        let second = first + (schedule.duration() - first).mul_f64(cuts.1);
        let once = schedule.rescaled(first, factors.0);
        let twice = once.rescaled(second, factors.1);
        for (before, after, at) in [(&schedule, &once, first), (&once, &twice, second)] {
            let kept = before.planned_before(at);
            prop_assert_eq!(after.planned_before(at), kept);
            let pairs = before.arrivals(Segment::WHOLE).zip(after.arrivals(Segment::WHOLE));
            prop_assert!(pairs.take(kept as usize).all(|(a, b)| a == b));
        }
        let listed: Vec<_> = twice.arrivals(Segment::WHOLE).collect();
        prop_assert!(listed.windows(2).all(|pair| pair[0].1 <= pair[1].1 && pair[0].0 + 1 == pair[1].0));
        prop_assert_eq!(listed.len() as u64, twice.total());
        prop_assert!(listed.iter().all(|(index, offset)| twice.offset(*index) == Some(*offset)));
        let rest = integral(&once, first.as_secs_f64(), once.duration().as_secs_f64());
        let slack = 2.0 + 30.0 * 150.0 * once.duration().as_secs_f64() / 20_000.0;
        prop_assert!(((once.total() - once.planned_before(first)) as f64 - rest).abs() <= slack);
    }
}

#[test]
fn even_arrivals_lie_where_the_integral_is_whole() {
    let schedule = Schedule::new(&[phase(Curve::Constant(4.0), 2.0)], Spacing::Even, 0);
    let offsets: Vec<_> = schedule
        .arrivals(Segment::WHOLE)
        .map(|(_, offset)| offset.as_millis())
        .collect();
    assert_eq!(offsets, [0, 250, 500, 750, 1_000, 1_250, 1_500, 1_750]);
    // 0 → 10/s over 10 s: the integral t²/2 reaches n at √(2n).
    let ramp = Schedule::new(
        &[phase(
            Curve::Ramp {
                from: 0.0,
                to: 10.0,
            },
            10.0,
        )],
        Spacing::Even,
        0,
    );
    assert_eq!(ramp.total(), 50);
    for (index, offset) in ramp.arrivals(Segment::WHOLE) {
        assert!((offset.as_secs_f64() - (2.0 * index as f64).sqrt()).abs() < 2e-9);
    }
}

#[test]
fn arrivals_wait_for_the_end_of_a_pause() {
    let phases = [(10.0, 1.0), (0.0, 10.0), (10.0, 1.0)]
        .map(|(rate, seconds)| phase(Curve::Constant(rate), seconds));
    let schedule = Schedule::new(&phases, Spacing::Even, 0);
    assert_eq!(schedule.offset(9), Some(Duration::from_millis(900)));
    assert_eq!(schedule.offset(10), Some(Duration::from_secs(11)));
    assert_eq!(schedule.total(), 20);
    assert_eq!(schedule.phase_at(Duration::from_secs(11)), 2);
    assert_eq!(schedule.phase_at(Duration::from_secs(99)), 2);
    assert_eq!(
        schedule.phase_bounds(1),
        Some((Duration::from_secs(1), Duration::from_secs(11)))
    );
}

#[test]
fn awkward_rates_do_not_gain_or_lose_an_arrival() {
    let total = |rate, seconds| {
        Schedule::new(&[phase(Curve::Constant(rate), seconds)], Spacing::Even, 0).total()
    };
    assert_eq!(
        (
            total(0.1, 30.0),
            total(0.7, 10.0),
            total(1.0 / 300.0, 3_600.0)
        ),
        (3, 7, 12)
    );
    assert_eq!((total(0.5, 1.0), total(0.0, 60.0)), (1, 0));
    assert_eq!(Schedule::new(&[], Spacing::Poisson, 0).total(), 0);
}

#[test]
fn a_day_peaks_where_it_should() {
    let day = Curve::Diurnal {
        low: 1.0,
        high: 9.0,
        period: Duration::from_secs(3_600),
        peak_at: Duration::from_secs(900),
    };
    let schedule = Schedule::new(&[phase(day, 7_200.0)], Spacing::Even, 0);
    assert!((schedule.rate_at(Duration::from_secs(900)) - 9.0).abs() < 1e-9);
    assert!((schedule.rate_at(Duration::from_secs(2_700)) - 1.0).abs() < 1e-9);
    assert_eq!(schedule.total(), 5 * 7_200);
}

/// Gaps of a Poisson process at a constant rate are exponential: Kolmogorov–Smirnov at the 1 % level.
#[test]
fn poisson_gaps_are_exponential() {
    for seed in [1, 2, 3] {
        let schedule = Schedule::new(
            &[phase(Curve::Constant(100.0), 200.0)],
            Spacing::Poisson,
            seed,
        );
        let offsets: Vec<_> = schedule
            .arrivals(Segment::WHOLE)
            .map(|(_, offset)| offset.as_secs_f64())
            .collect();
        let mut gaps: Vec<_> = offsets.windows(2).map(|pair| pair[1] - pair[0]).collect();
        gaps.sort_by(f64::total_cmp);
        let count = gaps.len() as f64;
        let distance = gaps.iter().enumerate().map(|(rank, gap)| {
            let expected = 1.0 - (-100.0 * gap).exp();
            (expected - rank as f64 / count)
                .abs()
                .max((expected - (rank + 1) as f64 / count).abs())
        });
        let distance = distance.fold(0.0, f64::max);
        assert!(distance < 1.63 / count.sqrt(), "seed {seed}: {distance}");
    }
}

/// Counts in equal cells of a large process (which is split by rejection sampling) scatter as they should: chi-square.
#[test]
fn poisson_counts_have_the_right_variance() {
    let schedule = Schedule::new(
        &[phase(Curve::Constant(5_000.0), 100.0)],
        Spacing::Poisson,
        11,
    );
    let expected = 500_000.0 / 1_000.0;
    let cell = |index: u64| Duration::from_millis(100 * index);
    let chi_square: f64 = (0..1_000)
        .map(|index| {
            (schedule.planned_between(cell(index), cell(index + 1)) as f64 - expected).powi(2)
                / expected
        })
        .sum();
    // 999 degrees of freedom: mean 999, standard deviation 44.7; four of them either way.
    assert!((820.0..1_178.0).contains(&chi_square), "{chi_square}");
}

/// Golden values: a change here changes every recorded run.
#[test]
fn the_same_seed_gives_the_same_schedule_for_ever() {
    let phases = [
        phase(
            Curve::Ramp {
                from: 1.0,
                to: 90.0,
            },
            100.0,
        ),
        phase(Curve::Constant(90.0), 100.0),
    ];
    let nanoseconds = |seed| {
        let schedule = Schedule::new(&phases, Spacing::Poisson, seed);
        [0, 1, 4_000, 13_549]
            .map(|index| schedule.offset(index).map_or(0, |offset| offset.as_nanos()))
    };
    assert_eq!(
        nanoseconds(1),
        [794_188_248, 933_038_110, 93_292_845_904, 199_992_663_963]
    );
    assert_eq!(
        nanoseconds(20_261_120),
        [434_919_568, 585_674_569, 94_164_968_481, 199_975_315_315]
    );
}

/// Any arrival of a very long load is known without the others: there is no room for a list of them.
#[test]
fn a_billion_arrivals_need_no_list() {
    let schedule = Schedule::new(
        &[phase(Curve::Constant(20_000.0), 50_000.0)],
        Spacing::Poisson,
        5,
    );
    let last = schedule.offset(999_999_999).expect("the last of 10⁹");
    assert!(last > Duration::from_secs(49_999));
    assert_eq!(schedule.planned_before(last), 999_999_999);
}

proptest! {
    /// Whatever is divided among the first shares only is divided whole, and each piece once.
    #[test]
    fn fewer_shares_than_asked_for_still_make_the_whole(of in 1_u64..40, shares in 1_u64..40, total in 0_u64..200) {
        let segments = (0..of).filter_map(|index| Segment::new(index, of)?.among(shares));
        let mut pieces: Vec<u64> = segments
            .flat_map(|segment| (0..segment.share_of(total)).map(move |n| segment.index() + n * segment.of()))
            .collect();
        pieces.sort_unstable();
        prop_assert_eq!(pieces, (0..total).collect::<Vec<_>>());
    }
}

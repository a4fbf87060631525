//! The test vectors of states, composites, checks and service levels, under their numbers.

use alerting::evaluate::check::{CheckStatus, RunsInARow, percent_by_status};
use alerting::evaluate::composite::composite;
use alerting::evaluate::slo::{
    budget_used, burn_rate, burn_rate_max, burn_rate_of_share, indicator, uptime,
};
use alerting::evaluate::state::{Limits, OnMissing, State, full_window_bucket_s, is_full};
use alerting::query::Query;
use alerting::query::tree::{Alert, Comparator, Condition, Reference, TimeUnit};

use State::{Alert as ALERT, NoData as NO_DATA, Ok as OK, Warn as WARN};

fn limits(comparator: Comparator, critical: f64) -> Limits {
    Limits {
        comparator,
        critical,
        warning: None,
        critical_recovery: None,
        warning_recovery: None,
    }
}

fn states(limits: &Limits, values: &[f64]) -> Vec<State> {
    let mut state = OK;
    let next = values.iter().map(|value| {
        state = limits.next(state, *value);
        state
    });
    next.collect()
}

fn near(found: f64, expected: f64) {
    assert!(
        (found - expected).abs() <= expected.abs() * 1e-3,
        "{found} for {expected}"
    );
}

#[test]
fn v33_v34_full_windows() {
    let buckets = |text: &str| text.bytes().map(|byte| byte != b'x').collect::<Vec<_>>();
    let full = |text: &str| is_full(&buckets(text));
    assert_eq!(full_window_bucket_s(TimeUnit::Hour) * 12, 2 * 3_600);
    assert!(full("111111111111") && !full("x11111111111"));
    assert!(full("1xxx11111111") && !full("1xxx1111xx11"));
    assert!(full("1xxx1") && !full("x1111") && !full("1xxxx") && full("1x1xx"));
}

#[test]
fn v35_v36_recovery_thresholds() {
    let above = Limits {
        warning: Some(60.0),
        critical_recovery: Some(20.0),
        ..limits(Comparator::Above, 100.0)
    };
    let found = states(&above, &[10., 70., 120., 90., 30., 20., 0.]);
    assert_eq!(found, [OK, WARN, ALERT, ALERT, ALERT, OK, OK]);
    let below = Limits {
        warning: Some(94.0),
        critical_recovery: Some(95.0),
        warning_recovery: Some(96.0),
        ..limits(Comparator::Below, 90.0)
    };
    let found = states(&below, &[97., 93.5, 95., 96., 89., 94.5, 97.]);
    assert_eq!(found, [OK, WARN, WARN, OK, ALERT, ALERT, OK]);
}

#[test]
fn v37_equality_belongs_to_the_comparator() {
    assert_eq!(
        states(&limits(Comparator::Above, 5.0), &[6., 5.]),
        [ALERT, OK]
    );
    let at_least = Limits {
        critical_recovery: Some(3.0),
        ..limits(Comparator::AboveOrEqual, 5.0)
    };
    assert_eq!(states(&at_least, &[5., 3., 2.9]), [ALERT, ALERT, OK]);
}

#[test]
fn v38_v39_v41_no_result() {
    let above = limits(Comparator::Above, 10.0);
    let after = |on: OnMissing, counts| on.next(Some(ALERT), &above, counts);
    assert_eq!(after(OnMissing::Default, true), Some((OK, true)));
    assert_eq!(after(OnMissing::Default, false), Some((ALERT, false)));
    assert_eq!(after(OnMissing::ShowNoData, false), Some((NO_DATA, false)));
    assert_eq!(
        after(OnMissing::ShowAndNotify, false),
        Some((NO_DATA, true))
    );
    assert_eq!(after(OnMissing::Resolve, false), Some((OK, true)));
    let below = limits(Comparator::Below, 1.0);
    assert_eq!(
        OnMissing::Default.next(Some(OK), &below, true),
        Some((ALERT, true))
    );
    assert_eq!(OnMissing::ShowAndNotify.next(None, &above, false), None);
}

#[test]
fn v47_v48_v49_composites() {
    let state = |query: &str, states: &[State]| {
        let Alert::Composite(condition) = Query::parse(query).expect("a query").alert else {
            panic!("{query}");
        };
        let of = |reference: &Reference| match reference {
            Reference::Id(id) => states[id.parse::<usize>().expect("a number") - 1],
            Reference::Key(key) => panic!("{key}"),
        };
        let _: &Condition = &condition;
        composite(&condition, &of)
    };
    for (states, both, either) in [
        ([ALERT, WARN], WARN, ALERT),
        ([ALERT, OK], OK, ALERT),
        ([WARN, OK], OK, WARN),
        ([NO_DATA, OK], OK, NO_DATA),
        ([NO_DATA, WARN], NO_DATA, WARN),
    ] {
        assert_eq!(state("1 && 2", &states), both, "{states:?}");
        assert_eq!(state("1 || 2", &states), either, "{states:?}");
    }
    assert_eq!(
        [OK, WARN, ALERT, NO_DATA].map(|of| state("!1", &[of])),
        [ALERT, OK, OK, NO_DATA]
    );
}

#[test]
fn v51_v52_checks() {
    let rule = RunsInARow {
        critical: 4,
        warning: 1,
        ok: 2,
    };
    let runs: Vec<_> = "OCCCOCCCCOO"
        .chars()
        .map(|run| {
            if run == 'O' {
                CheckStatus::Ok
            } else {
                CheckStatus::Critical
            }
        })
        .collect();
    let mut state = OK;
    let states: Vec<_> = (1..=runs.len())
        .map(|count| {
            state = rule.next(state, &runs[..count]);
            state
        })
        .collect();
    assert_eq!(states, [OK, OK, OK, OK, OK, OK, OK, OK, ALERT, ALERT, OK]);
    let percent = |critical: usize| {
        let latest: Vec<_> = (0..10)
            .map(|check| {
                if check < critical {
                    CheckStatus::Critical
                } else {
                    CheckStatus::Ok
                }
            })
            .collect();
        percent_by_status(&latest, CheckStatus::Critical).expect("checks")
    };
    let above = limits(Comparator::Above, 70.0);
    assert_eq!((percent(7), above.next(OK, percent(7))), (70.0, OK));
    assert_eq!((percent(8), above.next(OK, percent(8))), (80.0, ALERT));
}

#[test]
fn v57_budgets() {
    for (good, level, used, state) in [(99_950., 99.95, 50., OK), (99_800., 99.8, 200., ALERT)] {
        let found = indicator(good, 100_000.).expect("events");
        near(found, level);
        let found = budget_used(found, 99.9);
        near(found, used);
        assert_eq!(limits(Comparator::Above, 75.0).next(OK, found), state);
    }
}

#[test]
fn v58_v59_v60_burn_rates() {
    let fires = |long: f64, short: f64| {
        let burn = |errors| burn_rate(100.0 - errors, 100.0, 99.9).expect("events");
        (
            burn(long) > 14.4 && burn(short) > 14.4,
            burn(long),
            burn(short),
        )
    };
    for (long, short, expected) in [
        (1.5, 2.0, (true, 15., 20.)),
        (1.5, 0.2, (false, 15., 2.)),
        (1.0, 5.0, (false, 10., 50.)),
    ] {
        let found = fires(long, short);
        assert_eq!(found.0, expected.0);
        near(found.1, expected.1);
        near(found.2, expected.2);
    }
    for (target, most) in [(99.9, 1000.), (99., 100.), (95., 20.), (90., 10.)] {
        near(burn_rate_max(target), most);
    }
    for (days, share, hours, burn) in [
        (30., 2., 1., 14.4),
        (30., 5., 6., 6.),
        (7., 10., 1., 16.8),
        (90., 1., 1., 21.6),
    ] {
        near(burn_rate_of_share(days, share, hours), burn);
    }
}

#[test]
fn v62_v63_time_slices() {
    let slices = |bad: &[usize], count: usize| {
        (0..count)
            .map(|slice| !bad.contains(&slice))
            .collect::<Vec<_>>()
    };
    near(uptime(&[slices(&[3], 144)]).expect("slices"), 99.306);
    near(
        uptime(&[slices(&[3], 144), slices(&[9], 144)]).expect("slices"),
        98.611,
    );
    // An hour of twelve slices, of which the newest are bad; the short window is one slice.
    for (bad, long) in [(1.0, 8.33), (2.0, 16.67)] {
        near(burn_rate(12.0 - bad, 12.0, 99.0).expect("slices"), long);
        near(burn_rate(0.0, 1.0, 99.0).expect("a slice"), 100.0);
    }
}

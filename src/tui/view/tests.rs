//! The view as text at three sizes, in the situations for which one opens it. Without colours, so that the shades that stand
//! for them can be seen here.

use std::sync::Arc;
use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::{Scene, draw, steps};
use crate::measure::samples::{ExchangeText, Sample};
use crate::measure::snapshot::{
    ErrorKind, HistogramSummary, JourneyTally, Mark, Snapshot, StepSummary, Subject,
};
use crate::measure::ticks::TickSum;
use crate::measure::{LatencyHistogram, StepStats};
use crate::tui::keys::{Mode, Panel, Seen, Sort, Tab, Ui, press};
use crate::tui::palette::Palette;
use crate::verdict::Reason;

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (250, 70)];

const STEPS: [&str; 8] = [
    "GET /api/products",
    "GET /api/search",
    "GET /api/products/{product}",
    "GET /api/recommendations",
    "POST /api/cart/add",
    "POST /api/orders",
    "POST /api/payment/create-intent",
    "POST /api/payment/confirm",
];

/// What one second of the run is like.
#[derive(Clone, Copy)]
struct Second {
    rate: u32,
    /// Typical response time, ms.
    usual_ms: f64,
    /// Every n-th step is slower by this factor: a second mode.
    slow: Option<(u32, f64)>,
    /// Every n-th step fails.
    failing: Option<u32>,
    lag_us: u64,
}

const QUIET: Second = Second {
    rate: 10,
    usual_ms: 12.0,
    slow: None,
    failing: None,
    lag_us: 150,
};

/// A run of a minute, forty seconds in.
fn run(second: impl Fn(u64) -> Second) -> (Subject, Snapshot) {
    let mut state = 7_u64;
    // Numerical Recipes' generator: the same picture each time is all that is asked of it.
    let mut chance = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / f64::from(1_u32 << 31)
    };
    let mut sums = vec![StepStats::default(); STEPS.len()];
    let (mut all, mut lag) = (StepStats::default(), LatencyHistogram::default());
    let mut snapshot = Snapshot::default();
    for number in 1..=40_u64 {
        let now = second(number);
        let mut tick = TickSum {
            at: Duration::from_secs(number),
            length: Duration::from_secs(1),
            rate_planned: f64::from(now.rate),
            rate_achieved: f64::from(now.rate),
            figures: vec![StepStats::default(); STEPS.len()],
            cpu: 0.21,
            shoppers: now.rate * 3,
            connections: now.rate * 4,
            ..TickSum::default()
        };
        for step in 0..now.rate * 4 {
            let figure = (step as usize * 5 + number as usize) % STEPS.len();
            let mut millis = now.usual_ms * (0.4 + chance() * chance() * 3.0);
            if let Some((every, factor)) = now.slow
                && step % every == 0
            {
                millis *= factor;
            }
            let cell = &mut tick.figures[figure];
            cell.response.record(Duration::from_secs_f64(millis / 1e3));
            match now.failing {
                Some(every) if step % every == 0 => cell.failed += 1,
                _ => cell.ok += 1,
            }
        }
        tick.start_lag.record(Duration::from_micros(now.lag_us));
        lag.add(&tick.start_lag);
        for (sum, cell) in sums.iter_mut().zip(&tick.figures) {
            sum.add(cell);
            all.add(cell);
        }
        snapshot.history.push_back(Arc::new(tick.brief()));
    }
    snapshot.elapsed = Duration::from_secs(40);
    snapshot.planned = Some(Duration::from_secs(60));
    snapshot.phase = "recovery".to_owned();
    snapshot.all = StepSummary::of(&all);
    snapshot.figures = sums.iter().map(StepSummary::of).collect();
    snapshot.start_lag = HistogramSummary::of(&lag);
    snapshot.counters = vec![412, 398];
    snapshot.funnels = vec![
        vec![1000, 955, 940, 940, 790, 771, 742, 730],
        vec![300, 280],
    ];
    let tally = |completed, failed| JourneyTally {
        completed,
        failed,
        timed_out: 0,
    };
    snapshot.journeys = vec![tally(930, 12), tally(290, 0)];
    snapshot.rate_factor = 1.0;
    (subject(), snapshot)
}

fn subject() -> Subject {
    let phase = |name: &str, begin| (name.to_owned(), Duration::from_secs(begin));
    Subject {
        scenario: "checkout-storm".to_owned(),
        target: "http://127.0.0.1:5921".to_owned(),
        figures: STEPS.map(str::to_owned).to_vec(),
        counters: vec!["orders_created".to_owned(), "orders_paid".to_owned()],
        journeys: vec![
            ("buy".to_owned(), (0..8).collect()),
            ("look-around".to_owned(), vec![0, 2]),
        ],
        phases: vec![
            phase("baseline", 0),
            phase("spike", 12),
            phase("recovery", 30),
        ],
        start_lag_max: Duration::from_millis(5),
    }
}

fn baseline() -> (Subject, Snapshot) {
    run(|_| QUIET)
}

fn spike() -> (Subject, Snapshot) {
    let (subject, mut snapshot) = run(|second| match second {
        13..=30 => Second {
            rate: 100,
            usual_ms: 35.0,
            slow: Some((9, 14.0)),
            lag_us: 400,
            ..QUIET
        },
        _ => QUIET,
    });
    snapshot.marks.push(Mark {
        at: Duration::from_secs(22),
        text: "rate ×1.10".to_owned(),
    });
    snapshot.rate_factor = 1.1;
    (subject, snapshot)
}

/// Five seconds without an answer, then all of them at once; the generator was held up as well.
fn stall() -> (Subject, Snapshot) {
    let (subject, mut snapshot) = run(|second| match second {
        20..=24 => Second {
            rate: 0,
            lag_us: 9_000,
            ..QUIET
        },
        25 => Second {
            rate: 60,
            usual_ms: 2_400.0,
            lag_us: 30_000,
            ..QUIET
        },
        _ => QUIET,
    });
    snapshot.invalid.push(Reason {
        what: "only 82.0 % of 100 planned journeys began on time (at least 99 % must)".to_owned(),
        when: Some("17 s to 27 s".to_owned()),
        remedy: "lower the rate, give the generator more cores with --workers, or spread the load with --segment".to_owned(),
    });
    (subject, snapshot)
}

fn error_burst() -> (Subject, Snapshot) {
    let (subject, mut snapshot) = run(|second| match second {
        31..=38 => Second {
            failing: Some(3),
            usual_ms: 4.0,
            ..QUIET
        },
        _ => QUIET,
    });
    let example = Sample {
        kept: "failed".to_owned(),
        figure: 5,
        step: String::new(),
        shopper: 311,
        intended_us: 31_200_000,
        sent_us: 31_200_100,
        done_us: 31_204_300,
        status: 503,
        ending: "status_503".to_owned(),
        trace_id: Some("5208512171318403364".to_owned()),
        why: None,
        exchange: Some(Box::new(ExchangeText {
            request: "POST /api/orders\ncontent-type: application/json\n\n{\"email\":\"a\u{1b}[2J@example.com\"}".into(),
            response: "503 Service Unavailable\n\n{\"error\":{\"code\":\"unavailable\"}}".into(),
        })),
    };
    let kind = |figure, name: &str, count, example| ErrorKind {
        figure,
        name: name.to_owned(),
        count,
        example,
    };
    snapshot.errors = vec![
        kind(5, "status_503", 84, Some(Arc::new(example))),
        kind(7, "timeout", 19, None),
        kind(4, "connection_reset", 2, None),
    ];
    (subject, snapshot)
}

fn picture(
    (subject, snapshot): &(Subject, Snapshot),
    ui: &Ui,
    palette: Palette,
    (width, height): (u16, u16),
) -> String {
    let log = [
        "2026-11-20T10:17:08.123456Z  INFO loadgen::run: the embedded shop is ready url=http://127.0.0.1:5921",
        "2026-11-20T10:17:28.000001Z  INFO loadgen::measure::snapshot_builder: phase spike at_s=12.0",
        "2026-11-20T10:17:33.000001Z  WARN loadgen::measure::snapshot_builder: the run would be INVALID if it ended now",
    ];
    let log = log.map(str::to_owned);
    let scene = Scene {
        subject,
        snapshot,
        ui,
        mode: Mode::Run,
        log: &log,
        palette,
    };
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(frame, &scene)).unwrap();
    terminal.backend().to_string()
}

#[test]
fn the_overview_at_three_sizes_in_four_situations() {
    let situations = [
        ("baseline", baseline()),
        ("spike", spike()),
        ("stall", stall()),
        ("error-burst", error_burst()),
    ];
    for (name, situation) in &situations {
        for size in SIZES {
            let text = picture(situation, &Ui::default(), Palette::None, size);
            insta::assert_snapshot!(format!("{name}-{}x{}", size.0, size.1), text);
        }
    }
}

#[test]
fn every_page_at_the_smallest_usual_size() {
    for tab in Tab::ALL {
        let ui = Ui {
            tab,
            ..Ui::default()
        };
        let text = picture(&error_burst(), &ui, Palette::None, SIZES[0]);
        insta::assert_snapshot!(format!("page-{}", tab.name()), text);
    }
}

#[test]
fn half_blocks_show_twice_the_rows_where_there_are_colours() {
    let ui = Ui {
        tab: Tab::Latency,
        focus: Some(5),
        ..Ui::default()
    };
    insta::assert_snapshot!(
        "latency-colour",
        picture(&spike(), &ui, Palette::Full, SIZES[1])
    );
}

#[test]
fn help_lies_over_the_page() {
    for (name, panel) in [("help", Panel::Help)] {
        let ui = Ui {
            panel: Some(panel),
            ..Ui::default()
        };
        let text = picture(&baseline(), &ui, Palette::None, SIZES[0]);
        insta::assert_snapshot!(format!("panel-{name}"), text);
    }
}

#[test]
fn any_size_can_be_drawn_and_a_small_one_says_what_is_missing() {
    let ui = Ui::default();
    let small = picture(&stall(), &ui, Palette::Basic, (59, 15));
    assert!(small.contains("needs 60 × 16"), "{small}");
    let situation = stall();
    for width in [1, 60, 61, 79, 130, 181] {
        for height in [1, 16, 17, 22, 33, 47] {
            for tab in Tab::ALL {
                let ui = Ui {
                    tab,
                    ..Ui::default()
                };
                picture(&situation, &ui, Palette::Full, (width, height));
            }
        }
    }
}

#[test]
fn a_run_without_a_first_second_can_be_drawn() {
    let empty = (subject(), Snapshot::default());
    for tab in Tab::ALL {
        let ui = Ui {
            tab,
            ..Ui::default()
        };
        let text = picture(&empty, &ui, Palette::Full, SIZES[1]);
        assert!(text.contains("checkout-storm"));
    }
}

#[test]
fn what_the_network_sent_cannot_steer_the_terminal() {
    let ui = Ui {
        tab: Tab::Errors,
        ..Ui::default()
    };
    let text = picture(&error_burst(), &ui, Palette::None, SIZES[1]);
    assert!(!text.contains('\u{1b}'));
    assert!(text.contains("5208512171318403364"));
}

#[test]
fn the_table_is_sorted_by_the_column_asked_for() {
    let (_, snapshot) = spike();
    let p99 = |row: &u16| snapshot.figures[usize::from(*row)].response.quantile(2);
    let rows = steps::order(&snapshot, Sort::P99);
    assert!(rows.is_sorted_by(|a, b| p99(a) >= p99(b)));
    assert!(steps::order(&snapshot, Sort::Order).is_sorted());
}

#[test]
fn selecting_a_step_changes_what_the_charts_show() {
    let situation = spike();
    let rows = steps::order(&situation.1, Sort::Order);
    let seen = Seen {
        mode: Mode::Run,
        open_load: true,
        rows: &rows,
        errors: &[],
        log_lines: 0,
    };
    let mut ui = Ui::default();
    press(
        &mut ui,
        KeyEvent::new(KeyCode::Down, KeyModifiers::NONE),
        &seen,
    );
    let text = picture(&situation, &ui, Palette::None, SIZES[1]);
    assert!(text.contains("response time percentiles · GET /api/products"));
}

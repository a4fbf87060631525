//! Runs that never took place: samples drawn from a seed, recorded by the real recorder, so that a whole run and its segments
//! can be made of the very same samples.

use std::collections::BTreeMap;
use std::time::Duration;

use loadgen::measure::health::OwnHealth;
use loadgen::measure::samples::Sample;
use loadgen::measure::totals::Totals;
use loadgen::measure::{
    Ending, JourneyEnding, Phases, Recorder, Replay, StepSample, Timing, Window,
};
use loadgen::report::{
    Blob, GeneratorRecord, Measured, RunReport, SegmentRecord, WindowRecord, WindowStep,
};
use loadgen::scenario::{Changes, Scenario, ScenarioRef, StepNameId, load};
use loadgen::verdict::thresholds::WindowFigures;
use loadgen::verdict::{Evidence, judge};

/// Steps of a virtual run.
const STEPS: u64 = 30_000;

/// SplitMix64.
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The scenario whose names and phases virtual runs have.
pub(crate) fn scenario() -> Scenario {
    let origin = ScenarioRef::find("checkout-storm").expect("it is built in");
    load(&origin, &Changes::default()).expect("it is valid")
}

/// The record and the kept samples of the share `index` of `of` (from 1).
pub(crate) fn virtual_run(index: u64, of: u64) -> (RunReport, Vec<Sample>) {
    of_scenario(&scenario(), index, of, Duration::from_secs(60), STEPS)
}

/// Ten minutes of twelve steps.
pub(crate) fn long_run() -> (RunReport, Vec<Sample>) {
    let mut scenario = scenario();
    let mut number = 0;
    while scenario.figures.len() < 12 {
        number += 1;
        scenario.figures.push(loadgen::scenario::StepName {
            name: format!("GET /api/more/{number}"),
            service: "more".to_owned(),
            tags: Vec::new(),
        });
    }
    of_scenario(&scenario, 1, 1, Duration::from_secs(600), 240_000)
}

fn of_scenario(
    scenario: &Scenario,
    index: u64,
    of: u64,
    load_time: Duration,
    steps: u64,
) -> (RunReport, Vec<Sample>) {
    let phases = Phases::of(scenario);
    let mut seconds = BTreeMap::<u64, Recorder>::new();
    let mut state = 42_u64;
    for number in 0..steps {
        let intended = load_time.mul_f64(number as f64 / steps as f64);
        let sample = draw(&mut state, number, intended, scenario, &phases);
        if number % of == index - 1 {
            let second = seconds.entry(sample.timing.done.as_secs());
            record(second.or_insert_with(|| Recorder::new(1)), &sample);
        }
    }
    let seconds: BTreeMap<u64, Window> = seconds
        .into_iter()
        .map(|(second, mut recorder)| (second, recorder.take(Window::default())))
        .collect();
    let mut totals = Totals::default();
    seconds.values().for_each(|window| totals.add(window));
    let mut samples = std::mem::take(&mut totals.samples);
    for sample in &mut samples {
        sample.step = scenario.figures[usize::from(sample.figure)].name.clone();
    }
    let windows: Vec<WindowRecord> = seconds.iter().map(|(s, w)| window_record(*s, w)).collect();
    let figures: Vec<WindowFigures> = windows.iter().map(|w| w.figures().unwrap()).collect();
    let evidence = Evidence {
        scenario,
        phases: &phases,
        totals: &totals,
        health: &OwnHealth::default(),
        cores: 1,
        elapsed: load_time,
        interrupted: false,
        windows: &figures,
        recording: None,
    };
    let verdict = judge(&evidence);
    let measured = Measured {
        scenario,
        phases: &phases,
        totals: &totals,
        load: load_time,
    };
    let report = RunReport {
        command: ["loadgen", "run", "checkout-storm", "--segment"]
            .map(str::to_owned)
            .into_iter()
            .chain([format!("{index}/{of}")])
            .map(Into::into)
            .collect(),
        started_at: "2026-01-01T12:00:00Z".to_owned(),
        target: "http://127.0.0.1:5921".into(),
        elapsed_s: load_time.as_secs_f64() + 1.5,
        load_s: load_time.as_secs_f64(),
        segment: SegmentRecord { index, of },
        workers: 1,
        verdict,
        phases: measured.phases(),
        steps: measured.steps(),
        journeys: measured.journeys(),
        counters: measured.counters(),
        accounting: measured.accounting(),
        arrivals: totals.arrivals.clone(),
        generator: GeneratorRecord::default(),
        windows,
        ..RunReport::begun(scenario)
    };
    (report, samples)
}

/// One sample: latencies over four decades with a slow second mode, now and then an outcome, an error or a time-out.
fn draw(
    state: &mut u64,
    number: u64,
    intended: Duration,
    scenario: &Scenario,
    phases: &Phases,
) -> StepSample<'static> {
    let unit = (random(state) >> 11) as f64 / (1_u64 << 53) as f64;
    let slow = random(state).is_multiple_of(20);
    let service = Duration::from_secs_f64(0.001 * 10_f64.powf(unit * if slow { 4.0 } else { 1.5 }));
    let late = Duration::from_micros(random(state) % 2000);
    let ending = match random(state) % 400 {
        0 => Ending::TimedOut,
        1 => Ending::Failed("status_503"),
        2 => Ending::Failed("<script>alert(1)</script>"),
        3..=6 => Ending::Outcome("card_declined"),
        _ => Ending::Ok,
    };
    let figure = random(state) % scenario.figures.len() as u64;
    StepSample {
        figure: StepNameId(figure as u16),
        phase: phases.at(intended),
        timing: Timing {
            intended,
            asked: intended + late / 2,
            sent: intended + late,
            done: intended + late + service,
        },
        ending,
        status: 200,
        bytes: 512,
        decoded_bytes: 2048,
        trace_id: random(state),
        shopper: number,
        replay: Replay::Unkeyed,
    }
}

fn record(recorder: &mut Recorder, sample: &StepSample<'_>) {
    let timing = sample.timing;
    recorder.planned(timing.intended);
    let late = timing.sent - timing.intended;
    recorder.started(timing.intended, late);
    recorder.start_lag(sample.phase, late);
    recorder.step(sample);
    let ending = match sample.ending {
        Ending::Failed(_) => JourneyEnding::Failed,
        Ending::TimedOut => JourneyEnding::TimedOut,
        _ => JourneyEnding::Completed,
    };
    recorder.journey(sample.phase, 0, ending, timing.response());
    if sample.shopper.is_multiple_of(5) {
        recorder.count(sample.phase, loadgen::scenario::CounterId(0));
    }
}

fn window_record(second: u64, window: &Window) -> WindowRecord {
    let mut figures: BTreeMap<u16, loadgen::measure::StepStats> = BTreeMap::new();
    for ((_, figure), cell) in &window.cells {
        figures.entry(figure.0).or_default().add(cell);
    }
    let mut lag = loadgen::measure::LatencyHistogram::default();
    window.start_lag.values().for_each(|times| lag.add(times));
    WindowRecord {
        at_ms: (second + 1) * 1000,
        length_ms: 1000,
        planned_rate: lag.count() as f64,
        achieved_rate: lag.count() as f64,
        start_lag: Blob::of(&lag),
        figures: figures
            .iter()
            .map(|(index, cell)| {
                let step = WindowStep {
                    failure_time: Blob::default(),
                    ok: cell.ok,
                    outcomes: cell.outcomes,
                    errors: cell.errors(),
                    response: Blob::of(&cell.response),
                    service_time: Blob::of(&cell.service),
                };
                (*index, step)
            })
            .collect(),
        ..WindowRecord::default()
    }
}

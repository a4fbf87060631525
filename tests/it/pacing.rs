//! When requests go out, as far as no speed of a machine can blur it. How exactly they do: `benches/pacing`.

use std::fs;
use std::time::Duration;

use loadgen::measure::samples::Sample;

use crate::echo::Echo;
use crate::support::Run;

/// How long the target thinks about each answer.
const DELAY: Duration = Duration::from_millis(100);

/// Every response time of a run, from the samples that it keeps.
fn response_times(run: &Run) -> Vec<Duration> {
    let samples = fs::read_to_string(run.run_folder().join("samples.jsonl")).expect("samples");
    let samples = samples.lines().map(|line| {
        let sample: Sample = serde_json::from_str(line).expect("a sample");
        Duration::from_micros(sample.response_us())
    });
    samples.collect()
}

/// An arrival that is sent before its time would be answered sooner after it than the target takes.
#[test]
fn no_arrival_is_sent_before_its_time() {
    let echo = Echo::after(DELAY);
    let scenario = "name: early
load: { model: open, spacing: even, phases: [{ name: p, for: 600ms, rate: 5/s }] }
browser: { style: off }
journeys: [{ name: j, steps: [{ get: /page }] }]
";
    let run = Run::of(scenario).with(&["--target", &echo.url(), "--workers", "1"]);
    let (_, report) = run.finish();
    assert_eq!(report.accounting.completed, 3);
    let times = response_times(&run);
    assert!(times.len() >= 3, "{times:?}");
    // Samples are whole microseconds, rounded down.
    let shortest = DELAY - Duration::from_micros(2);
    assert!(times.iter().all(|time| *time >= shortest), "{times:?}");
}

//! The record of a run: `run.json`, versioned, complete enough to compute every figure again.
//!
//! Histograms are stored whole (HdrHistogram's V2 encoding in base64), never as percentiles alone, so that any reader gets the
//! same figures and segments of one run can be merged exactly.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hdrhistogram::serialization::{Deserializer, Serializer, V2Serializer};
use serde::{Deserialize, Serialize};

use crate::measure::totals::Totals;
use crate::measure::{Arrivals, LatencyHistogram, PhaseId, Phases, Replays, StepStats};
use crate::redact::Shown;
use crate::scenario::{Scenario, StepNameId};
use crate::verdict::thresholds::WindowFigures;
use crate::verdict::{Reason, Verdict};

pub mod compare;
pub mod environment;
pub mod figures;
pub mod folder;
pub mod hgrm;
pub mod html;
pub mod junit;
pub mod markdown;
pub mod merge;
pub mod read;
pub mod rejudge;
mod shown;
pub mod table;
pub mod text;

pub use environment::Environment;

/// Version of the shape of `run.json`. A reader refuses a higher one.
pub const SCHEMA_VERSION: u32 = 1;

/// The quantiles that summaries show.
pub const QUANTILES: [(&str, f64); 6] = [
    ("p50", 0.5),
    ("p90", 0.9),
    ("p95", 0.95),
    ("p99", 0.99),
    ("p99_9", 0.999),
    ("max", 1.0),
];

/// A whole run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RunReport {
    /// [`SCHEMA_VERSION`] of the writer.
    pub schema_version: u32,
    /// Version of loadgen.
    pub loadgen_version: String,
    /// What was asked for.
    pub scenario: ScenarioRecord,
    /// The command that repeats the run.
    pub command: Vec<Shown>,
    /// Start, RFC 3339, UTC.
    pub started_at: String,
    /// From start to the end of the last step, seconds.
    pub elapsed_s: f64,
    /// Length of the load, seconds.
    pub load_s: f64,
    /// Base URL of the system under test.
    pub target: Shown,
    /// What someone has called the run, and noted of it.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// What was out of the ordinary about how the target was reached.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Shown>,
    /// Whether the target was the embedded shop.
    pub embedded_shop: bool,
    /// Which share of the schedule this process sent.
    pub segment: SegmentRecord,
    /// Worker threads.
    pub workers: u32,
    /// How the run was cut short, if it was: `SIGINT`, `SIGTERM`, `SIGHUP`, `key q`.
    pub interrupted: Option<String>,
    /// Trust and thresholds.
    pub verdict: Verdict,
    /// The machine.
    pub environment: Environment,
    /// Phases in order.
    pub phases: Vec<PhaseRecord>,
    /// By step and phase.
    pub steps: Vec<StepRecord>,
    /// By journey and phase.
    pub journeys: Vec<JourneyRecord>,
    /// Business counters by name and phase.
    pub counters: BTreeMap<String, BTreeMap<String, u64>>,
    /// Where all planned journeys and sent steps have gone.
    pub accounting: Accounting,
    /// Arrivals by second of intended time.
    pub arrivals: Vec<Arrivals>,
    /// The generator itself.
    pub generator: GeneratorRecord,
    /// Changes of the rate by hand, in order.
    #[serde(default)]
    pub rate_changes: Vec<RateChangeRecord>,
    /// How many shoppers came how far, by journey. Warm-up counts here.
    #[serde(default)]
    pub funnels: Vec<FunnelRecord>,
    /// Names of the figures, by the index that windows use.
    #[serde(default)]
    pub figures: Vec<FigureRecord>,
    /// Faults in order of their begin.
    #[serde(default)]
    pub faults: Vec<FaultRecord>,
    /// Second-level windows in order.
    #[serde(default)]
    pub windows: Vec<WindowRecord>,
}

/// What someone has called a run, and noted of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Labels {
    /// Its name, besides the scenario's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Shown>,
    /// Tags, such as the version of what was tested.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, Shown>,
    /// A remark.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<Shown>,
}

impl Labels {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// In a line.
    pub fn line(&self) -> String {
        let mut parts: Vec<String> = self.name.iter().map(Shown::to_string).collect();
        parts.extend(
            self.tags
                .iter()
                .map(|(key, value)| format!("{key}={value}")),
        );
        parts.extend(self.note.iter().map(Shown::to_string));
        parts.join(" · ")
    }
}

/// Name under which steps are measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FigureRecord {
    /// The route, such as `POST /api/orders`.
    pub name: String,
    /// The service that answers it.
    pub service: String,
    /// Tags for thresholds.
    #[serde(default)]
    pub tags: Vec<String>,
}

/// When a fault was there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FaultRecord {
    /// Its name.
    pub name: String,
    /// Begin since the run began, seconds.
    pub begin_s: f64,
    /// End since the run began, seconds.
    pub end_s: f64,
}

/// The scenario of a run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ScenarioRecord {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub about: String,
    /// File, `built-in:<name>` or `command line`.
    pub origin: String,
    /// SHA-256 of its text.
    pub hash: String,
    /// The seed of the run.
    pub seed: u64,
    /// The run's id: the same seed and id send exactly the same.
    #[serde(default)]
    pub run_id: String,
}

/// Which share of a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentRecord {
    /// From 1.
    pub index: u64,
    /// Of how many.
    pub of: u64,
}

/// One phase.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PhaseRecord {
    /// Its name.
    pub name: String,
    /// Begin since the run began, seconds.
    pub begin_s: f64,
    /// End since the run began, seconds.
    pub end_s: f64,
    /// Whether it counts towards the run's figures (warm-up does not).
    pub counts: bool,
    /// The generator's lateness.
    pub start_lag: TimesRecord,
}

/// One step in one phase.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StepRecord {
    /// The step's name.
    pub step: String,
    /// The service that answers it.
    pub service: String,
    /// The phase's name.
    pub phase: String,
    /// Ended well.
    pub ok: u64,
    /// Ended in a foreseen way: count by name.
    pub outcomes: BTreeMap<String, u64>,
    /// Failed: count by name, `timeout` among them.
    pub errors: BTreeMap<String, u64>,
    /// What was expected and what came in the first example of an error, by its name; over all phases.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub why: BTreeMap<String, Shown>,
    /// Cut off by the end of the run.
    pub in_flight: u64,
    /// Bytes of response bodies, as they came.
    pub bytes: u64,
    /// Bytes of response bodies without their content codings.
    #[serde(default)]
    pub decoded_bytes: u64,
    /// Answers to requests with an idempotency key.
    #[serde(default)]
    pub replays: Replays,
    /// Done − intended, of all steps but failed ones.
    pub response: TimesRecord,
    /// Done − sent, of the same steps.
    pub service_time: TimesRecord,
    /// Sent − asked for a connection, of the same steps.
    pub connection_wait: TimesRecord,
    /// Done − intended of failed steps. Records of older versions have theirs among the others.
    #[serde(default, skip_serializing_if = "TimesRecord::is_empty")]
    pub failure_time: TimesRecord,
}

/// One journey in one phase.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct JourneyRecord {
    /// Its name.
    pub journey: String,
    /// The phase's name.
    pub phase: String,
    /// Completed, or left by choice.
    pub completed: u64,
    /// Ended by a failed step.
    pub failed: u64,
    /// Ended by a time-out.
    pub timed_out: u64,
    /// Cut off by the end of the run.
    pub in_flight: u64,
    /// From arrival to the end without think times, of all but failed journeys.
    pub response: TimesRecord,
    /// The same of failed ones.
    #[serde(default, skip_serializing_if = "TimesRecord::is_empty")]
    pub failure_time: TimesRecord,
}

/// One change of the rate by hand.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RateChangeRecord {
    /// From when on, seconds since the run began.
    pub at_s: f64,
    /// The scenario's rate times this (not: the rate before).
    pub factor: f64,
}

/// How many shoppers came how far on one journey.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunnelRecord {
    /// The journey's name.
    pub journey: String,
    /// Its steps in order, and the shoppers who came to each, counted once.
    pub steps: Vec<(String, u64)>,
}

/// planned = completed + failed + timed out + in flight + dropped.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accounting {
    /// Journeys that were due.
    pub planned: u64,
    /// Completed, or left by choice.
    pub completed: u64,
    /// Ended by a failed step.
    pub failed: u64,
    /// Ended by a time-out.
    pub timed_out: u64,
    /// Cut off by the end of the run.
    pub in_flight: u64,
    /// Never begun, by reason.
    pub dropped: BTreeMap<String, u64>,
}

/// The generator itself.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct GeneratorRecord {
    /// CPU seconds used.
    pub cpu_s: f64,
    /// Highest share of the given cores over ten seconds, 0…1.
    pub cpu_share_max: f64,
    /// Highest resident memory, bytes.
    pub memory_bytes_max: u64,
    /// Highest resident memory of the embedded shop, bytes; 0 without one.
    pub shop_memory_bytes_max: u64,
    /// Most shoppers at one time.
    pub shoppers_max: u32,
    /// Most open connections.
    pub connections_max: u32,
}

/// One second-level window; steps belong to the window in which they were done.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct WindowRecord {
    /// End since the run began, milliseconds.
    pub at_ms: u64,
    /// Length, milliseconds.
    pub length_ms: u64,
    /// Journeys a second planned.
    pub planned_rate: f64,
    /// Journeys a second begun.
    pub achieved_rate: f64,
    /// Shoppers at its end.
    pub shoppers: u32,
    /// Open connections at its end.
    pub connections: u32,
    /// CPU cores used by the generator.
    pub cpu: f64,
    /// The generator's lateness.
    pub start_lag: Blob,
    /// By index into [`Scenario::figures`].
    pub figures: BTreeMap<u16, WindowStep>,
}

impl WindowRecord {
    /// The window's figures, decoded.
    ///
    /// # Errors
    /// When a histogram cannot be decoded.
    pub fn figures(&self) -> Result<WindowFigures, String> {
        let decode = |(index, step): (&u16, &WindowStep)| {
            let cell = StepStats {
                response: step.response.times()?,
                service: step.service_time.times()?,
                failure: step.failure_time.times()?,
                ok: step.ok,
                outcomes: step.outcomes,
                failed: step.errors,
                ..StepStats::default()
            };
            Ok((StepNameId(*index), cell))
        };
        Ok(WindowFigures {
            at: Duration::from_millis(self.at_ms),
            length: Duration::from_millis(self.length_ms),
            figures: self
                .figures
                .iter()
                .map(decode)
                .collect::<Result<_, String>>()?,
            start_lag: self.start_lag.times()?,
        })
    }
}

/// One step in one window.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct WindowStep {
    /// Ended well.
    pub ok: u64,
    /// Ended in a foreseen way.
    pub outcomes: u64,
    /// Failed, time-outs among them.
    pub errors: u64,
    /// Done − intended, of all but failed steps.
    pub response: Blob,
    /// Done − sent, of the same steps.
    pub service_time: Blob,
    /// Done − intended of failed steps.
    #[serde(default, skip_serializing_if = "Blob::is_empty")]
    pub failure_time: Blob,
}

/// A histogram with its summary for readers without an HdrHistogram library.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct TimesRecord {
    /// Readings.
    pub count: u64,
    /// Quantiles in milliseconds.
    #[serde(flatten)]
    pub quantiles_ms: BTreeMap<String, f64>,
    /// The histogram, microseconds.
    pub hdr: Blob,
}

impl TimesRecord {
    /// Whether there are no readings.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Records a histogram.
    pub fn of(times: &LatencyHistogram) -> Self {
        let quantiles_ms = QUANTILES
            .iter()
            .filter_map(|(name, q)| Some(((*name).to_owned(), millis(times.quantile(*q)?))))
            .collect();
        Self {
            count: times.count(),
            quantiles_ms,
            hdr: Blob::of(times),
        }
    }
}

fn millis(time: Duration) -> f64 {
    time.as_micros() as f64 / 1e3
}

/// An HdrHistogram in V2 encoding, base64; empty for a histogram without readings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Blob(pub String);

impl Blob {
    /// Whether there are no readings.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Encodes a histogram.
    pub fn of(times: &LatencyHistogram) -> Self {
        let mut bytes = Vec::new();
        if times.count() == 0
            || V2Serializer::new()
                .serialize(times.histogram(), &mut bytes)
                .is_err()
        {
            return Self::default();
        }
        Self(BASE64.encode(bytes))
    }

    /// Decodes it.
    ///
    /// # Errors
    /// When the text is no base64 or no V2 histogram.
    pub fn times(&self) -> Result<LatencyHistogram, String> {
        if self.0.is_empty() {
            return Ok(LatencyHistogram::default());
        }
        let bytes = BASE64
            .decode(&self.0)
            .map_err(|e| format!("a histogram is not base64: {e}"))?;
        let histogram = Deserializer::new()
            .deserialize(&mut bytes.as_slice())
            .map_err(|e| format!("a histogram cannot be decoded: {e}"))?;
        Ok(LatencyHistogram::from_histogram(histogram))
    }
}

/// The part of a report that comes from what was measured.
pub struct Measured<'a> {
    /// What was asked for.
    pub scenario: &'a Scenario,
    /// The run's phases.
    pub phases: &'a Phases,
    /// The sums.
    pub totals: &'a Totals,
    /// Length of the load.
    pub load: Duration,
}

impl RunReport {
    /// Records what is about to run, before anything is measured. If the run does not end, this is all there is besides its
    /// windows, so the verdict says that it did not end.
    pub fn begun(scenario: &Scenario) -> Self {
        let unfinished = Reason {
            what: "the run did not end: there is no run.json, only what was written until then"
                .to_owned(),
            when: None,
            remedy: "see loadgen.log in the run folder, and repeat the run".to_owned(),
        };
        Self {
            schema_version: SCHEMA_VERSION,
            loadgen_version: env!("CARGO_PKG_VERSION").to_owned(),
            scenario: ScenarioRecord {
                name: scenario.name.clone(),
                about: scenario.about.clone(),
                origin: scenario.source.origin.clone(),
                hash: scenario.source.hash.clone(),
                seed: scenario.seed,
                run_id: scenario.run_id.to_string(),
            },
            command: Vec::new(),
            started_at: String::new(),
            elapsed_s: 0.0,
            load_s: 0.0,
            target: Shown::default(),
            labels: Labels::default(),
            notes: Vec::new(),
            embedded_shop: false,
            segment: SegmentRecord { index: 1, of: 1 },
            workers: 0,
            interrupted: None,
            verdict: Verdict {
                valid: false,
                reasons: vec![unfinished],
                nothing_succeeded: None,
                passed: None,
                thresholds: Vec::new(),
            },
            environment: Environment::default(),
            phases: Vec::new(),
            steps: Vec::new(),
            journeys: Vec::new(),
            counters: BTreeMap::new(),
            accounting: Accounting::default(),
            arrivals: Vec::new(),
            generator: GeneratorRecord::default(),
            figures: figures_of(scenario),
            funnels: funnels_of(scenario),
            faults: Vec::new(),
            rate_changes: Vec::new(),
            windows: Vec::new(),
        }
    }
}

impl RunReport {
    /// Answers to requests with an idempotency key, warm-up included.
    pub fn replays(&self) -> Replays {
        let mut sum = Replays::default();
        self.steps.iter().for_each(|step| sum.add(&step.replays));
        sum
    }
}

fn figures_of(scenario: &Scenario) -> Vec<FigureRecord> {
    let record = |figure: &crate::scenario::StepName| FigureRecord {
        name: figure.name.clone(),
        service: figure.service.clone(),
        tags: figure.tags.clone(),
    };
    scenario.figures.iter().map(record).collect()
}

fn funnels_of(scenario: &Scenario) -> Vec<FunnelRecord> {
    let name = |figure: &StepNameId| {
        let figure = scenario.figures.get(usize::from(figure.0))?;
        Some((figure.name.clone(), 0))
    };
    let record = |journey: &crate::scenario::Journey| FunnelRecord {
        journey: journey.name.clone(),
        steps: journey.funnel.iter().filter_map(name).collect(),
    };
    scenario.journeys.iter().map(record).collect()
}

impl Measured<'_> {
    /// Phases in order.
    pub fn phases(&self) -> Vec<PhaseRecord> {
        let record = |index: usize, name: &String| {
            let phase = PhaseId(u16::try_from(index).unwrap_or(u16::MAX));
            let (begin, end) = self.phases.span(phase, self.load);
            PhaseRecord {
                name: name.clone(),
                begin_s: begin.as_secs_f64(),
                end_s: end.as_secs_f64(),
                counts: self.phases.counts(phase),
                start_lag: self
                    .totals
                    .start_lag
                    .get(&phase)
                    .map(TimesRecord::of)
                    .unwrap_or_default(),
            }
        };
        self.phases
            .names()
            .iter()
            .enumerate()
            .map(|(index, name)| record(index, name))
            .collect()
    }

    /// By step and phase.
    pub fn steps(&self) -> Vec<StepRecord> {
        self.totals
            .cells
            .iter()
            .map(|((phase, figure), cell)| self.step(*phase, *figure, cell))
            .collect()
    }

    fn step(&self, phase: PhaseId, figure: StepNameId, cell: &StepStats) -> StepRecord {
        let name = &self.scenario.figures[usize::from(figure.0)];
        let named = |counts: &BTreeMap<(PhaseId, StepNameId, String), u64>| {
            let of = counts
                .iter()
                .filter(|((p, f, _), _)| *p == phase && *f == figure);
            of.map(|((_, _, name), count)| (name.clone(), *count))
                .collect()
        };
        StepRecord {
            step: name.name.clone(),
            service: name.service.clone(),
            phase: self.phase_name(phase),
            ok: cell.ok,
            outcomes: named(&self.totals.outcomes),
            errors: named(&self.totals.errors),
            why: self.why(figure),
            in_flight: cell.in_flight,
            bytes: cell.bytes,
            decoded_bytes: cell.decoded_bytes,
            replays: cell.replays,
            response: TimesRecord::of(&cell.response),
            service_time: TimesRecord::of(&cell.service),
            connection_wait: TimesRecord::of(&cell.connection_wait),
            failure_time: TimesRecord::of(&cell.failure),
        }
    }

    /// Of the first example of each error.
    fn why(&self, figure: StepNameId) -> BTreeMap<String, Shown> {
        let mut found = BTreeMap::new();
        for sample in self
            .totals
            .samples
            .iter()
            .filter(|sample| sample.figure == figure.0)
        {
            if let Some(why) = &sample.why {
                found
                    .entry(sample.ending.clone())
                    .or_insert_with(|| why.clone());
            }
        }
        found
    }

    /// By journey and phase.
    pub fn journeys(&self) -> Vec<JourneyRecord> {
        let record =
            |((phase, journey), cell): (&(PhaseId, u16), &crate::measure::JourneyStats)| {
                JourneyRecord {
                    journey: self.scenario.journeys[usize::from(*journey)].name.clone(),
                    phase: self.phase_name(*phase),
                    completed: cell.completed,
                    failed: cell.failed,
                    timed_out: cell.timed_out,
                    in_flight: cell.in_flight,
                    response: TimesRecord::of(&cell.response),
                    failure_time: TimesRecord::of(&cell.failure),
                }
            };
        self.totals.journeys.iter().map(record).collect()
    }

    /// Business counters by name and phase.
    pub fn counters(&self) -> BTreeMap<String, BTreeMap<String, u64>> {
        let mut found: BTreeMap<String, BTreeMap<String, u64>> = self
            .scenario
            .counters
            .iter()
            .map(|name| (name.clone(), BTreeMap::new()))
            .collect();
        for ((phase, counter), count) in &self.totals.counters {
            let name = self.scenario.counters[usize::from(counter.0)].clone();
            found
                .entry(name)
                .or_default()
                .insert(self.phase_name(*phase), *count);
        }
        found
    }

    /// How many shoppers came how far.
    pub fn funnels(&self) -> Vec<FunnelRecord> {
        let reached = |journey: usize, place: usize| {
            let key = u16::try_from(journey).ok().zip(u8::try_from(place).ok());
            let count = key.and_then(|key| self.totals.reached.get(&key));
            count.copied().unwrap_or(0)
        };
        let journeys = self.scenario.journeys.iter().enumerate();
        journeys
            .map(|(index, journey)| FunnelRecord {
                journey: journey.name.clone(),
                steps: journey
                    .funnel
                    .iter()
                    .enumerate()
                    .map(|(place, figure)| {
                        let name = &self.scenario.figures[usize::from(figure.0)].name;
                        (name.clone(), reached(index, place))
                    })
                    .collect(),
            })
            .collect()
    }

    /// Where all journeys went.
    pub fn accounting(&self) -> Accounting {
        let mut sum = crate::measure::JourneyStats::default();
        self.totals.journeys.values().for_each(|cell| sum.add(cell));
        Accounting {
            planned: self.totals.arrivals_all().planned,
            completed: sum.completed,
            failed: sum.failed,
            timed_out: sum.timed_out,
            in_flight: sum.in_flight,
            dropped: self.totals.dropped.clone(),
        }
    }

    fn phase_name(&self, phase: PhaseId) -> String {
        self.phases
            .names()
            .get(usize::from(phase.0))
            .cloned()
            .unwrap_or_default()
    }
}

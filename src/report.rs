//! The record of a run: `run.json`, versioned, complete enough to compute every figure again.
//!
//! Histograms are stored whole (HdrHistogram's V2 encoding in base64), never as percentiles alone, so that any reader gets the
//! same figures and segments of one run can be merged exactly.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::measure::{Arrivals, Replays};
use crate::recording::recorder::RecordingSummary;
use crate::redact::Shown;
use crate::scenario::{Journey, Scenario, StepName, StepNameId};
use crate::verdict::{Reason, Verdict};

pub mod compare;
pub mod environment;
pub mod figures;
pub mod folder;
pub mod hgrm;
pub mod html;
pub mod json;
pub mod junit;
pub mod markdown;
mod measured;
pub mod merge;
pub mod read;
mod record;
mod recorded;
pub mod rejudge;
pub mod runs;
mod shown;
pub mod table;
pub mod text;
mod times;
mod window;

pub use environment::Environment;
pub use measured::Measured;
pub use record::{
    Accounting, FaultRecord, FigureRecord, FunnelRecord, GeneratorRecord, JourneyRecord, Labels,
    PhaseRecord, RateChangeRecord, RumRecord, ScenarioRecord, SegmentRecord, StepRecord,
};
pub use times::{Blob, QUANTILES, TimesRecord};
pub use window::{WindowRecord, WindowStep};

/// Version of the shape of `run.json`. A reader refuses a higher one.
pub const SCHEMA_VERSION: u32 = 1;

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
    /// What the shoppers' browsers told, if they are under RUM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rum: Option<RumRecord>,
    /// Names of the figures, by the index that windows use.
    #[serde(default)]
    pub figures: Vec<FigureRecord>,
    /// Faults in order of their begin.
    #[serde(default)]
    pub faults: Vec<FaultRecord>,
    /// What was recorded of the telemetry of the system under test, if anything was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recording: Option<RecordingSummary>,
    /// Second-level windows in order.
    #[serde(default)]
    pub windows: Vec<WindowRecord>,
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
            recording: None,
            faults: Vec::new(),
            rate_changes: Vec::new(),
            rum: None,
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
    let record = |figure: &StepName| FigureRecord {
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
    let record = |journey: &Journey| FunnelRecord {
        journey: journey.name.clone(),
        steps: journey.funnel.iter().filter_map(name).collect(),
    };
    scenario.journeys.iter().map(record).collect()
}

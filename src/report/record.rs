//! The parts of a run's record that describe what ran and how it ended, apart from its windows and histograms.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::times::TimesRecord;
use crate::measure::Replays;
use crate::redact::Shown;

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

/// The RUM events of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RumRecord {
    /// A file of the run folder, or the host of an intake.
    pub place: Shown,
    /// Sessions that were told of.
    pub sessions: u64,
    /// Sessions that were not, for want of room.
    pub sessions_skipped: u64,
    /// Views.
    pub views: u64,
    /// Actions.
    pub actions: u64,
    /// Resources.
    pub resources: u64,
    /// Errors.
    pub errors: u64,
    /// Long tasks.
    pub long_tasks: u64,
    /// Frustrations of all actions.
    pub frustrations: u64,
    /// Events that arrived; a view has several, one for each of its states that was sent.
    pub events: u64,
    /// Events that did not arrive, by reason.
    pub dropped: BTreeMap<String, u64>,
    /// Batches that were sent again.
    pub retries: u64,
    /// What shoppers did and nobody could note, because it was too much at once.
    pub records_lost: u64,
}

impl RumRecord {
    /// Adds another segment's.
    pub fn add(&mut self, other: &Self) {
        let pairs = [
            (&mut self.sessions, other.sessions),
            (&mut self.sessions_skipped, other.sessions_skipped),
            (&mut self.views, other.views),
            (&mut self.actions, other.actions),
            (&mut self.resources, other.resources),
            (&mut self.errors, other.errors),
            (&mut self.long_tasks, other.long_tasks),
            (&mut self.frustrations, other.frustrations),
            (&mut self.events, other.events),
            (&mut self.retries, other.retries),
            (&mut self.records_lost, other.records_lost),
        ];
        for (sum, more) in pairs {
            *sum += more;
        }
        for (reason, events) in &other.dropped {
            *self.dropped.entry(reason.clone()).or_default() += events;
        }
    }

    /// In a line.
    pub fn line(&self) -> String {
        let mut parts = vec![format!(
            "{} sessions, {} views, {} actions, {} errors · {} events in {}",
            self.sessions, self.views, self.actions, self.errors, self.events, self.place
        )];
        let dropped = self.dropped.iter();
        let dropped: Vec<String> = dropped
            .map(|(reason, events)| format!("{events} {reason}"))
            .collect();
        if !dropped.is_empty() {
            parts.push(format!("events dropped: {}", dropped.join(", ")));
        }
        let counts = [
            ("batches sent again", self.retries),
            ("sessions left out for want of room", self.sessions_skipped),
            ("records lost", self.records_lost),
        ];
        let counts = counts.iter().filter(|(_, count)| *count > 0);
        parts.extend(counts.map(|(what, count)| format!("{count} {what}")));
        parts.join(" · ")
    }
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
    /// Answers by protocol, such as `HTTP/2 over TLS 1.3`; those of preflights and on the way of redirects count, too.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub protocols: BTreeMap<String, u64>,
}

impl GeneratorRecord {
    /// The protocols in a line, with their counts if there are several; `None` without an answer.
    pub fn protocol_line(&self) -> Option<String> {
        let mut protocols: Vec<_> = self.protocols.iter().collect();
        protocols.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        match protocols.as_slice() {
            [] => None,
            [(only, _)] => Some((*only).clone()),
            several => {
                let each = several
                    .iter()
                    .map(|(name, count)| format!("{name} ({count})"));
                Some(each.collect::<Vec<_>>().join(", "))
            }
        }
    }
}

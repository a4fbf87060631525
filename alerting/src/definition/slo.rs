//! The shape of a service level objective.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::waiver::Waiver;

/// One service level objective.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Slo {
    /// The name that people see.
    pub name: String,
    /// What is measured.
    #[serde(rename = "type")]
    pub kind: SloType,
    /// What it promises and to whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// For `metric`: good events and all events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<RatioQuery>,
    /// For `time_slice`: what must hold in each slice; for `metric`, instead of `query`: formulas over counts. In the
    /// API's JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sli_specification: Option<Map<String, Value>>,
    /// For `monitor`: logical names of monitors, or ids of monitors that are kept elsewhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub monitor_ids: Vec<MonitorId>,
    /// For one multi-alert monitor: only these groups.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// The targets, each for another time frame.
    pub thresholds: Vec<SloTarget>,
    /// Who is responsible; becomes the tag `team:…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// What is promised for; becomes the tag `service:…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Further tags, written `key:value`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// The id of an existing SLO to take over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adopt: Option<String>,
    /// Rules that this SLO may break.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waive: Vec<Waiver>,
}

/// What an SLO measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SloType {
    /// Good events among all events.
    Metric,
    /// Time without an alert of its monitors.
    Monitor,
    /// Slices of time in which a condition holds.
    TimeSlice,
}

/// Good events and all events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RatioQuery {
    /// Good events.
    pub numerator: String,
    /// All events.
    pub denominator: String,
}

/// A monitor of an SLO.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum MonitorId {
    /// An id, for a monitor that is kept elsewhere.
    Id(u64),
    /// A logical name.
    Name(String),
}

/// A target for a time frame.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SloTarget {
    /// The time frame, which rolls.
    pub timeframe: Timeframe,
    /// Per cent that must be good.
    pub target: f64,
    /// Per cent below which to warn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<f64>,
}

/// A rolling time frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "each is its own name")]
pub enum Timeframe {
    #[serde(rename = "7d")]
    SevenDays,
    #[serde(rename = "30d")]
    ThirtyDays,
    #[serde(rename = "90d")]
    NinetyDays,
}

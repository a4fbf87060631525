//! What a definition file may say: shapes for serde and JSON Schema, nothing else. What is wrong with a file that fits
//! these shapes is for the rules; what the API is told is made in [`crate::set`].

mod dashboard;
mod monitor;
mod project;
mod slo;
mod waiver;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use dashboard::Dashboard;
pub use monitor::{
    MissingData, Monitor, MonitorOptions, MonitorType, NotificationPreset, Quantity,
    ThresholdWindows, Thresholds,
};
pub use project::{Environment, MetricType, Metrics, Profile, Project, ProjectMetric};
pub use slo::{MonitorId, RatioQuery, Slo, SloTarget, SloType, Timeframe};
pub use waiver::Waiver;

/// The JSON Schema of a definition file, for editors.
pub fn definitions_schema() -> Value {
    schemars::schema_for!(Definitions).to_value()
}

/// The JSON Schema of the project file, for editors.
pub fn project_schema() -> Value {
    schemars::schema_for!(Project).to_value()
}

/// One file of definitions. Which folder it lies in does not matter, except for optional folders.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Definitions {
    /// What every definition in the file has unless it says otherwise.
    #[serde(skip_serializing_if = "Defaults::is_empty")]
    pub defaults: Defaults,
    /// Monitors by their logical name.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub monitors: IndexMap<String, Monitor>,
    /// Service level objectives by their logical name.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub slos: IndexMap<String, Slo>,
    /// Dashboards by their logical name.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub dashboards: IndexMap<String, Dashboard>,
}

/// What every definition in a file has unless it says otherwise.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Defaults {
    /// Who is responsible; becomes the tag `team:…`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// What is watched; becomes the tag `service:…`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// How bad it is; becomes the tag `severity:…` of monitors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<String>,
    /// The priority of monitors, from 1 (most urgent) to 5.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<Value>,
    /// The logical name of the dashboard to look at first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dashboard: Option<String>,
    /// The runbook to read, by its file name without `.md`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runbook: Option<String>,
    /// Tags added to those of each definition.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
}

impl Defaults {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

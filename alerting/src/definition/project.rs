//! The shape of the project file: what differs between environments, so that the definitions need not.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The project file, `monitors.yaml`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Project {
    /// Marks the objects of this project; an environment's namespace is `<namespace>-<environment>` unless it says
    /// otherwise.
    pub namespace: String,
    /// The environment to use when neither `--env` nor DD_ENV names one.
    #[serde(default)]
    pub default_environment: Option<String>,
    /// The API's address, instead of the site's; `--api-url` and DD_API_URL win over it.
    #[serde(default)]
    pub api_url: Option<String>,
    /// Which rules hold: those without which a monitor does not work, or the house's good practice too.
    #[serde(default)]
    pub profile: Profile,
    /// Metrics that definitions may query, by name; more may stand in metrics.yaml.
    #[serde(default)]
    pub metrics: BTreeMap<String, ProjectMetric>,
    /// The services that definitions may name; empty leaves them unchecked.
    #[serde(default)]
    pub services: Vec<String>,
    /// Folders whose files only apply in environments that name them.
    #[serde(default)]
    pub optional_folders: Vec<String>,
    /// Variables of every environment.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// The environments.
    pub environments: IndexMap<String, Environment>,
}

/// Which rules hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// What the API refuses, and what keeps a monitor from working.
    #[default]
    Essential,
    /// Good practice too: owners, runbooks, dashboards, priorities, a text for recovery, known metrics.
    House,
}

/// A file of metrics, `metrics.yaml`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Metrics {
    /// Metrics by name.
    pub metrics: BTreeMap<String, ProjectMetric>,
}

/// A metric of the project's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProjectMetric {
    /// What it is.
    #[serde(rename = "type")]
    pub kind: MetricType,
    /// In what it is measured, such as `second` or `byte`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// What it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The keys of its tags; empty allows any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
}

/// What a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is its own name")]
pub enum MetricType {
    Gauge,
    Count,
    Rate,
    Distribution,
}

/// One environment.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Environment {
    /// Marks the objects of this environment.
    pub namespace: Option<String>,
    /// The API's address for this environment; wins over the project's.
    pub api_url: Option<String>,
    /// Optional folders that apply here.
    pub folders: Vec<String>,
    /// Variables of this environment; they win over the project's.
    pub variables: BTreeMap<String, String>,
}

//! The shape of a dashboard: the API's own JSON below the first level, because people design dashboards in the
//! browser and export them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::waiver::Waiver;

/// One dashboard.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dashboard {
    /// The title that people see.
    pub title: String,
    /// What it is for. A line with the key is added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// `ordered` or `free`.
    pub layout_type: String,
    /// `auto` or `fixed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reflow_type: Option<String>,
    /// Variables that the viewer chooses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub template_variables: Vec<Map<String, Value>>,
    /// Sets of choices.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub template_variable_presets: Vec<Map<String, Value>>,
    /// Who is told of changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notify_list: Vec<String>,
    /// Tabs; widgets by position: `@1` is the first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tabs: Vec<Map<String, Value>>,
    /// Only `team:…` is accepted by the API.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Who is responsible; becomes the tag `team:…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// What it shows, in the API's JSON. Monitors and SLOs by `${monitor:name}` and `${slo:name}`.
    pub widgets: Vec<Map<String, Value>>,
    /// The id of an existing dashboard to take over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adopt: Option<String>,
    /// Rules that this dashboard may break.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waive: Vec<Waiver>,
}

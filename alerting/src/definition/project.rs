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
    /// Folders whose files only apply in environments that name them.
    #[serde(default)]
    pub optional_folders: Vec<String>,
    /// Variables of every environment.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// The environments.
    pub environments: IndexMap<String, Environment>,
}

/// One environment.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Environment {
    /// Marks the objects of this environment.
    pub namespace: Option<String>,
    /// Optional folders that apply here.
    pub folders: Vec<String>,
    /// Variables of this environment; they win over the project's.
    pub variables: BTreeMap<String, String>,
}

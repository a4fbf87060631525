//! What loading needs: file texts and choices. Must not know what becomes of them.

/// A file's text and what to call it.
#[derive(Debug, Clone)]
pub struct Source {
    /// Path relative to the project.
    pub path: String,
    /// What is in it.
    pub text: String,
}

/// Everything that loading needs.
#[derive(Debug, Clone, Default)]
pub struct Inputs {
    /// The project file.
    pub project: Option<Source>,
    /// The project's list of metrics.
    pub metrics: Option<Source>,
    /// The definition files.
    pub files: Vec<Source>,
    /// Names of the runbooks that exist; `None` leaves that unchecked.
    pub runbooks: Option<Vec<String>>,
    /// The environment; may be left out when the project has one.
    pub environment: Option<String>,
    /// Variables set on the command line; they win over the files.
    pub variables: Vec<(String, String)>,
    /// Replaces the environment's namespace.
    pub namespace: Option<String>,
    /// The Datadog site, such as `datadoghq.eu`; fills the variable `site` where the project leaves it open.
    pub site: Option<String>,
}

//! The files of a project: found, read, given to `alerting`. Must not know what they mean.

use std::io;
use std::path::{Path, PathBuf};

use alerting::definition::Project;
use alerting::set::{self, Inputs, Set, Source};
use checked_yaml::{Document, Problems, Style};
use thiserror::Error;

use crate::cli::Files;

/// The project file.
pub const PROJECT_FILE: &str = "monitors.yaml";
/// The project's list of metrics.
pub const METRICS_FILE: &str = "metrics.yaml";
/// The folders with definitions.
pub const FOLDERS: [&str; 3] = ["monitors", "slos", "dashboards"];
/// Where runbooks are; whether definitions name existing ones is checked when the folder exists.
const RUNBOOKS: &str = "docs/runbooks";
/// How deep folders are searched.
const DEPTH_MAX: usize = 8;
/// Most definition files.
const FILES_MAX: usize = 5000;

/// Why files could not be read.
#[derive(Debug, Error)]
pub enum ProjectError {
    /// The operating system said no.
    #[error("{path}: {error}")]
    Io {
        /// File or folder.
        path: String,
        /// What it said.
        error: io::Error,
    },
    /// There is nothing to read.
    #[error(
        "{0}: no {PROJECT_FILE} and none of the folders monitors/, slos/, dashboards/; pass the project with --dir"
    )]
    Nothing(String),
    /// More files than a project can have.
    #[error("{0}: more than {FILES_MAX} definition files")]
    TooMany(String),
}

/// What the process's environment says about a project.
#[derive(Debug, Clone, Default)]
pub struct Ambient {
    /// DD_ENV: the environment, where `--env` names none.
    pub environment: Option<String>,
    /// DD_SITE: fills the variable `site`.
    pub site: Option<String>,
}

/// A project's files as they are on disk.
#[derive(Debug, Clone)]
pub struct Texts {
    /// The project file.
    pub project: Option<Source>,
    /// The project's list of metrics.
    pub metrics: Option<Source>,
    /// The definition files, sorted by path.
    pub files: Vec<Source>,
    /// The runbooks' names.
    pub runbooks: Option<Vec<String>>,
}

impl Texts {
    /// Reads a project.
    ///
    /// # Errors
    ///
    /// When a file cannot be read, or there is none.
    pub fn read(dir: &Path) -> Result<Self, ProjectError> {
        let project = optional(dir, PROJECT_FILE)?;
        let mut paths = Vec::new();
        let mut folders = 0;
        for folder in FOLDERS
            .map(|folder| dir.join(folder))
            .iter()
            .filter(|path| path.is_dir())
        {
            folders += 1;
            collect(folder, DEPTH_MAX, &mut paths)?;
        }
        if project.is_none() && folders == 0 {
            return Err(ProjectError::Nothing(dir.display().to_string()));
        }
        paths.sort();
        let files = paths
            .iter()
            .map(|path| source(dir, path))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            project,
            metrics: optional(dir, METRICS_FILE)?,
            files,
            runbooks: runbooks(&dir.join(RUNBOOKS))?,
        })
    }

    /// The environments that the project file names; empty without one, or when it cannot be understood.
    pub fn environments(&self) -> Vec<String> {
        let project = self.project.as_ref().and_then(|source| {
            Document::parse(&source.path, &source.text)
                .ok()?
                .check::<Project>()
                .ok()
        });
        project
            .map(|project| project.environments.keys().cloned().collect())
            .unwrap_or_default()
    }

    /// The definitions of one environment.
    ///
    /// # Errors
    ///
    /// Every problem of every file.
    pub fn load(&self, files: &Files, ambient: &Ambient) -> Result<Set, Vec<Problems>> {
        set::load(&Inputs {
            project: self.project.clone(),
            metrics: self.metrics.clone(),
            files: self.files.clone(),
            runbooks: self.runbooks.clone(),
            environment: files.env.clone().or_else(|| ambient.environment.clone()),
            variables: files.vars.clone(),
            namespace: files.namespace.clone(),
            site: ambient.site.clone(),
        })
    }
}

/// What a folder's project file says; `None` without one.
///
/// # Errors
///
/// When it cannot be read or understood.
pub fn project_file(dir: &Path) -> anyhow::Result<Option<Project>> {
    let path = dir.join(PROJECT_FILE);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(&path, error).into()),
    };
    let name = path.display().to_string();
    let read = Document::parse(&name, &text).and_then(|document| document.check::<Project>());
    read.map(Some)
        .map_err(|problems| anyhow::anyhow!("{}", problems.render(Style::Plain)))
}

fn optional(dir: &Path, name: &str) -> Result<Option<Source>, ProjectError> {
    match std::fs::read_to_string(dir.join(name)) {
        Ok(text) => Ok(Some(Source {
            path: name.to_owned(),
            text,
        })),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(&dir.join(name), error)),
    }
}

fn failed(path: &Path, error: io::Error) -> ProjectError {
    ProjectError::Io {
        path: path.display().to_string(),
        error,
    }
}

fn collect(folder: &Path, depth: usize, paths: &mut Vec<PathBuf>) -> Result<(), ProjectError> {
    let entries = std::fs::read_dir(folder).map_err(|error| failed(folder, error))?;
    for entry in entries {
        let path = entry.map_err(|error| failed(folder, error))?.path();
        let yaml = path
            .extension()
            .is_some_and(|end| end == "yaml" || end == "yml");
        if path.is_dir() && depth > 0 {
            collect(&path, depth - 1, paths)?;
        } else if yaml && path.is_file() {
            paths.push(path);
        }
        if paths.len() > FILES_MAX {
            return Err(ProjectError::TooMany(folder.display().to_string()));
        }
    }
    Ok(())
}

fn source(dir: &Path, path: &Path) -> Result<Source, ProjectError> {
    let text = std::fs::read_to_string(path).map_err(|error| failed(path, error))?;
    let relative = path.strip_prefix(dir).unwrap_or(path);
    Ok(Source {
        path: relative.display().to_string(),
        text,
    })
}

fn runbooks(folder: &Path) -> Result<Option<Vec<String>>, ProjectError> {
    if !folder.is_dir() {
        return Ok(None);
    }
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|error| failed(folder, error))? {
        let path = entry.map_err(|error| failed(folder, error))?.path();
        if path.extension().is_some_and(|end| end == "md") {
            names.extend(
                path.file_stem()
                    .map(|name| name.to_string_lossy().into_owned()),
            );
        }
    }
    Ok(Some(names))
}

//! What Compose makes of the files: every variable filled in, every file merged.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use checked_yaml::Document;
use serde_json::{Map, Value};
use tempfile::TempDir;

/// A shape that the containers are started in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Production,
    Development,
}

impl Shape {
    fn files(self) -> &'static [&'static str] {
        match self {
            Shape::Production => &["compose.yaml"],
            Shape::Development => &["compose.yaml", "compose.dev.yaml"],
        }
    }
}

/// Files merged by Compose.
#[derive(Clone, Debug)]
pub(crate) struct Merged(pub(crate) Value);

impl Merged {
    pub(crate) fn services(&self) -> &Map<String, Value> {
        self.0["services"].as_object().expect("services")
    }

    /// Networks, volumes: an object, also where the file says nothing more than the name.
    pub(crate) fn top(&self, key: &str) -> &Map<String, Value> {
        self.0[key].as_object().expect("an object")
    }
}

/// Compose, and a folder of its own with the files and an `.env` made for the test.
pub(crate) struct Compose {
    command: Vec<String>,
    /// Whether it is of the first generation, which Debian 12 has.
    is_first: bool,
    folder: TempDir,
}

impl Compose {
    /// # Panics
    /// Without a Compose tool: what cannot be checked must not pass.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for file in ["compose.yaml", "compose.dev.yaml"] {
            std::fs::copy(Path::new("compose").join(file), folder.path().join(file)).expect(file);
        }
        let (command, is_first) = command();
        let compose = Self {
            command,
            is_first,
            folder,
        };
        let made = credentials(&["--output", compose.path(".env").to_str().expect("a path")]);
        assert!(made.status.success(), "{made:?}");
        compose
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    /// Runs `config` on these files; the environment has nothing that they could take for a value.
    pub(crate) fn config(&self, files: &[&str]) -> Output {
        // The first generation of the tool has one format and no flag for it.
        let format: &[&str] = if self.is_first {
            &[]
        } else {
            &["--format", "json"]
        };
        self.run(files, &[&["config"], format].concat())
    }

    fn run(&self, files: &[&str], arguments: &[&str]) -> Output {
        let mut command = Command::new(&self.command[0]);
        command
            .args(&self.command[1..])
            .current_dir(self.folder.path())
            .env_clear()
            .envs(std::env::vars_os().filter(|(name, _)| name == "PATH" || name == "HOME"));
        for file in files {
            command.args(["--file", file]);
        }
        command
            .args(["--profile", "datadog", "--profile", "producer"])
            .args(["--profile", "observe"])
            .args(arguments)
            .output()
            .expect("Compose runs")
    }

    pub(crate) fn merged(&self, files: &[&str]) -> Merged {
        let output = self.config(files);
        let text = String::from_utf8(output.stdout).expect("text");
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{complaint}");
        let parsed = Document::parse("compose", &text);
        Merged(
            parsed
                .expect("YAML, which JSON is as well")
                .root()
                .to_json(),
        )
    }

    pub(crate) fn shape(&self, shape: Shape) -> Merged {
        self.merged(shape.files())
    }
}

/// `DOCKER_COMPOSE`, else the plugin, else the program of its own.
fn command() -> (Vec<String>, bool) {
    let named = std::env::var("DOCKER_COMPOSE").ok();
    let candidates = named
        .as_deref()
        .map_or(vec!["docker compose", "docker-compose"], |named| {
            vec![named]
        });
    let found = candidates.iter().find_map(|candidate| {
        let words: Vec<_> = candidate.split(' ').map(str::to_owned).collect();
        let asked = Command::new(&words[0])
            .args(&words[1..])
            .arg("version")
            .output();
        let output = asked.ok().filter(|output| output.status.success())?;
        let is_first = String::from_utf8_lossy(&output.stdout).contains("version 1.");
        Some((words, is_first))
    });
    found.expect(
        "Compose is missing, so the files in compose/ cannot be checked: install the Debian package docker-compose \
         (scripts/test does) or Docker's Compose plugin, or name it in DOCKER_COMPOSE",
    )
}

/// Runs the generator of credentials.
pub(crate) fn credentials(arguments: &[&str]) -> Output {
    Command::new("compose/credentials")
        .args(arguments)
        .output()
        .expect("the script runs")
}

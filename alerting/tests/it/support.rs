//! Loads what the repository ships.

use std::fs;
use std::path::{Path, PathBuf};

use alerting::set::{Inputs, Set, Source, load};

/// The repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn sources(folder: &str, found: &mut Vec<Source>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(root().join(folder))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    entries.sort();
    for entry in entries {
        let name = entry
            .file_name()
            .and_then(|name| name.to_str())
            .expect("a name");
        let path = format!("{folder}/{name}");
        if entry.is_dir() {
            sources(&path, found);
        } else {
            found.push(Source {
                text: fs::read_to_string(&entry).expect("a text"),
                path,
            });
        }
    }
}

/// What the repository ships, for an environment; fails the test with every problem.
pub(crate) fn shipped(environment: &str) -> Set {
    let mut files = Vec::new();
    for folder in ["monitors", "slos", "dashboards"] {
        sources(folder, &mut files);
    }
    let runbooks = fs::read_dir(root().join("docs/runbooks")).expect("runbooks");
    let runbooks = runbooks.filter_map(|entry| {
        entry
            .ok()?
            .file_name()
            .to_str()?
            .strip_suffix(".md")
            .map(str::to_owned)
    });
    let project = fs::read_to_string(root().join("monitors.yaml")).expect("the project file");
    let inputs = Inputs {
        project: Some(Source {
            path: "monitors.yaml".into(),
            text: project,
        }),
        files,
        runbooks: Some(runbooks.collect()),
        environment: Some(environment.into()),
        ..Inputs::default()
    };
    load(&inputs).unwrap_or_else(|problems| {
        panic!(
            "{}",
            problems
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("\n")
        )
    })
}

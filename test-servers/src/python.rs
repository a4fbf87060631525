//! Servers that are Python packages, each from an environment of its own with pinned versions: `scripts/venv`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::child::run;

/// A file of this repository.
pub(crate) fn source(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// The interpreter that has this package; it is installed first where it is missing.
pub(crate) fn python(package: &str) -> PathBuf {
    let mut install = Command::new(source("scripts/venv"));
    let programs = run(install.arg(package).stdin(Stdio::null()));
    Path::new(programs.trim()).join("python")
}

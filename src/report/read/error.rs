//! Why a run cannot be read, in words that name the file and the remedy.

use std::path::PathBuf;

use crate::report::SCHEMA_VERSION;

/// Why a run cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is nothing.
    #[error(
        "there is no run folder '{}': give a folder that `loadgen run` has made, such as runs/20260101-120000-checkout-storm",
        .0.display()
    )]
    Missing(PathBuf),
    /// A folder of something else.
    #[error("'{}' is no run folder: there is neither run.json nor windows.jsonl in it{hint}", .path.display())]
    NoRun {
        /// The folder.
        path: PathBuf,
        /// What may have been meant.
        hint: String,
    },
    /// A run that ended before its first second.
    #[error("'{}' holds no measurement: the run ended before its first second; see loadgen.log in the folder", .0.display())]
    Nothing(PathBuf),
    /// The file cannot be opened or read.
    #[error("cannot read '{}': {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's word.
        source: std::io::Error,
    },
    /// Too large to be what it should be.
    #[error("'{}' is larger than {} MiB; a run does not write such files", .path.display(), max >> 20)]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The bound in bytes.
        max: u64,
    },
    /// No bytes.
    #[error("'{}' is empty: the disk was perhaps full when it was written; repeat the run", .0.display())]
    Empty(PathBuf),
    /// The file ends too early.
    #[error(
        "'{}' is cut off after {bytes} bytes: copy the run folder again, or repeat the run",
        .path.display()
    )]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Its length.
        bytes: u64,
    },
    /// A newer loadgen wrote it.
    #[error(
        "'{}' has schema version {found}, written by loadgen {writer}; this loadgen reads up to version {SCHEMA_VERSION}: \
         read it with loadgen {writer} or a later one",
        .path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u64,
        /// Who wrote it.
        writer: String,
    },
    /// Something else than a run stands in it.
    #[error("'{}' is damaged: {what}; copy the run folder again, or repeat the run", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
}

//! Files and folders for their owner alone: they hold passwords, addresses and keys.
//!
//! Everything that is kept goes through here, so that no file is readable by others between its making and a change of its
//! mode. What is there already keeps its mode.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::path::Path;

/// Mode of files: read and written by their owner.
#[cfg(unix)]
const FILE_MODE: u32 = 0o600;
/// Mode of folders: entered by their owner.
#[cfg(unix)]
const FOLDER_MODE: u32 = 0o700;

/// Ways to open a file that make a private one.
pub fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, FILE_MODE);
    options
}

/// A new file, or an old one emptied.
///
/// # Errors
/// When it cannot be made.
pub fn create(path: &Path) -> io::Result<File> {
    options().write(true).create(true).truncate(true).open(path)
}

/// A file that is written to at its end.
///
/// # Errors
/// When it cannot be opened or made.
pub fn append(path: &Path) -> io::Result<File> {
    options().append(true).create(true).open(path)
}

/// An empty file if there is none yet. One that is there is not opened: SQLite's locks on a file end when any handle of the
/// process to it is closed.
///
/// # Errors
/// When it cannot be made.
pub fn create_if_missing(path: &Path) -> io::Result<()> {
    match options().write(true).create_new(true).open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// A new folder whose parent is there.
///
/// # Errors
/// When there is something already, or it cannot be made.
pub fn create_dir(path: &Path) -> io::Result<()> {
    folders().create(path)
}

/// A folder and those above it, as far as they are not there.
///
/// # Errors
/// When one cannot be made.
pub fn create_dir_all(path: &Path) -> io::Result<()> {
    folders().recursive(true).create(path)
}

fn folders() -> DirBuilder {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, FOLDER_MODE);
    builder
}

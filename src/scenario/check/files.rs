//! Files that a scenario names: read once, before the run, and of bounded size.

use std::fs::File as FsFile;
use std::io::Read;
use std::path::Path;

/// Largest feeder or curve file read.
const FILE_BYTES_MAX: u64 = 256 << 20;

/// Reads a text file of bounded size that holds a table, without the mark that some programs put in front of UTF-8.
pub(super) fn read_table(path: &Path) -> Result<String, String> {
    let mut text = read_text(path)?;
    if text.starts_with('\u{feff}') {
        text.remove(0);
    }
    Ok(text)
}

/// Reads a text file of bounded size.
pub(super) fn read_text(path: &Path) -> Result<String, String> {
    let file = FsFile::open(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        _ => error.to_string(),
    })?;
    let mut text = String::new();
    let read = file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text);
    let bytes = read.map_err(|error| match error.kind() {
        std::io::ErrorKind::InvalidData => "it is not UTF-8 text".to_owned(),
        _ => error.to_string(),
    })?;
    if bytes as u64 > FILE_BYTES_MAX {
        return Err(format!("it is larger than {} MiB", FILE_BYTES_MAX >> 20));
    }
    Ok(text)
}

//! Files that a scenario names: read once, before the run, and of bounded size.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::File as FsFile;
use std::io::Read;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use crate::latin1;
use crate::template::TEXT_BYTES_MAX;

/// All files that bodies are made of together, bytes: they stay in memory as long as the run.
const BODIES_BYTES_MAX: usize = 256 << 20;

/// Largest feeder or curve file read.
const FILE_BYTES_MAX: u64 = 256 << 20;

/// How the characters of a file are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Characters {
    Utf8,
    Latin1,
}

/// Reads a text file of bounded size that holds a table, without the mark that some programs put in front of UTF-8.
pub(super) fn read_table(path: &Path, characters: Characters) -> Result<String, String> {
    let bytes = read_bytes(path, FILE_BYTES_MAX)?;
    if characters == Characters::Latin1 {
        return Ok(latin1::decoded(&bytes));
    }
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err("it is UTF-16 text; save it as UTF-8".to_owned());
    }
    let mut text = String::from_utf8(bytes)
        .map_err(|_| "it is not UTF-8 text; a feeder may say `encoding: latin-1`".to_owned())?;
    if text.starts_with('\u{feff}') {
        text.remove(0);
    }
    Ok(text)
}

/// Files that bodies are made of; each is read once, however many bodies name it.
#[derive(Debug, Default)]
pub(super) struct BodyFiles(RefCell<HashMap<PathBuf, Result<Bytes, String>>>);

impl BodyFiles {
    /// What is in a file, [`TEXT_BYTES_MAX`] at most.
    pub(super) fn read(&self, path: PathBuf) -> Result<Bytes, String> {
        let mut known = self.0.borrow_mut();
        if let Some(read) = known.get(&path) {
            return read.clone();
        }
        let held: usize = known.values().flatten().map(Bytes::len).sum();
        let read = read_bytes(&path, TEXT_BYTES_MAX as u64).and_then(|bytes| {
            let fits = held + bytes.len() <= BODIES_BYTES_MAX;
            let too_large = || {
                let mebibytes = BODIES_BYTES_MAX >> 20;
                format!("all files of bodies together are larger than {mebibytes} MiB")
            };
            fits.then(|| Bytes::from(bytes)).ok_or_else(too_large)
        });
        known.insert(path, read.clone());
        read
    }
}

fn read_bytes(path: &Path, bytes_max: u64) -> Result<Vec<u8>, String> {
    let words = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        std::io::ErrorKind::IsADirectory => "it is a folder".to_owned(),
        _ => error.to_string(),
    };
    let file = FsFile::open(path).map_err(words)?;
    let mut bytes = Vec::new();
    let read = file.take(bytes_max + 1).read_to_end(&mut bytes);
    if read.map_err(words)? as u64 > bytes_max {
        return Err(format!("it is larger than {} MiB", bytes_max >> 20));
    }
    Ok(bytes)
}

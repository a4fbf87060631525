//! The run folders in a folder: what there is, and what it takes of the disk.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::RunReport;
use super::folder::{LIVE, SHOP_DATA};
use super::read;

/// Most entries of a folder that are looked at.
const ENTRIES_MAX: usize = 100_000;

/// A live state that is older than this is what a crash has left: it is written anew each second.
const LIVE_MAX: Duration = Duration::from_secs(15);

/// Folders below a run that are measured; the shop's data is the deepest.
const DEPTH_MAX: usize = 8;

/// One run folder.
#[derive(Debug)]
pub struct RunEntry {
    /// Where it is.
    pub path: PathBuf,
    /// Bytes of all its files.
    pub bytes: u64,
    /// Bytes of the embedded shop's data among them.
    pub shop_bytes: u64,
    /// When it was last written.
    pub modified: SystemTime,
    /// What is in it.
    pub state: RunState,
}

/// What is in a run folder.
#[derive(Debug)]
pub enum RunState {
    /// A run that is going on.
    Going,
    /// A run that is over, or was cut off.
    Over(Box<RunReport>),
    /// Something that cannot be read, and why.
    Unreadable(String),
}

impl RunEntry {
    /// The folder's name; it begins with the time of the run.
    pub fn name(&self) -> String {
        let name = self.path.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    /// The record of a run that is over.
    pub fn report(&self) -> Option<&RunReport> {
        match &self.state {
            RunState::Over(report) => Some(report),
            RunState::Going | RunState::Unreadable(_) => None,
        }
    }

    /// Where the embedded shop's data is, if it is there.
    pub fn shop_data(&self) -> Option<PathBuf> {
        Some(self.path.join(SHOP_DATA)).filter(|path| is_folder(path))
    }
}

/// The run folders in `folder`, oldest first. Links are not followed.
///
/// # Errors
/// When the folder cannot be read.
pub fn runs(folder: &Path) -> std::io::Result<Vec<RunEntry>> {
    let entries = std::fs::read_dir(folder)?.take(ENTRIES_MAX);
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<_>>()?;
    paths.retain(|path| is_run(path));
    paths.sort();
    Ok(paths.into_iter().map(entry).collect())
}

fn is_folder(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|meta| meta.is_dir())
}

fn is_run(path: &Path) -> bool {
    let files = ["run.json", "begun.json", "windows.jsonl", "loadgen.log"];
    is_folder(path) && files.iter().any(|file| path.join(file).is_file())
}

fn entry(path: PathBuf) -> RunEntry {
    let shop_bytes = bytes(&path.join(SHOP_DATA), DEPTH_MAX);
    RunEntry {
        bytes: bytes(&path, DEPTH_MAX),
        shop_bytes,
        modified: modified(&path).unwrap_or(SystemTime::UNIX_EPOCH),
        state: state(&path),
        path,
    }
}

fn state(path: &Path) -> RunState {
    let live = modified(&path.join(LIVE)).ok();
    let is_fresh = |at: SystemTime| at.elapsed().is_ok_and(|age| age < LIVE_MAX);
    if live.is_some_and(is_fresh) {
        return RunState::Going;
    }
    match read::record(path) {
        Ok(report) => RunState::Over(Box::new(report)),
        Err(error) => RunState::Unreadable(error.to_string()),
    }
}

fn modified(path: &Path) -> std::io::Result<SystemTime> {
    std::fs::symlink_metadata(path)?.modified()
}

/// Bytes of the files below a folder; what cannot be read counts for nothing.
fn bytes(folder: &Path, depth: usize) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| Some((entry.path(), entry.metadata().ok()?)))
        .map(|(path, meta)| match meta.is_dir() {
            true if depth > 0 => bytes(&path, depth - 1),
            _ => meta.len(),
        })
        .sum()
}

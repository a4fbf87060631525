//! What an audit reads from a run folder and leaves there.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use time::format_description::well_known::Rfc3339;

use super::books::Before;
use super::promises::Promises;
use crate::report::folder::{RunFolder, SHOP_DATA};

/// What the shop had before the run.
const BEFORE: &str = "before.json";
/// What clients were promised.
const ORDERS: &str = "orders.jsonl";
/// Version of [`Before`] that is written and read.
pub(super) const BEFORE_VERSION: u32 = 1;
/// Without a record of the shop's own clock, things may be this much older than the run's begin, milliseconds.
const CLOCK_MARGIN_MS: i64 = 60_000;

/// A run that is to be audited.
pub(super) struct RunToAudit {
    pub(super) folder: RunFolder,
    /// Base URL that the load went to.
    pub(super) target: String,
    /// Whether that was the embedded shop.
    pub(super) embedded: bool,
    /// Orders and charges of the shop's clock from then on belong to the audit, milliseconds since 1970.
    pub(super) since_ms: i64,
    pub(super) promises: Promises,
    pub(super) before: Option<Before>,
}

/// Why a run cannot be audited; something that was typed is wrong, or the folder is damaged.
#[derive(Debug, thiserror::Error)]
pub(super) enum FolderError {
    #[error(
        "there is no run in '{}': give a folder that `loadgen run` has made, such as runs/20260101-120000-checkout-storm",
        .0.display()
    )]
    NoRun(PathBuf),
    #[error("cannot read '{}': {source}", .path.display())]
    Io {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("'{}' is damaged: {what}", .path.display())]
    Damaged { path: PathBuf, what: String },
    #[error(
        "the embedded shop's data is not in '{}': a run keeps it with --keep-shop, and is audited at its end with --audit",
        .0.display()
    )]
    NoData(PathBuf),
}

/// As much of `run.json` as an audit needs.
#[derive(Deserialize)]
struct Record {
    target: String,
    embedded_shop: bool,
    started_at: String,
}

impl RunToAudit {
    /// Reads the record, the promises and what was there before.
    pub(super) fn read(path: &Path) -> Result<Self, FolderError> {
        let record_path = ["run.json", "begun.json"]
            .map(|name| path.join(name))
            .into_iter()
            .find(|file| file.is_file())
            .ok_or_else(|| FolderError::NoRun(path.to_owned()))?;
        let record: Record = json(&record_path)?;
        let started_ms = time::OffsetDateTime::parse(&record.started_at, &Rfc3339)
            .map(|time| time.unix_timestamp() * 1_000)
            .map_err(|error| FolderError::Damaged {
                path: record_path,
                what: format!("started_at is no time: {error}"),
            })?;
        let before = before(&path.join(BEFORE))?;
        Ok(Self {
            folder: RunFolder::open(path),
            target: record.target,
            embedded: record.embedded_shop,
            since_ms: before
                .as_ref()
                .map_or(started_ms - CLOCK_MARGIN_MS, |before| before.at_ms),
            promises: promises(&path.join(ORDERS))?,
            before,
        })
    }

    /// Makes sure that the embedded shop can be started again on its data.
    pub(super) fn embedded_data(&self) -> Result<(), FolderError> {
        let data = self.folder.file(SHOP_DATA);
        match data.is_dir() {
            true => Ok(()),
            false => Err(FolderError::NoData(self.folder.path().to_owned())),
        }
    }
}

/// Keeps what the shop had before the run.
pub(super) fn keep_before(folder: &RunFolder, before: &Before) -> anyhow::Result<()> {
    folder.write(BEFORE, &serde_json::to_vec(before)?)
}

fn json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, FolderError> {
    let file = File::open(path).map_err(|source| FolderError::Io {
        path: path.to_owned(),
        source,
    })?;
    serde_json::from_reader(BufReader::new(file)).map_err(|error| FolderError::Damaged {
        path: path.to_owned(),
        what: error.to_string(),
    })
}

fn before(path: &Path) -> Result<Option<Before>, FolderError> {
    if !path.exists() {
        return Ok(None);
    }
    let before: Before = json(path)?;
    if before.version == BEFORE_VERSION {
        return Ok(Some(before));
    }
    Err(FolderError::Damaged {
        path: path.to_owned(),
        what: format!(
            "version {} is not one that this loadgen reads ({BEFORE_VERSION})",
            before.version
        ),
    })
}

/// A run that promised nothing may lack the file.
fn promises(path: &Path) -> Result<Promises, FolderError> {
    let mut promises = Promises::default();
    let io = |source| FolderError::Io {
        path: path.to_owned(),
        source,
    };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(promises),
        Err(error) => return Err(io(error)),
    };
    for line in BufReader::new(file).split(b'\n') {
        let line = line.map_err(io)?;
        match std::str::from_utf8(&line) {
            Ok("") => {}
            Ok(line) => promises.add(line),
            Err(_) => promises.unreadable += 1,
        }
    }
    Ok(promises)
}

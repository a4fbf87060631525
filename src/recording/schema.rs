//! The recording's file: its tables, and how it is opened. Any tool that reads SQLite reads it.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use rusqlite::{Connection, OpenFlags};

use super::FILE;

/// Version of the tables. A reader refuses one that it does not know.
pub const VERSION: u32 = 1;

/// How long a statement waits for another process that holds the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The tables, as docs/recording.md describes them.
const TABLES: &str = "
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE series (
    id INTEGER PRIMARY KEY,
    metric TEXT NOT NULL,
    kind TEXT NOT NULL,
    unit TEXT NOT NULL,
    tags TEXT NOT NULL,
    UNIQUE (metric, kind, tags)
);
CREATE TABLE points (
    series INTEGER NOT NULL,
    at INTEGER NOT NULL,
    value REAL,
    sketch BLOB,
    PRIMARY KEY (series, at)
) WITHOUT ROWID;
CREATE TABLE traces (
    id BLOB PRIMARY KEY,
    root_service TEXT NOT NULL,
    root_name TEXT NOT NULL,
    start_us INTEGER NOT NULL,
    duration_us INTEGER NOT NULL,
    spans INTEGER NOT NULL,
    errors INTEGER NOT NULL,
    services TEXT NOT NULL,
    kept TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE spans (
    trace BLOB NOT NULL,
    id BLOB NOT NULL,
    parent BLOB,
    service TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    start_us INTEGER NOT NULL,
    duration_us INTEGER NOT NULL,
    error INTEGER NOT NULL,
    attributes TEXT NOT NULL,
    links TEXT NOT NULL,
    PRIMARY KEY (trace, id)
) WITHOUT ROWID;
CREATE TABLE logs (
    at_ms INTEGER NOT NULL,
    level TEXT NOT NULL,
    service TEXT NOT NULL,
    message TEXT NOT NULL,
    trace BLOB,
    span BLOB,
    attributes TEXT NOT NULL
);
CREATE INDEX logs_by_trace ON logs (trace) WHERE trace IS NOT NULL;
CREATE TABLE checks (
    at_s INTEGER NOT NULL,
    name TEXT NOT NULL,
    status INTEGER NOT NULL,
    tags TEXT NOT NULL,
    message TEXT NOT NULL
);
CREATE TABLE events (at_s INTEGER NOT NULL, title TEXT NOT NULL, text TEXT NOT NULL, tags TEXT NOT NULL);
";

/// Makes the file of a new recording, for its owner alone.
///
/// # Errors
/// When it cannot be made; the message names it.
pub(super) fn create(folder: &Path) -> anyhow::Result<Connection> {
    let path = folder.join(FILE);
    let make = || -> anyhow::Result<Connection> {
        shop::private::create_if_missing(&path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let file = Connection::open_with_flags(&path, flags)?;
        file.busy_timeout(BUSY_TIMEOUT)?;
        // Whoever looks during the run reads beside the writer; a power cut may take the recording's last seconds.
        file.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
        file.pragma_update(None, "synchronous", "OFF")?;
        file.pragma_update(None, "user_version", VERSION)?;
        file.execute_batch(TABLES)?;
        Ok(file)
    };
    make().with_context(|| format!("cannot make the recording {}", path.display()))
}

/// Leaves one file that can be read where nothing can be written.
pub(super) fn close(file: Connection) -> rusqlite::Result<()> {
    file.execute_batch("PRAGMA optimize")?;
    file.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))?;
    file.close().map_err(|(_, error)| error)
}

/// Opens the recording in a run folder to read it.
///
/// # Errors
/// When there is none, or one of another version; the message says what to do.
pub(super) fn open(folder: &Path) -> anyhow::Result<Connection> {
    let path = folder.join(FILE);
    if !path.is_file() {
        bail!(
            "{} has no recording: the run was made with --no-recording, or against a target without --receive",
            folder.display()
        );
    }
    let read = || -> anyhow::Result<(Connection, u32)> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let file = Connection::open_with_flags(&path, flags)?;
        file.busy_timeout(BUSY_TIMEOUT)?;
        let version = file.pragma_query_value(None, "user_version", |row| row.get(0))?;
        Ok((file, version))
    };
    let (file, version) =
        read().with_context(|| format!("cannot read the recording {}", path.display()))?;
    if version != VERSION {
        bail!(
            "{} has version {version}, and this program reads version {VERSION}; use the loadgen that made it",
            path.display()
        );
    }
    Ok(file)
}

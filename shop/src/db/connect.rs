//! Opens a database file: made private, in write-ahead logging, with the durability that was asked for; and
//! starts the threads that work on it.

use std::path::Path;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};

use super::{DbError, DbOptions, Durability};
use crate::private;

/// How long a statement waits for another process that holds the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long opening tries while other processes open the same file.
const OPEN_TIMEOUT: Duration = Duration::from_secs(10);
/// Prepared statements kept for each connection.
const STATEMENTS_CACHED_MAX: usize = 128;

fn open_error(path: &Path, cause: &dyn std::fmt::Display) -> DbError {
    DbError::Open {
        file: path.display().to_string(),
        cause: cause.to_string(),
    }
}

pub(super) fn connect(options: &DbOptions) -> Result<Connection, DbError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    private::create_if_missing(&options.path).map_err(|error| open_error(&options.path, &error))?;
    let connection = Connection::open_with_flags(&options.path, flags)
        .map_err(|error| open_error(&options.path, &error))?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_CACHED_MAX);
    enter_wal(&connection, options)?;
    let synchronous = match options.durability {
        Durability::Full => "FULL",
        Durability::Process => "NORMAL",
    };
    connection.pragma_update(None, "synchronous", synchronous)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(connection)
}

/// Switching to write-ahead logging ignores the busy timeout, so it is tried again here.
fn enter_wal(connection: &Connection, options: &DbOptions) -> Result<(), DbError> {
    let deadline = Instant::now() + OPEN_TIMEOUT;
    loop {
        match connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(())) {
            Ok(()) => return Ok(()),
            Err(error) if is_busy(&error) && Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(10));
            }
            Err(error) => return Err(open_error(&options.path, &error)),
        }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked)
    )
}

pub(super) fn thread_name(path: &Path) -> String {
    path.file_stem()
        .map_or_else(|| "db".into(), |stem| stem.to_string_lossy().into_owned())
}

pub(super) fn spawn(
    options: &DbOptions,
    name: String,
    body: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>, DbError> {
    std::thread::Builder::new()
        .name(name)
        .spawn(body)
        .map_err(|error| open_error(&options.path, &error))
}

//! SQLite with group commit: one writer thread and a few readers for each database file.
//!
//! Writers queue up; the thread runs as many as wait inside one transaction, each in a savepoint of
//! its own, commits once and only then answers, so nothing is acknowledged before it is durable and
//! one flush to disk serves many callers. Several processes may share a file.
//! It must not know what is stored: tables belong to the modules that open the database.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::fault::{Faults, Point};
use crate::warning::RepeatedWarning;

mod connect;
mod error;
#[cfg_attr(
    not(feature = "postgres"),
    expect(dead_code, reason = "embedded files have no pool")
)]
pub(crate) mod meter;
pub mod migration;
mod observed;
pub mod propagation;
pub(crate) mod statement;

use connect::{connect, spawn, thread_name};
pub use error::DbError;
pub use migration::{Migration, migrate, migrate_closed};
use observed::Observed;

/// Jobs that may wait for the writer before callers are turned away.
const WRITE_QUEUE_JOBS_MAX: usize = 2_048;
/// Jobs that one commit may carry.
const COMMIT_JOBS_MAX: usize = 256;
/// Jobs that may wait for one reader before callers are turned away.
const READ_QUEUE_JOBS_MAX: usize = 2_048;

/// How much a power cut may take. A killed process loses nothing at either level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Every commit is flushed to disk: survives a power cut.
    Full,
    /// Commits are flushed at checkpoints: survives the death of the process, not of the machine.
    Process,
}

/// What to open and how.
#[derive(Clone, Debug)]
pub struct DbOptions {
    /// The file; its folder must exist.
    pub path: PathBuf,
    /// How durable commits are.
    pub durability: Durability,
    /// Reader threads; with none, reads go through the writer.
    pub readers: usize,
}

type Finish = Box<dyn FnOnce(Committed) + Send>;
/// Does its work within the transaction, or nothing when there is none; told afterwards how it ended.
type WriteJob = Box<dyn FnOnce(Option<&Connection>) -> Finish + Send>;
type ReadJob = Box<dyn FnOnce(&Connection) + Send>;

/// How a commit ended that carried so many jobs.
#[derive(Clone)]
struct Committed {
    jobs: usize,
    outcome: Result<(), Arc<rusqlite::Error>>,
}

enum Message<J> {
    Job(J),
    Close,
}

/// A handle to one database file; cheap to clone.
#[derive(Clone)]
pub struct Db {
    inner: Arc<Inner>,
    points: Option<Points>,
    /// The file's name without its ending, as traces have it; nothing when they do not show it.
    traced_as: Option<Arc<str>>,
}

/// Where faults act on a database.
#[derive(Clone)]
struct Points {
    faults: Faults,
    read: Point,
    write: Point,
}

/// A reader's queue, and the jobs in it and at work.
struct Reader {
    queue: SyncSender<Message<ReadJob>>,
    busy: Arc<AtomicUsize>,
}

struct Inner {
    writer: SyncSender<Message<WriteJob>>,
    /// A queue for each: with one for all, every job would wake a thread to work and another to wait.
    readers: Vec<Reader>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Db {
    /// Opens (or makes) the file, brings its schema up to date and starts the threads.
    pub fn open(options: &DbOptions, migrations: &[Migration]) -> Result<Db, DbError> {
        let mut writer = connect(options)?;
        migrate(&mut writer, &options.path, migrations, None)?;
        let (write_sender, write_receiver) = sync_channel(WRITE_QUEUE_JOBS_MAX);
        let name = thread_name(&options.path);
        let mut threads = vec![spawn(options, format!("{name}-w"), move || {
            run_writer(&writer, &write_receiver);
        })?];
        let mut readers = Vec::new();
        for _ in 0..options.readers.max(1) {
            let connection = connect(options)?;
            connection.pragma_update(None, "query_only", true)?;
            let (queue, receiver) = sync_channel(READ_QUEUE_JOBS_MAX);
            readers.push(Reader {
                queue,
                busy: Arc::default(),
            });
            threads.push(spawn(options, format!("{name}-r"), move || {
                run_reader(&connection, &receiver);
            })?);
        }
        let inner = Inner {
            writer: write_sender,
            readers,
            threads: Mutex::new(threads),
        };
        Ok(Db {
            inner: Arc::new(inner),
            points: None,
            traced_as: Some(name.into()),
        })
    }

    /// Lets faults act on what is read and written through this handle and those that are cloned from it.
    #[must_use]
    pub fn with_points(mut self, faults: &Faults, read: Point, write: Point) -> Self {
        self.points = Some(Points {
            faults: faults.clone(),
            read,
            write,
        });
        self
    }

    /// Keeps what is done through this handle out of the traces: the file belongs to somebody else's system.
    #[must_use]
    pub fn untraced(mut self) -> Self {
        self.traced_as = None;
        self
    }

    /// Runs one job as one all-or-nothing change; returns when it is durable.
    ///
    /// An `Err` from the job rolls back everything the job did.
    pub async fn write<T, F>(&self, job: F) -> Result<T, DbError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, DbError> + Send + 'static,
    {
        if let Some(points) = &self.points {
            points.faults.at(points.write, "").await?;
        }
        let (answer, answered) = oneshot::channel();
        let mut observed = self.traced_as.as_ref().and_then(Observed::write);
        let job: WriteJob = Box::new(move |connection| {
            let result = match connection {
                Some(connection) => in_savepoint(connection, |connection| {
                    watched(observed.as_mut(), connection, job)
                }),
                None => Err(DbError::Closed),
            };
            let commit = observed.map(Observed::commit);
            Box::new(move |committed| {
                if let Some(commit) = commit {
                    commit.end(&committed);
                }
                let outcome = match committed.outcome {
                    Ok(()) => result,
                    Err(cause) => Err(DbError::Commit(cause)),
                };
                // The caller may have given up waiting; the change stands all the same.
                drop(answer.send(outcome));
            })
        });
        submit(&self.inner.writer, job)?;
        answered.await.map_err(|_| DbError::Closed)?
    }

    /// Runs one read on a reader's connection; it sees everything that was acknowledged before.
    pub async fn read<T, F>(&self, job: F) -> Result<T, DbError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, DbError> + Send + 'static,
    {
        if let Some(points) = &self.points {
            points.faults.at(points.read, "").await?;
        }
        let (answer, answered) = oneshot::channel();
        let reader = self.inner.idlest_reader().ok_or(DbError::Closed)?;
        let place = ReaderSlot::take(&reader.busy);
        let mut observed = self.traced_as.as_ref().and_then(Observed::read);
        let job: ReadJob = Box::new(move |connection| {
            let job = || watched(observed.as_mut(), connection, job);
            let outcome = catch_unwind(AssertUnwindSafe(job)).unwrap_or(Err(DbError::Panicked));
            drop(place);
            drop(answer.send(outcome));
        });
        submit(&reader.queue, job)?;
        answered.await.map_err(|_| DbError::Closed)?
    }

    /// Finishes the jobs that wait, closes the file and joins the threads. Blocks; harmless twice.
    pub fn close(&self) {
        self.inner.close();
    }
}

/// One job in a reader's count, until dropped.
struct ReaderSlot(Arc<AtomicUsize>);

impl ReaderSlot {
    fn take(busy: &Arc<AtomicUsize>) -> Self {
        busy.fetch_add(1, Ordering::Relaxed);
        ReaderSlot(Arc::clone(busy))
    }
}

impl Drop for ReaderSlot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Inner {
    fn idlest_reader(&self) -> Option<&Reader> {
        self.readers
            .iter()
            .min_by_key(|reader| reader.busy.load(Ordering::Relaxed))
    }

    fn close(&self) {
        let threads =
            std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        if threads.is_empty() {
            return;
        }
        // A send fails only when the thread is gone already, and then there is nothing to close.
        drop(self.writer.send(Message::Close));
        for reader in &self.readers {
            drop(reader.queue.send(Message::Close));
        }
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a database thread panicked");
            }
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}

fn submit<J>(queue: &SyncSender<Message<J>>, job: J) -> Result<(), DbError> {
    queue
        .try_send(Message::Job(job))
        .map_err(|error| match error {
            TrySendError::Full(_) => DbError::Overloaded,
            TrySendError::Disconnected(_) => DbError::Closed,
        })
}

/// Runs a job, its statements in the traces if it is observed.
fn watched<T>(
    observed: Option<&mut Observed>,
    connection: &Connection,
    job: impl FnOnce(&Connection) -> Result<T, DbError>,
) -> Result<T, DbError> {
    match observed {
        Some(observed) => observed.run(connection, || job(connection)),
        None => job(connection),
    }
}

fn in_savepoint<T, F>(connection: &Connection, job: F) -> Result<T, DbError>
where
    F: FnOnce(&Connection) -> Result<T, DbError>,
{
    run(connection, "SAVEPOINT job")?;
    let result =
        catch_unwind(AssertUnwindSafe(|| job(connection))).unwrap_or(Err(DbError::Panicked));
    if result.is_err() {
        run(connection, "ROLLBACK TO job")?;
    }
    run(connection, "RELEASE job")?;
    result
}

fn run_writer(connection: &Connection, jobs: &Receiver<Message<WriteJob>>) {
    let mut open = true;
    let trouble = RepeatedWarning::new();
    while open {
        let Ok(Message::Job(first)) = jobs.recv() else {
            return;
        };
        let mut batch = VecDeque::from([first]);
        open = commit_batch(connection, jobs, &mut batch, &trouble);
    }
}

/// Runs the batch and whatever arrives meanwhile in one transaction. False when asked to close.
fn commit_batch(
    connection: &Connection,
    jobs: &Receiver<Message<WriteJob>>,
    batch: &mut VecDeque<WriteJob>,
    trouble: &RepeatedWarning,
) -> bool {
    let mut open = true;
    let mut finishes: Vec<Finish> = Vec::new();
    let mut begun = run(connection, "BEGIN IMMEDIATE");
    while let Some(job) = batch.pop_front() {
        finishes.push(job(begun.is_ok().then_some(connection)));
        // A full disk may end the whole transaction within a job; whatever ran after that without a
        // transaction would stand although its caller is told that it failed.
        if begun.is_ok() && connection.is_autocommit() {
            begun = Err(transaction_lost());
        }
        if open && finishes.len() < COMMIT_JOBS_MAX {
            match jobs.try_recv() {
                Ok(Message::Job(next)) => batch.push_back(next),
                Ok(Message::Close) => open = false,
                Err(_) => {}
            }
        }
    }
    let committed = Committed {
        jobs: finishes.len(),
        outcome: begun
            .and_then(|()| run(connection, "COMMIT"))
            .map_err(Arc::new),
    };
    match &committed.outcome {
        Ok(()) => trouble.recovered(|failures| tracing::info!(failures, "commits again")),
        Err(error) => give_up(connection, error, committed.jobs, trouble),
    }
    for finish in finishes {
        finish(committed.clone());
    }
    open
}

/// Leaves a transaction that cannot be committed.
fn give_up(
    connection: &Connection,
    error: &rusqlite::Error,
    jobs: usize,
    trouble: &RepeatedWarning,
) {
    let rolled_back = match connection.is_autocommit() {
        true => Ok(()),
        false => connection.execute_batch("ROLLBACK"),
    };
    trouble.failed(|suppressed| {
        tracing::error!(%error, jobs, suppressed, "a commit failed; its jobs did not happen");
        if let Err(error) = rolled_back {
            tracing::error!(%error, "the rollback failed as well");
        }
    });
}

fn transaction_lost() -> rusqlite::Error {
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_ABORT_ROLLBACK);
    rusqlite::Error::SqliteFailure(code, Some("the transaction was rolled back".to_owned()))
}

fn run(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(drop)
}

fn run_reader(connection: &Connection, jobs: &Receiver<Message<ReadJob>>) {
    while let Ok(Message::Job(job)) = jobs.recv() {
        job(connection);
    }
}

#[cfg(test)]
mod tests;

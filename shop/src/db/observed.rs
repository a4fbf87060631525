//! What is seen of a job in the traces: how long it waited, its statements as SQLite itself reports them, its commit.
//!
//! Statements are seen through SQLite's own tracing, switched on for a job whose trace is recorded and for no other; so no
//! table's code has to think of it, and nothing else pays for it.

use std::cell::RefCell;
use std::sync::Arc;

use rusqlite::Connection;
use rusqlite::trace::{StmtRef, TraceEvent, TraceEventCodes};
use telemetry::catalogue::attribute;
use telemetry::context::{Context, Entered};
use telemetry::span::{self, OpenSpan, Statement};

use super::statement::described;
use super::{Committed, DbError};

/// The system's name by the conventions.
const SYSTEM: &str = "sqlite";

thread_local! {
    /// The job that is observed on this thread.
    static OBSERVED: RefCell<Option<Running>> = const { RefCell::new(None) };
}

/// A job whose trace is recorded.
pub(super) struct Observed {
    work: Context,
    database: Arc<str>,
    /// Ends when the job begins.
    wait: Option<OpenSpan>,
}

/// A commit that carries an observed job.
pub(super) struct Commit(OpenSpan);

impl Observed {
    /// The current work as the one that asks for a read; nothing unless it is recorded.
    pub(super) fn read(database: &Arc<str>) -> Option<Self> {
        let work = span::recorded()?;
        Some(Self {
            work,
            database: Arc::clone(database),
            wait: None,
        })
    }

    /// The same for a write, whose wait for the writer and the file's lock shows as the beginning of its transaction.
    pub(super) fn write(database: &Arc<str>) -> Option<Self> {
        let observed = Self::read(database)?;
        let wait = statement(database, "BEGIN IMMEDIATE");
        Some(Self {
            wait: Some(wait),
            ..observed
        })
    }

    /// Runs the job in its work's context, each of its statements in a span.
    pub(super) fn run<T>(&mut self, connection: &Connection, job: impl FnOnce() -> T) -> T {
        self.wait = None;
        let _watch = Watch::begin(self, connection);
        job()
    }

    /// The wait for the commit, after the job.
    pub(super) fn commit(self) -> Commit {
        let _entered = self.work.enter();
        Commit(statement(&self.database, "COMMIT"))
    }
}

impl Commit {
    /// Ends with what came of it.
    pub(super) fn end(self, committed: &Committed) {
        self.0
            .set(attribute::DB_OPERATION_BATCH_SIZE, committed.jobs as u64);
        if let Err(error) = &committed.outcome {
            self.0.fail_with(DbError::COMMIT_FAILED, &**error);
        }
    }
}

/// Observes the statements of a thread until dropped.
struct Watch<'c> {
    connection: &'c Connection,
    _entered: Entered,
}

impl<'c> Watch<'c> {
    fn begin(observed: &Observed, connection: &'c Connection) -> Self {
        let running = Running {
            database: Arc::clone(&observed.database),
            statements: Vec::new(),
        };
        OBSERVED.set(Some(running));
        connection.trace_v2(
            // Not those of rows: SQLite announces rows of statements without a text, too, which the binding cannot tell.
            TraceEventCodes::SQLITE_TRACE_STMT | TraceEventCodes::SQLITE_TRACE_PROFILE,
            Some(on_event),
        );
        Watch {
            connection,
            _entered: observed.work.enter(),
        }
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        self.connection.trace_v2(TraceEventCodes::empty(), None);
        OBSERVED.set(None);
    }
}

/// An observed job at work.
struct Running {
    database: Arc<str>,
    /// The statements under way. One that begins within another is SQLite's own (the index of a full-text search) and has
    /// no span.
    statements: Vec<RunningStatement>,
}

struct RunningStatement {
    /// Where its text lies: the same as long as it runs, and no other's.
    text: usize,
    _span: Option<OpenSpan>,
}

fn on_event(event: TraceEvent<'_>) {
    OBSERVED.with_borrow_mut(|observed| {
        let Some(running) = observed else { return };
        match event {
            TraceEvent::Stmt(_, sql) => running.begun(sql),
            TraceEvent::Profile(statement, _) => running.ended(&statement),
            _ => {}
        }
    });
}

impl Running {
    fn begun(&mut self, sql: &str) {
        let text = sql.as_ptr() as usize;
        // A trigger's part of a statement is announced as a comment.
        if sql.starts_with("--") || self.statements.iter().any(|running| running.text == text) {
            return;
        }
        let span = self.statements.is_empty();
        self.statements.push(RunningStatement {
            text,
            _span: span.then(|| statement(&self.database, sql)),
        });
    }

    fn ended(&mut self, statement: &StmtRef<'_>) {
        let text = statement.sql().as_ptr() as usize;
        let place = self
            .statements
            .iter()
            .position(|running| running.text == text);
        if let Some(place) = place {
            self.statements.swap_remove(place);
        }
    }
}

/// A span of the current work. SQLite calls back with the text as it was prepared, never with values.
fn statement(database: &str, sql: &str) -> OpenSpan {
    let (operation, collection) = described(sql);
    span::database(&Statement {
        system: SYSTEM,
        namespace: database,
        operation,
        collection,
        text: sql,
        server: "",
        port: None,
    })
}

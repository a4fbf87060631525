//! The bounded queue between those who log and the thread that writes.
//!
//! Two buffers change places: lines are copied into one while the other is written, so that a line costs one short
//! lock and no allocation. A line that does not fit is dropped and counted.

use std::io::Write;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use std::{fmt, io, mem};

use crate::metrics::Counter;

/// Most bytes that wait to be written.
pub const QUEUE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// How long the writer lets lines gather before it writes them together: waking it for each line would cost more than the line.
const GATHER: Duration = Duration::from_millis(5);
/// Longest that the end of the log waits for a reader that does not read.
pub const FLUSH_WAIT_MAX: Duration = Duration::from_secs(2);

/// Where lines are put. Cheap to clone.
#[derive(Clone)]
pub(super) struct LogQueue(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    /// Wakes the writer: there is something to write, or the end has come.
    filled: Condvar,
    /// Wakes those who wait for a flush: everything was written.
    drained: Condvar,
    drops: OnceLock<Counter>,
}

#[derive(Default)]
struct State {
    waiting: Vec<u8>,
    lines: u64,
    dropped: u64,
    dropped_untold: u64,
    writing: bool,
    /// Someone waits for a flush.
    hurry: bool,
    closed: bool,
    failed: bool,
}

/// The drops of a log, apart from its guard. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Drops(LogQueue);

impl Drops {
    /// Counts drops in `counter` as well; a second counter is ignored, because there is one log and it is shown once.
    pub(crate) fn count_in(&self, counter: Counter) {
        let shared = &self.0.0;
        if shared.drops.set(counter).is_ok() {
            let before = shared.lock().dropped;
            shared.count_drops(before);
        }
    }
}

/// What became of the log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LogSummary {
    /// Lines dropped because the queue was full or the output failed.
    pub dropped_lines: u64,
    /// Whether everything else reached the output before the deadline.
    pub complete: bool,
}

/// Owns the writer; dropping it writes out what is queued, for at most [`FLUSH_WAIT_MAX`].
#[derive(Debug)]
#[must_use = "the log ends when the guard is dropped"]
pub struct LogGuard {
    queue: LogQueue,
    writer: Option<JoinHandle<()>>,
}

/// Starts the writer; `notice` writes the line that tells of drops.
pub(super) fn start(
    out: impl Write + Send + 'static,
    notice: impl Fn(u64, &mut Vec<u8>) + Send + 'static,
) -> io::Result<(LogQueue, LogGuard)> {
    let queue = LogQueue(Arc::new(Shared {
        state: Mutex::default(),
        filled: Condvar::new(),
        drained: Condvar::new(),
        drops: OnceLock::new(),
    }));
    let shared = Arc::clone(&queue.0);
    let writer = thread::Builder::new()
        .name("log-writer".to_owned())
        .spawn(move || shared.write_all(out, notice))?;
    let guard = LogGuard {
        queue: queue.clone(),
        writer: Some(writer),
    };
    Ok((queue, guard))
}

impl LogQueue {
    /// Puts one line, with its line break, into the queue, or counts it as dropped.
    pub(super) fn push(&self, line: &[u8]) {
        let mut state = self.0.lock();
        let fits = state.waiting.len() + line.len() <= QUEUE_BYTES_MAX;
        if !fits || state.closed || state.failed {
            state.drop_lines(1);
            drop(state);
            self.0.count_drops(1);
            return;
        }
        let was_empty = state.waiting.is_empty();
        state.waiting.extend_from_slice(line);
        state.lines += 1;
        drop(state);
        if was_empty {
            self.0.filled.notify_one();
        }
    }
}

impl State {
    fn drop_lines(&mut self, lines: u64) {
        self.dropped += lines;
        if !self.closed {
            self.dropped_untold += lines;
        }
    }

    /// Whether there are lines to write, or drops to tell of.
    fn has_work(&self) -> bool {
        !self.failed && (!self.waiting.is_empty() || self.dropped_untold > 0)
    }

    fn is_idle(&self) -> bool {
        !self.has_work() && !self.writing
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count_drops(&self, lines: u64) {
        if let Some(drops) = self.drops.get() {
            drops.inc_by(lines);
        }
    }

    /// The writer's loop: ends when the queue is closed and empty.
    fn write_all(&self, mut out: impl Write, notice: impl Fn(u64, &mut Vec<u8>)) {
        let mut batch = Vec::new();
        while let Some((lines, untold)) = self.next_batch(&mut batch) {
            if untold > 0 {
                notice(untold, &mut batch);
            }
            let written = out.write_all(&batch).and_then(|()| out.flush());
            batch.clear();
            self.wrote(lines, written.is_ok());
        }
    }

    /// Waits for lines and swaps them into `batch`.
    fn next_batch(&self, batch: &mut Vec<u8>) -> Option<(u64, u64)> {
        let mut state = self.lock();
        while !state.has_work() && !state.closed {
            state = self
                .filled
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        if !state.has_work() {
            return None;
        }
        if !state.hurry && !state.closed {
            state = match self.filled.wait_timeout(state, GATHER) {
                Ok((state, _)) => state,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
        mem::swap(&mut state.waiting, batch);
        state.writing = true;
        Some((
            mem::take(&mut state.lines),
            mem::take(&mut state.dropped_untold),
        ))
    }

    /// An output that fails once (a closed pipe) is not tried again.
    fn wrote(&self, lines: u64, succeeded: bool) {
        let mut state = self.lock();
        state.writing = false;
        if !succeeded {
            state.failed = true;
            let lost = lines + mem::take(&mut state.lines);
            state.waiting.clear();
            state.drop_lines(lost);
            self.count_drops(lost);
        }
        if state.is_idle() {
            state.hurry = false;
            self.drained.notify_all();
        }
    }

    /// Waits until there is nothing left to write; says whether that came in time.
    fn drain(&self, close: bool, wait: Duration) -> bool {
        let deadline = Instant::now() + wait;
        let mut state = self.lock();
        state.closed |= close;
        state.hurry = !state.is_idle();
        self.filled.notify_one();
        while !state.is_idle() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = match self.drained.wait_timeout(state, left) {
                Ok((state, _)) => state,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
        true
    }
}

impl LogGuard {
    /// Counts drops in `counter` as well, which is `telemetry.logs.dropped`.
    pub fn count_drops(&self, counter: Counter) {
        self.drops().count_in(counter);
    }

    /// What is dropped, for those who show it.
    pub(crate) fn drops(&self) -> Drops {
        Drops(self.queue.clone())
    }

    /// Waits until the lines logged so far are written; says whether they were.
    pub fn flush(&self) -> bool {
        let idle = self.queue.0.drain(false, FLUSH_WAIT_MAX);
        idle && !self.queue.0.lock().failed
    }

    /// Ends the log and says what became of it.
    pub fn finish(mut self) -> LogSummary {
        self.end()
    }

    fn end(&mut self) -> LogSummary {
        let idle = self.queue.0.drain(true, FLUSH_WAIT_MAX);
        // A writer that is stuck in its output cannot be joined; it ends with the process.
        if let Some(writer) = self.writer.take().filter(|_| idle) {
            // The writer does not panic; if it did, there is nothing left to write with.
            let _ = writer.join();
        }
        let state = self.queue.0.lock();
        LogSummary {
            dropped_lines: state.dropped,
            complete: idle && !state.failed,
        }
    }
}

impl Drop for LogGuard {
    fn drop(&mut self) {
        if self.writer.is_some() {
            self.end();
        }
    }
}

impl fmt::Debug for LogQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LogQueue")
    }
}

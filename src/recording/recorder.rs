//! The recorder: one thread that aggregates, judges and writes, fed through a bounded queue that never waits.
//!
//! It writes once a second, in one transaction. What comes faster than it can be taken is dropped and counted, and whoever can
//! tell its sender to come back later does.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::drops::{Drops, Reason};
use super::intervals::{Closed, INTERVAL, Intervals, NewSeries};
use super::rows::Rows;
use super::signal::{Batch, Counts, Event, LogLine, ServiceCheck};
use super::traces::{Judged, TraceKeeper};
use super::{FILE_BYTES_MAX, schema, yield_to_load};
use crate::redact::Redactor;

/// Batches that wait for the recorder.
const QUEUE_MAX: usize = 256;
/// Signals in the batches that wait.
const QUEUED_SIGNALS_MAX: usize = 100_000;
/// How often it writes.
const WRITE_EVERY: Duration = Duration::from_secs(1);
/// Log lines that are kept: warnings and errors, and all others.
const LOGS_MAX: [usize; 2] = [50_000, 20_000];
/// Service checks that are kept.
const CHECKS_MAX: usize = 50_000;
/// Events that are kept.
const EVENTS_MAX: usize = 5_000;

/// Where signals are handed to the recorder. Cheap to clone.
#[derive(Clone)]
pub struct Feed {
    queue: SyncSender<Message>,
    queued: Arc<AtomicUsize>,
    drops: Drops,
}

/// What a recording came to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RecordingSummary {
    /// Series of metrics.
    pub series: u64,
    /// Points of these series, of 10 s each.
    pub points: u64,
    /// Traces that were seen.
    pub traces_seen: u64,
    /// Traces that were kept.
    pub traces: u64,
    /// Log lines.
    pub logs: u64,
    /// Service checks.
    pub checks: u64,
    /// Events.
    pub events: u64,
    /// Size of the file, bytes.
    pub bytes: u64,
    /// What was not recorded, by reason.
    pub dropped: Counts,
    /// Why the file could not be written to its end, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

enum Message {
    Batch(Batch),
    Meta(String, String),
    Finish,
}

impl Feed {
    /// Hands signals over; whether they were taken. If not they are counted as dropped.
    pub fn offer(&self, batch: Batch) -> bool {
        let count = batch.len();
        let room = self.queued.load(Ordering::Relaxed) < QUEUED_SIGNALS_MAX;
        self.queued.fetch_add(count, Ordering::Relaxed);
        if room && self.queue.try_send(Message::Batch(batch)).is_ok() {
            return true;
        }
        self.queued.fetch_sub(count, Ordering::Relaxed);
        self.drops.add(Reason::Behind, count as u64);
        false
    }

    /// What was not recorded.
    pub fn drops(&self) -> &Drops {
        &self.drops
    }
}

/// The running recorder. Dropped without [`finish`](Self::finish), it finishes by itself.
pub struct Recorder {
    feed: Feed,
    thread: Option<JoinHandle<RecordingSummary>>,
}

impl Recorder {
    /// Makes the file in a run folder and starts to record. The draw of traces comes from `seed`.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn start(folder: &Path, seed: u64, redactor: Redactor) -> anyhow::Result<Self> {
        let (queue, messages) = sync_channel(QUEUE_MAX);
        let drops = Drops::default();
        let feed = Feed {
            queue,
            queued: Arc::default(),
            drops: drops.clone(),
        };
        let rows = Rows::new(schema::create(folder)?, redactor);
        rows.meta("schema_version", &schema::VERSION.to_string())?;
        rows.meta("started_ms", &now_ms().to_string())?;
        rows.meta("interval_s", &INTERVAL.to_string())?;
        rows.meta("loadgen_version", env!("CARGO_PKG_VERSION"))?;
        let state = State {
            rows,
            intervals: Intervals::new(drops.clone()),
            traces: TraceKeeper::new(seed, drops.clone()),
            waiting: Waiting::default(),
            summary: RecordingSummary::default(),
            faint_logs: 0,
            unwritten: Vec::new(),
            drops,
        };
        let queued = feed.queued.clone();
        let thread = std::thread::Builder::new()
            .name("recorder".to_owned())
            .spawn(move || record(state, &messages, &queued))
            .context("cannot start the thread of the recording")?;
        Ok(Self {
            feed,
            thread: Some(thread),
        })
    }

    /// Where signals are handed over.
    pub fn feed(&self) -> Feed {
        self.feed.clone()
    }

    /// Notes something about the run.
    pub fn note(&self, key: &str, value: &str) {
        // The recorder ends only when it is told to.
        let _ = self
            .feed
            .queue
            .send(Message::Meta(key.to_owned(), value.to_owned()));
    }

    /// Writes everything that was handed over, and closes the file.
    pub fn finish(mut self) -> RecordingSummary {
        self.end()
    }

    fn end(&mut self) -> RecordingSummary {
        let Some(thread) = self.thread.take() else {
            return RecordingSummary::default();
        };
        // A recorder that has gone was told already.
        let _ = self.feed.queue.send(Message::Finish);
        thread.join().unwrap_or_else(|_| RecordingSummary {
            failure: Some("the thread of the recording panicked".to_owned()),
            ..RecordingSummary::default()
        })
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.end();
    }
}

/// Rows that wait to be written.
#[derive(Default)]
struct Waiting {
    logs: Vec<LogLine>,
    checks: Vec<ServiceCheck>,
    events: Vec<Event>,
    meta: Vec<(String, String)>,
}

struct State {
    rows: Rows,
    intervals: Intervals,
    traces: TraceKeeper,
    waiting: Waiting,
    summary: RecordingSummary,
    /// Log lines below warnings.
    faint_logs: usize,
    unwritten: Vec<NewSeries>,
    drops: Drops,
}

fn record(
    mut state: State,
    messages: &Receiver<Message>,
    queued: &AtomicUsize,
) -> RecordingSummary {
    yield_to_load();
    let mut next = Instant::now() + WRITE_EVERY;
    loop {
        match messages.recv_timeout(next.saturating_duration_since(Instant::now())) {
            Ok(Message::Batch(batch)) => {
                queued.fetch_sub(batch.len(), Ordering::Relaxed);
                state.take(batch, now_s());
            }
            Ok(Message::Meta(key, value)) => state.waiting.meta.push((key, value)),
            Ok(Message::Finish) | Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {}
        }
        if Instant::now() >= next {
            state.tick(now_s());
            next = Instant::now() + WRITE_EVERY;
        }
    }
    state.finish(now_s())
}

impl State {
    fn take(&mut self, batch: Batch, now_s: i64) {
        match batch {
            Batch::Observations(all) => {
                for observation in all {
                    self.intervals.observe(observation, now_s);
                }
            }
            Batch::Spans(all) => all
                .into_iter()
                .for_each(|span| self.traces.take(span, now_s)),
            Batch::Logs(all) => all.into_iter().for_each(|line| self.log(line)),
            Batch::Checks(all) => {
                let there = self.summary.checks as usize;
                let taken = self.within(there, CHECKS_MAX, all);
                self.summary.checks += taken.len() as u64;
                self.waiting.checks.extend(taken);
            }
            Batch::Events(all) => {
                let there = self.summary.events as usize;
                let taken = self.within(there, EVENTS_MAX, all);
                self.summary.events += taken.len() as u64;
                self.waiting.events.extend(taken);
            }
        }
    }

    /// As many as there is room for.
    fn within<T>(&self, there: usize, max: usize, mut all: Vec<T>) -> Vec<T> {
        let room = max.saturating_sub(there);
        if all.len() > room {
            self.drops.add(Reason::Rows, (all.len() - room) as u64);
            all.truncate(room);
        }
        all
    }

    fn log(&mut self, line: LogLine) {
        let is_faint = !matches!(line.level, "warn" | "error" | "fatal");
        let faint = self.faint_logs;
        let strong = self.summary.logs as usize - faint;
        let [strong_max, faint_max] = LOGS_MAX;
        let has_room = if is_faint {
            faint < faint_max
        } else {
            strong < strong_max
        };
        if !has_room {
            self.drops.add(Reason::Rows, 1);
            return;
        }
        self.faint_logs += usize::from(is_faint);
        self.summary.logs += 1;
        self.waiting.logs.push(line);
    }

    fn tick(&mut self, now_s: i64) {
        let closed = self.intervals.close(now_s);
        let judged = self.traces.tick(now_s);
        self.write(closed, &judged, now_s);
    }

    fn finish(mut self, now_s: i64) -> RecordingSummary {
        let closed = self.intervals.close_all();
        let judged = self.traces.finish();
        self.write(closed, &judged, now_s);
        let counts = self.traces.counts();
        self.summary.traces_seen = counts.seen;
        self.summary.series = self.intervals.series() as u64;
        let dropped = self.drops.counted().into_iter();
        self.summary.dropped = dropped
            .map(|(reason, count)| (reason.to_owned(), count))
            .collect();
        if let Err(error) = self.last_words() {
            self.fail(&error);
        }
        self.summary.bytes = self.rows.bytes().unwrap_or_default();
        if let Err(error) = schema::close(self.rows.file) {
            self.summary.failure.get_or_insert(error.to_string());
        }
        self.summary
    }

    fn last_words(&self) -> rusqlite::Result<()> {
        for (reason, count) in &self.summary.dropped {
            self.rows
                .meta(&format!("dropped.{reason}"), &count.to_string())?;
        }
        self.rows
            .meta("traces_seen", &self.summary.traces_seen.to_string())?;
        self.rows.meta("ended_ms", &now_ms().to_string())
    }

    /// Everything in one transaction, all of it or nothing.
    fn write(&mut self, mut closed: Closed, judged: &Judged, now_s: i64) {
        let waiting = std::mem::take(&mut self.waiting);
        let rows = closed.points.len() + judged.kept.len() + judged.late.len() + waiting.len();
        if rows == 0 && waiting.meta.is_empty() && closed.series.is_empty() {
            return;
        }
        if self.rows.bytes().is_ok_and(|bytes| bytes >= FILE_BYTES_MAX) {
            self.drops.add(Reason::Full, rows as u64);
            return;
        }
        // Later points need the series of a second that could not be written.
        closed.series.splice(0..0, self.unwritten.drain(..));
        match self.transaction(&closed, judged, &waiting, now_s) {
            Ok(()) => {
                self.summary.points += closed.points.len() as u64;
                self.summary.traces += judged.kept.len() as u64;
            }
            Err(error) => {
                self.drops.add(Reason::Write, rows as u64);
                self.unwritten = closed.series;
                self.fail(&error);
            }
        }
    }

    fn transaction(
        &mut self,
        closed: &Closed,
        judged: &Judged,
        waiting: &Waiting,
        now_s: i64,
    ) -> rusqlite::Result<()> {
        self.rows.file.execute_batch("BEGIN")?;
        let written = self
            .rows
            .closed(closed)
            .and_then(|()| self.rows.judged(judged))
            .and_then(|()| waiting.write(&self.rows, now_s));
        let end = if written.is_ok() {
            "COMMIT"
        } else {
            "ROLLBACK"
        };
        written.and(self.rows.file.execute_batch(end))
    }

    /// Says it once: the next second may go well again.
    fn fail(&mut self, error: &rusqlite::Error) {
        if self.summary.failure.is_none() {
            tracing::error!(%error, "the recording cannot be written");
            self.summary.failure = Some(error.to_string());
        }
    }
}

impl Waiting {
    fn len(&self) -> usize {
        self.logs.len() + self.checks.len() + self.events.len()
    }

    fn write(&self, rows: &Rows, now_s: i64) -> rusqlite::Result<()> {
        self.logs.iter().try_for_each(|line| rows.log(line))?;
        self.checks
            .iter()
            .try_for_each(|check| rows.check(check, now_s))?;
        self.events
            .iter()
            .try_for_each(|event| rows.event(event, now_s))?;
        self.meta
            .iter()
            .try_for_each(|(key, value)| rows.meta(key, value))
    }
}

fn since_epoch() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

fn now_s() -> i64 {
    since_epoch().as_secs() as i64
}

/// The time now, UNIX milliseconds.
pub fn now_ms() -> i64 {
    since_epoch().as_millis() as i64
}

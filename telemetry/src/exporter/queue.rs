//! The bounded queue in front of an exporter, and the thread that empties it.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::drops::Drops;
use super::{ExportError, ExportSummary, Exporter, Signal, Wants};
use crate::metrics::Collector;

/// Most signals that wait for one exporter.
pub(crate) const QUEUE_SIGNALS_MAX: usize = 8192;
/// Most signals in one batch.
const BATCH_SIGNALS_MAX: usize = 512;
/// How long signals gather before they are sent together.
const GATHER: Duration = Duration::from_millis(200);
/// How often it is told that an exporter drops.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// Where signals for one exporter are put. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Queue(Arc<Shared>);

/// Owns the thread of one exporter.
pub(crate) struct Running {
    queue: Queue,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    name: &'static str,
    wants: Wants,
    drops: Drops,
    state: Mutex<State>,
    /// Wakes the exporter's thread.
    filled: Condvar,
    /// Wakes those who wait until everything was sent.
    drained: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Signal>,
    sending: bool,
    hurry: bool,
    /// Whether somebody waits for metrics to be collected now.
    collect: bool,
    closed: bool,
    /// Nothing happens any more.
    ended: bool,
}

/// What the exporter's thread does next.
#[derive(Clone, Copy)]
enum Work {
    Export,
    Collect,
    End,
}

/// When metrics are collected next, if ever.
struct Schedule {
    every: Option<Duration>,
    due: Option<Instant>,
}

impl Schedule {
    fn new(every: Option<Duration>) -> Self {
        let due = every.map(|every| Instant::now() + every);
        Self { every, due }
    }

    fn is_due(&self) -> bool {
        self.due.is_some_and(|due| Instant::now() >= due)
    }

    fn collected(&mut self) {
        *self = Self::new(self.every);
    }
}

/// Starts the thread of an exporter, which collects metrics from `metrics`.
pub(crate) fn start(
    exporter: Box<dyn Exporter>,
    metrics: Collector,
    drops: &Drops,
) -> io::Result<Running> {
    let queue = Queue(Arc::new(Shared {
        name: exporter.name(),
        wants: exporter.wants(),
        drops: drops.clone(),
        state: Mutex::default(),
        filled: Condvar::new(),
        drained: Condvar::new(),
    }));
    let shared = Arc::clone(&queue.0);
    let thread = thread::Builder::new()
        .name(format!("export-{}", queue.0.name))
        .spawn(move || shared.work(exporter, &metrics))?;
    Ok(Running {
        queue,
        thread: Some(thread),
    })
}

impl Queue {
    pub(crate) fn wants(&self) -> Wants {
        self.0.wants
    }

    /// Puts a signal into the queue, or drops and counts it.
    pub(crate) fn offer(&self, signal: Signal) {
        let mut state = self.0.lock();
        if state.closed || state.waiting.len() >= QUEUE_SIGNALS_MAX {
            let reason = if state.closed { "closed" } else { "queue_full" };
            drop(state);
            return self.0.drops.add(self.0.name, reason, 1);
        }
        state.waiting.push_back(signal);
        let wake = state.waiting.len() == 1 || state.waiting.len() == BATCH_SIGNALS_MAX;
        drop(state);
        if wake {
            self.0.filled.notify_one();
        }
    }
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Queue").field(&self.0.name).finish()
    }
}

impl Running {
    pub(crate) fn queue(&self) -> &Queue {
        &self.queue
    }

    /// Takes nothing more from now on.
    pub(crate) fn close(&self) {
        self.queue.0.lock().closed = true;
        self.queue.0.filled.notify_one();
    }

    /// Has metrics collected and waits until everything was sent; says whether that came in time.
    pub(crate) fn drain(&self, deadline: Instant) -> bool {
        let shared = &self.queue.0;
        let mut state = shared.lock();
        state.hurry = true;
        // Its thread does so anyway when it ends.
        state.collect |= shared.wants.metrics_every.is_some() && !state.closed;
        shared.filled.notify_one();
        while state.is_busy() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = shared.wait(&shared.drained, state, Some(left));
        }
        true
    }

    /// Closes, waits, and says what became of everything.
    pub(crate) fn finish(&mut self, deadline: Instant) -> ExportSummary {
        self.close();
        let mut complete = self.drain(deadline);
        // One that is stuck cannot be joined; it ends with the process.
        if let Some(thread) = self.thread.take().filter(|_| complete) {
            while !thread.is_finished() && Instant::now() < deadline {
                thread::sleep(Duration::from_millis(1));
            }
            complete = thread.is_finished() && thread.join().is_ok();
        }
        ExportSummary {
            exporter: self.queue.0.name,
            dropped: self.queue.0.drops.of(self.queue.0.name),
            complete,
        }
    }
}

impl Drop for Running {
    /// An exporter that nobody waits for still sends what it has, and ends.
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self, mut exporter: Box<dyn Exporter>, metrics: &Collector) {
        let mut teller = Teller::default();
        let mut batch = Vec::new();
        let mut schedule = Schedule::new(self.wants.metrics_every);
        loop {
            let sent = match self.next(&mut batch, &schedule) {
                Work::Export => exporter.export(&batch),
                Work::Collect => exporter.export_metrics(metrics),
                Work::End => break,
            };
            if batch.is_empty() {
                schedule.collected();
            }
            batch.clear();
            self.report(sent, &mut teller);
            self.sent();
        }
        if self.wants.metrics_every.is_some() {
            let sent = exporter.export_metrics(metrics);
            self.report(sent, &mut teller);
        }
        let sent = exporter.finish();
        self.report(sent, &mut teller);
        self.lock().ended = true;
        self.drained.notify_all();
    }

    fn sent(&self) {
        let mut state = self.lock();
        state.sending = false;
        if !state.is_busy() {
            state.hurry = false;
            self.drained.notify_all();
        }
    }

    fn report(&self, sent: Result<(), ExportError>, teller: &mut Teller) {
        let failure = sent.err();
        if let Some(error) = &failure {
            let lost = u64::try_from(error.lost).unwrap_or(u64::MAX);
            self.drops.add(self.name, error.reason, lost);
        }
        teller.tell(self.name, self.drops.of(self.name), failure.as_ref());
    }

    /// Waits until there is something to do; signals are moved into `batch`.
    fn next(&self, batch: &mut Vec<Signal>, schedule: &Schedule) -> Work {
        let mut state = self.lock();
        loop {
            if state.collect || (schedule.is_due() && !state.closed) {
                state.collect = false;
                state.sending = true;
                return Work::Collect;
            }
            if !state.waiting.is_empty() {
                self.gather(state, batch);
                return Work::Export;
            }
            if state.closed {
                return Work::End;
            }
            let due = schedule.due;
            let left = due.map(|due| due.saturating_duration_since(Instant::now()));
            state = self.wait(&self.filled, state, left);
        }
    }

    /// Waits for a full batch, though not for long, and moves it into `batch`.
    fn gather(&self, mut state: MutexGuard<'_, State>, batch: &mut Vec<Signal>) {
        let until = Instant::now() + GATHER;
        while state.waiting.len() < BATCH_SIGNALS_MAX && !state.hurry && !state.closed {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = self.wait(&self.filled, state, Some(left));
        }
        let length = state.waiting.len().min(BATCH_SIGNALS_MAX);
        batch.extend(state.waiting.drain(..length));
        state.sending = true;
    }

    fn wait<'a>(
        &self,
        condition: &Condvar,
        state: MutexGuard<'a, State>,
        at_most: Option<Duration>,
    ) -> MutexGuard<'a, State> {
        match at_most {
            Some(left) => match condition.wait_timeout(state, left) {
                Ok((state, _)) => state,
                Err(poisoned) => poisoned.into_inner().0,
            },
            None => condition
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner),
        }
    }
}

impl State {
    fn is_busy(&self) -> bool {
        !self.ended && (!self.waiting.is_empty() || self.sending || self.collect)
    }
}

/// Tells of drops in one line for many, from the exporter's own thread.
#[derive(Default)]
struct Teller {
    told: u64,
    last: Option<Instant>,
    /// What an export failed of since.
    failure: Option<String>,
}

impl Teller {
    fn tell(&mut self, exporter: &'static str, dropped: u64, failure: Option<&ExportError>) {
        if let Some(error) = failure {
            self.failure = Some(error.message.clone());
        }
        let due = self.last.is_none_or(|last| last.elapsed() >= TELL_EVERY);
        if dropped == self.told || !due {
            return;
        }
        let failure = self.failure.take();
        let reason = failure.as_deref().unwrap_or("it cannot keep up");
        let new = dropped - self.told;
        tracing::warn!(
            exporter,
            dropped = new,
            "telemetry was dropped: {reason}; the service itself is not affected"
        );
        (self.told, self.last) = (dropped, Some(Instant::now()));
    }
}

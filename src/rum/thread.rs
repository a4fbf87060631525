//! The thread that turns records into events: workers hand records over and never wait for it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::delivery::{Delivered, Sink};
use super::record::{Record, What};
use super::scene::Scene;
use super::session::{Counts, Outbox, Session};

/// Records that a worker hands over at once; it also does at the end of each tick.
const RECORDS_AT_ONCE: usize = 256;

/// Such portions that may wait; what comes then is dropped.
const PORTIONS_MAX: usize = 64;

/// Most sessions that are open at a time.
const SESSIONS_MAX: usize = 100_000;

/// Most bytes of events that wait for their batches to be full, in all sessions together; beyond, batches leave early.
const WAITING_BYTES_MAX: usize = 8 << 20;

/// How often sessions are looked at in which nothing happens, and how old what is done then must be: records may be on their way
/// from their worker for so long.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const LOOK_BACK: Duration = Duration::from_secs(5);

/// How much the thread stands back behind those that make the load.
const NICE: i32 = 5;

/// What came of a run's RUM events.
#[derive(Debug, Clone, Default)]
pub struct RumOutcome {
    /// What was told.
    pub counts: Counts,
    /// Where it went.
    pub delivered: Delivered,
    /// Records that found no room on their way from a worker.
    pub records_lost: u64,
    /// Sessions that were not told at all, for want of room.
    pub sessions_skipped: u64,
}

/// A worker's end.
#[derive(Debug, Clone)]
pub struct Feed {
    portions: SyncSender<Vec<Record>>,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    lost: AtomicU64,
    skipped: AtomicU64,
    /// There is no room for more sessions.
    is_full: AtomicBool,
}

impl Feed {
    /// Room for the next records.
    pub fn portion() -> Vec<Record> {
        Vec::with_capacity(RECORDS_AT_ONCE)
    }

    /// Whether so many are to be handed over.
    pub fn is_portion(records: &[Record]) -> bool {
        records.len() >= RECORDS_AT_ONCE
    }

    /// Hands records over, or drops and counts them.
    pub fn hand_over(&self, records: Vec<Record>) {
        if let Err(TrySendError::Full(back) | TrySendError::Disconnected(back)) =
            self.portions.try_send(records)
        {
            self.shared
                .lost
                .fetch_add(back.len() as u64, Ordering::Relaxed);
        }
    }

    /// Hands the last ones over, when the load is over and there is time.
    pub fn last(&self, records: Vec<Record>) {
        // A thread that has died is told of when it is joined.
        let _ = self.portions.send(records);
    }

    /// Whether a session that begins now is to be told of; counted if not.
    pub fn takes_session(&self) -> bool {
        let is_full = self.shared.is_full.load(Ordering::Relaxed);
        if is_full {
            self.shared.skipped.fetch_add(1, Ordering::Relaxed);
        }
        !is_full
    }
}

/// The thread.
pub struct RumThread(JoinHandle<RumOutcome>);

impl RumThread {
    /// Waits until everything is delivered, which is when all feeds are gone.
    ///
    /// # Errors
    /// When the thread panicked.
    pub fn join(self) -> anyhow::Result<RumOutcome> {
        self.0
            .join()
            .map_err(|_| anyhow::anyhow!("the thread of RUM events panicked"))
    }
}

/// Starts the thread of a run that begins at `start`.
///
/// # Errors
/// When the system gives no thread.
pub fn start(
    scene: Scene,
    sink: Box<dyn Sink>,
    start: Instant,
) -> std::io::Result<(Feed, RumThread)> {
    let (portions, inbox) = sync_channel(PORTIONS_MAX);
    let shared = Arc::new(Shared::default());
    let thread = Sessions {
        scene,
        sink,
        start,
        shared: shared.clone(),
        open: HashMap::new(),
        waiting: 0,
        out: Outbox::default(),
    };
    let thread = std::thread::Builder::new()
        .name("rum".to_owned())
        .spawn(move || thread.run(&inbox))?;
    Ok((Feed { portions, shared }, RumThread(thread)))
}

struct Sessions {
    scene: Scene,
    sink: Box<dyn Sink>,
    start: Instant,
    shared: Arc<Shared>,
    open: HashMap<u64, Session>,
    /// Bytes that wait in all of them.
    waiting: usize,
    out: Outbox,
}

impl Sessions {
    fn run(mut self, inbox: &Receiver<Vec<Record>>) -> RumOutcome {
        // Where the system does not let it stand back, it does without.
        let _ = rustix::process::setpriority_process(None, NICE);
        let mut look_at = Instant::now() + LOOK_EVERY;
        loop {
            match inbox.recv_timeout(look_at.saturating_duration_since(Instant::now())) {
                Ok(records) => records.iter().for_each(|record| self.on(record)),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if Instant::now() >= look_at {
                self.look();
                look_at = Instant::now() + LOOK_EVERY;
            }
            self.deliver();
        }
        self.end()
    }

    fn on(&mut self, record: &Record) {
        if let What::Arrived(visitor) = &record.what {
            if self.open.len() >= SESSIONS_MAX {
                self.shared.skipped.fetch_add(1, Ordering::Relaxed);
                return;
            }
            let session = Session::open(&self.scene, record, visitor, &mut self.out);
            self.open.insert(record.shopper, session);
            return;
        }
        let Some(session) = self.open.get_mut(&record.shopper) else {
            return;
        };
        let before = session.waiting_bytes();
        let goes_on = session.on(&self.scene, record, &mut self.out);
        if self.waiting + session.waiting_bytes() > WAITING_BYTES_MAX + before {
            session.flush(&mut self.out);
        }
        self.waiting = self.waiting + session.waiting_bytes() - before;
        if !goes_on {
            self.open.remove(&record.shopper);
        }
    }

    /// Does what is due in sessions in which nothing happens.
    fn look(&mut self) {
        let Some(now) = self.start.elapsed().checked_sub(LOOK_BACK) else {
            return;
        };
        self.waiting = 0;
        for session in self.open.values_mut() {
            session.look(&self.scene, now, &mut self.out);
            self.waiting += session.waiting_bytes();
        }
    }

    fn deliver(&mut self) {
        for payload in self.out.payloads.drain(..) {
            self.sink.deliver(payload);
        }
        let is_full = !self.sink.takes_new_sessions();
        self.shared.is_full.store(is_full, Ordering::Relaxed);
    }

    fn end(mut self) -> RumOutcome {
        for (_, mut session) in std::mem::take(&mut self.open) {
            // Its end was lost on the way.
            session.leave(&self.scene, session.heard_of(), &mut self.out);
        }
        self.deliver();
        RumOutcome {
            counts: self.out.counts,
            delivered: self.sink.finish(),
            records_lost: self.shared.lost.load(Ordering::Relaxed),
            sessions_skipped: self.shared.skipped.load(Ordering::Relaxed),
        }
    }
}

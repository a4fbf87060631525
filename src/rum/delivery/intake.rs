//! Batches to an intake, from a thread of its own: whatever the intake does, nobody waits for it.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use reqwest::Client;
use reqwest::header::{CONTENT_TYPE, USER_AGENT};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::endpoint::{Attempt, Endpoint};
use super::queue::{BYTES_MAX, Outcome, Queue, Waiting};
use super::{Delivered, Sink};
use crate::rng::ShopperRng;
use crate::rum::batch::Payload;
use crate::rum::visitor::draw_uuid;
use crate::runtime::local_runtime;

/// How long one attempt may take.
const ATTEMPT_MAX: Duration = Duration::from_secs(10);

/// How long batches are still delivered after the run.
const DRAIN_MAX: Duration = Duration::from_secs(5);

/// The intake's end of the run.
pub struct IntakeSink {
    /// Bounded by `waiting`.
    batches: UnboundedSender<Payload>,
    /// Bytes that were handed over and have not come to an end.
    waiting: Arc<AtomicUsize>,
    thread: JoinHandle<Delivered>,
    /// What was not even handed over.
    lost: Delivered,
}

impl IntakeSink {
    /// Starts the thread; `seed` makes the requests' ids.
    ///
    /// # Errors
    /// When there is no HTTP client or no thread to be had.
    pub fn start(endpoint: Endpoint, seed: u64) -> anyhow::Result<Self> {
        let (batches, inbox) = unbounded_channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let lost = Delivered::at(endpoint.place());
        let sender = Sender {
            client: Client::builder()
                .timeout(ATTEMPT_MAX)
                // A redirect would carry the token elsewhere.
                .redirect(reqwest::redirect::Policy::none())
                .build()?,
            delivered: lost.clone(),
            endpoint,
            rng: ShopperRng::new(seed, "rum-requests", 0),
            waiting: waiting.clone(),
            queue: Queue::default(),
            under_way: JoinSet::new(),
            began: std::time::Instant::now(),
            taken: 0,
        };
        let thread = std::thread::Builder::new()
            .name("rum-intake".to_owned())
            .spawn(move || match local_runtime() {
                Ok(runtime) => runtime.block_on(sender.run(inbox)),
                Err(error) => {
                    tracing::error!(%error, "RUM events cannot be sent");
                    sender.delivered
                }
            })?;
        Ok(Self {
            batches,
            waiting,
            thread,
            lost,
        })
    }
}

impl Sink for IntakeSink {
    fn deliver(&mut self, payload: Payload) {
        let bytes = payload.body.len();
        if self.waiting.load(Ordering::Relaxed) + bytes > BYTES_MAX {
            return self.lost.lose("queue_full", &payload);
        }
        self.waiting.fetch_add(bytes, Ordering::Relaxed);
        if let Err(back) = self.batches.send(payload) {
            self.waiting.fetch_sub(bytes, Ordering::Relaxed);
            self.lost.lose("not_sent", &back.0);
        }
    }

    fn finish(self: Box<Self>) -> Delivered {
        drop(self.batches);
        let Ok(mut delivered) = self.thread.join() else {
            tracing::error!("the thread that sends RUM events panicked");
            return self.lost;
        };
        for (reason, events) in self.lost.dropped {
            *delivered.dropped.entry(reason).or_default() += events;
        }
        delivered
    }
}

/// What the thread holds.
struct Sender {
    client: Client,
    endpoint: Endpoint,
    rng: ShopperRng,
    waiting: Arc<AtomicUsize>,
    queue: Queue,
    under_way: JoinSet<(Waiting, Outcome)>,
    began: std::time::Instant,
    /// Events that were handed over.
    taken: u64,
    delivered: Delivered,
}

impl Sender {
    async fn run(mut self, mut inbox: UnboundedReceiver<Payload>) -> Delivered {
        let mut end: Option<Instant> = None;
        loop {
            while let Some(batch) = self.queue.next(self.began.elapsed()) {
                self.send(batch);
            }
            if end.is_some() && self.queue.is_empty() {
                break;
            }
            let wakes_at = self.queue.wakes_at().map(|at| self.began + at);
            tokio::select! {
                payload = inbox.recv(), if end.is_none() => match payload {
                    Some(payload) => {
                        self.taken += u64::from(payload.events);
                        self.queue.push(payload);
                    }
                    None => end = Some(Instant::now() + DRAIN_MAX),
                },
                Some(done) = self.under_way.join_next() => match done {
                    Ok((batch, outcome)) => self.done(batch, outcome),
                    Err(error) => tracing::error!(%error, "a batch of RUM events was lost"),
                },
                () = until(wakes_at.map(Instant::from_std)) => {}
                () = until(end) => break,
            }
        }
        self.give_up().await
    }

    fn send(&mut self, batch: Waiting) {
        let time = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let url = self.endpoint.url(Attempt {
            request: draw_uuid(&mut self.rng),
            time: time.map_or(0, |time| time.as_millis()),
            is_exit: batch.payload.is_exit,
            retry: batch.retry,
        });
        self.delivered.retries += u64::from(batch.retry.is_some());
        let request = self
            .client
            .post(url)
            .header(CONTENT_TYPE, "text/plain;charset=UTF-8")
            .header(USER_AGENT, batch.payload.user_agent)
            .body(batch.payload.body.clone());
        self.under_way.spawn(async move {
            let outcome = match request.send().await {
                Ok(answer) => Outcome::of(answer.status().as_u16()),
                Err(_) => Outcome::Later(0),
            };
            (batch, outcome)
        });
    }

    fn done(&mut self, batch: Waiting, outcome: Outcome) {
        let was_down = self.queue.is_down();
        let bytes = batch.payload.body.len();
        let ended = self.queue.done(batch, outcome, self.began.elapsed());
        if let Some(batch) = ended {
            self.waiting.fetch_sub(bytes, Ordering::Relaxed);
            match outcome {
                Outcome::Refused(status) => {
                    let reason = format!("status_{status}");
                    if !self.delivered.dropped.contains_key(&reason) {
                        tracing::warn!(status, "the intake refuses RUM events");
                    }
                    self.delivered.lose(reason, &batch.payload);
                }
                _ => self.delivered.events += u64::from(batch.payload.events),
            }
        }
        match (was_down, self.queue.is_down(), outcome) {
            (false, true, Outcome::Later(status)) => {
                tracing::warn!(status, "the intake does not take RUM events; they wait");
            }
            (true, false, _) => tracing::info!("the intake takes RUM events again"),
            _ => {}
        }
    }

    /// There is no more time: what is left does not arrive.
    async fn give_up(mut self) -> Delivered {
        self.under_way.abort_all();
        while let Some(ended) = self.under_way.join_next().await {
            if let Ok((batch, outcome)) = ended {
                self.done(batch, outcome);
            }
        }
        let Delivered {
            events, dropped, ..
        } = &self.delivered;
        let ended = events + dropped.values().sum::<u64>();
        if let Some(left @ 1..) = self.taken.checked_sub(ended) {
            *self
                .delivered
                .dropped
                .entry("no_time".to_owned())
                .or_default() += left;
        }
        self.delivered
    }
}

/// Comes back at a time, or never.
async fn until(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => pending().await,
    }
}

//! Telling the shop what became of charges: signed, repeated with growing pauses, bounded.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::{JoinHandle, JoinSet};

use crate::clock::now_ms;
use crate::provider::signature::sign;
use crate::secret::Secret;
use crate::warning::RepeatedWarning;

/// Events that wait to be told; of more than that, the newest are not told at all, as the shop can do without.
const EVENTS_MAX: usize = 10_000;
/// Events that are being told at the same time.
const TELLINGS_MAX: usize = 32;
/// How often one event is told at most.
const ATTEMPTS_MAX: u32 = 8;
/// Pause before the second attempt; doubled each time.
const PAUSE_FIRST: Duration = Duration::from_millis(250);
/// How long one telling may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Who is told.
#[derive(Clone, Debug)]
pub struct WebhookTarget {
    /// The shop's webhook.
    pub url: String,
    /// Signs what is told; the shop has the same.
    pub secret: Secret,
}

/// The way in.
#[derive(Clone)]
pub(super) struct Webhooks(mpsc::Sender<String>);

/// The task that tells; owned by the running provider.
pub(super) struct Deliveries(JoinHandle<()>);

/// Starts telling.
pub(super) fn start(target: WebhookTarget) -> anyhow::Result<(Webhooks, Deliveries)> {
    let client = reqwest::Client::builder()
        .timeout(TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .context("cannot make an HTTP client for webhooks")?;
    let (sender, events) = mpsc::channel(EVENTS_MAX);
    let task = tokio::spawn(tell_all(Arc::new((client, target)), events));
    Ok((Webhooks(sender), Deliveries(task)))
}

impl Webhooks {
    pub(super) fn tell(&self, event: &Value) {
        if self.0.try_send(event.to_string()).is_err() {
            static TROUBLE: RepeatedWarning = RepeatedWarning::new();
            TROUBLE.failed(|suppressed| {
                tracing::warn!(suppressed, "too many webhooks wait; one is not told");
            });
        }
    }
}

impl Deliveries {
    /// Waits for what is being told; the way in is closed by now.
    pub(super) async fn stop(self, patience: Duration) {
        let Deliveries(mut task) = self;
        if tokio::time::timeout(patience, &mut task).await.is_err() {
            tracing::warn!("some webhooks were not told");
            task.abort();
        }
    }
}

async fn tell_all(to: Arc<(reqwest::Client, WebhookTarget)>, mut events: mpsc::Receiver<String>) {
    let slots = Arc::new(Semaphore::new(TELLINGS_MAX));
    let mut tellings = JoinSet::new();
    while let Some(event) = events.recv().await {
        while tellings.try_join_next().is_some() {}
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else {
            break;
        };
        let to = Arc::clone(&to);
        tellings.spawn(async move {
            tell(&to.0, &to.1, &event).await;
            drop(slot);
        });
    }
    while tellings.join_next().await.is_some() {}
}

async fn tell(client: &reqwest::Client, target: &WebhookTarget, event: &str) {
    static NOT_TAKEN: RepeatedWarning = RepeatedWarning::new();
    static UNREACHABLE: RepeatedWarning = RepeatedWarning::new();
    static GIVEN_UP: RepeatedWarning = RepeatedWarning::new();
    let mut pause = PAUSE_FIRST;
    for attempt in 1..=ATTEMPTS_MAX {
        let secret = target.secret.expose().as_bytes();
        let signature = sign(secret, event.as_bytes(), now_ms() / 1_000);
        let told = client
            .post(&target.url)
            .header("stripe-signature", signature)
            .header("content-type", "application/json")
            .body(event.to_owned())
            .send()
            .await;
        match told {
            Ok(answer) if answer.status().is_success() => return,
            Ok(answer) => NOT_TAKEN.failed(|suppressed| {
                let status = answer.status();
                tracing::info!(%status, attempt, suppressed, "a webhook was not taken");
            }),
            Err(_) => UNREACHABLE.failed(|suppressed| {
                tracing::info!(attempt, suppressed, "the shop's webhook cannot be reached");
            }),
        }
        if attempt < ATTEMPTS_MAX {
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
    }
    GIVEN_UP.failed(|suppressed| tracing::warn!(suppressed, "a webhook was given up"));
}

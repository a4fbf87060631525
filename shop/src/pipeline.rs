//! The order pipeline: what happens after an order was acknowledged.
//!
//! Parts talk through the queue alone and change orders through [`PipelineStore`] alone, where effect,
//! memory of the event and the events that follow are one transaction. So any message may arrive any
//! number of times, in any order. Nothing here answers HTTP.
//!
//! Which part runs beside which service is decided once, in the table of [`Duty`].
//!
//! [`PipelineStore`]: crate::store::PipelineStore

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::blocking::{closer, off_thread};
use crate::config::Config;
use crate::context::Context;
use crate::db::Durability;
use crate::provider::http::{HttpMail, HttpPayments};
use crate::provider::simulated::{Behaviour, SimulatedWorld};
use crate::provider::{MailProvider, PaymentProvider};
use crate::queue::embedded::EmbeddedQueue;
use crate::queue::sqs::SqsQueue;
use crate::queue::{Queue, Topic};
use crate::service::Service;
use crate::store::Closer;

mod consumer;
mod dead_letters;
#[cfg(test)]
mod disorder;
mod duty;
mod intake;
pub(crate) mod intents;
mod inventory;
mod message;
pub(crate) mod meter;
mod notifications;
mod part;
pub(crate) mod payments;
pub mod producer;
mod relay;
pub mod settings;
mod sweeps;

pub(crate) use dead_letters::unread_reason;
pub use duty::Duty;
pub use settings::Settings;

use part::Part;

/// The queue in the data folder.
pub(crate) const QUEUE_FILE: &str = "queue.db";
/// The books of the simulated providers there.
pub(crate) const PROVIDER_FILE: &str = "provider.db";

/// What the pipeline and the services share: the queue and the providers.
#[derive(Clone)]
pub struct Resources {
    /// Carries events from part to part.
    pub queue: Arc<dyn Queue>,
    /// Takes the money.
    pub payments: Arc<dyn PaymentProvider>,
    /// Carries the mail.
    pub mail: Arc<dyn MailProvider>,
    /// The simulated outside world, where that is what the ports lead to.
    pub world: Option<Arc<SimulatedWorld>>,
    closers: [Closer; 2],
}

impl Resources {
    /// Opens the queue and the providers that the configuration names.
    pub async fn open(config: &Config) -> anyhow::Result<Resources> {
        let (queue, close_queue) = open_queue(config).await?;
        let backends = &config.backends;
        let simulated = backends.payment_provider.is_none() || backends.mail_provider.is_none();
        let (world, close_world) = match simulated {
            true => open_world(config)
                .await
                .map(|(world, close)| (Some(world), close))?,
            false => (None, closer(|| {})),
        };
        Ok(Resources {
            queue,
            payments: payments(config, world.as_ref())?,
            mail: mail(config, world.as_ref())?,
            world,
            closers: [close_queue, close_world],
        })
    }

    /// Finishes what waits and lets go of files and connections.
    pub async fn close(&self) {
        for close in &self.closers {
            close().await;
        }
    }
}

fn payments(
    config: &Config,
    world: Option<&Arc<SimulatedWorld>>,
) -> anyhow::Result<Arc<dyn PaymentProvider>> {
    match (&config.backends.payment_provider, world) {
        (Some(address), _) => Ok(Arc::new(HttpPayments::new(address)?)),
        (None, Some(world)) => Ok(world.clone()),
        (None, None) => anyhow::bail!("there is no payment provider; set PAYMENT_PROVIDER_URL"),
    }
}

fn mail(
    config: &Config,
    world: Option<&Arc<SimulatedWorld>>,
) -> anyhow::Result<Arc<dyn MailProvider>> {
    match (&config.backends.mail_provider, world) {
        (Some(address), _) => Ok(Arc::new(HttpMail::new(address)?)),
        (None, Some(world)) => Ok(world.clone()),
        (None, None) => anyhow::bail!("there is no mail provider; set MAIL_PROVIDER_URL"),
    }
}

/// Opens the queue that the configuration names.
pub(crate) async fn open_queue(config: &Config) -> anyhow::Result<(Arc<dyn Queue>, Closer)> {
    if let Some(settings) = &config.backends.queue {
        let needed = !config.duties().is_empty() || config.runs(Service::Payment);
        // Boxed: the compiler gives up on futures as deep as those of AWS's library.
        let open: BoxFuture<'_, _> = Box::pin(SqsQueue::open(settings.clone(), needed));
        let queue = open.await?;
        return Ok((Arc::new(queue), closer(|| {})));
    }
    let file = config.data_dir.join(QUEUE_FILE);
    let open = move || EmbeddedQueue::open(&file, Durability::Process);
    let queue = Arc::new(off_thread(open).await??);
    let closing = queue.clone();
    Ok((queue, closer(move || closing.close())))
}

async fn open_world(config: &Config) -> anyhow::Result<(Arc<SimulatedWorld>, Closer)> {
    let settings = &config.pipeline;
    let behaviour = Behaviour {
        seed: config.seed,
        payment_latency_median: settings.payment_latency,
        mail_latency_median: settings.mail_latency,
        decline_share: settings.decline_share,
        mail_rejection_share: settings.mail_rejection_share,
    };
    let file = config.data_dir.join(PROVIDER_FILE);
    let open = move || SimulatedWorld::open(&file, Durability::Process, behaviour);
    let world = Arc::new(off_thread(open).await??);
    let closing = world.clone();
    Ok((world, closer(move || closing.close())))
}

/// The running parts of the pipeline; owns their tasks.
pub struct RunningPipeline {
    stop: watch::Sender<bool>,
    parts: JoinSet<()>,
}

/// Starts the parts that the configuration gives to this process.
pub fn start(context: &Arc<Context>) -> anyhow::Result<RunningPipeline> {
    let (stop, stopped) = watch::channel(false);
    let mut parts = JoinSet::new();
    let duties = context.config.duties();
    for service in Service::all() {
        let mut mine = duties
            .iter()
            .filter(|duty| duty.service() == service)
            .peekable();
        if mine.peek().is_some() {
            let part = Arc::new(Part::new(Arc::clone(context), service, stopped.clone()));
            mine.for_each(|duty| duty.start(&mut parts, &part));
        }
    }
    Ok(RunningPipeline { stop, parts })
}

impl RunningPipeline {
    /// Asks every part to stop and waits for at most `deadline`; true when all ended by themselves.
    /// What is cut off is delivered again.
    pub async fn stop(mut self, deadline: Duration) -> bool {
        self.stop.send_replace(true);
        let ended = tokio::time::timeout(deadline, join_all(&mut self.parts)).await;
        if ended.is_err() {
            tracing::warn!(left = self.parts.len(), "the pipeline did not end in time");
            self.parts.shutdown().await;
        }
        ended.is_ok()
    }
}

async fn join_all(parts: &mut JoinSet<()>) {
    while let Some(ended) = parts.join_next().await {
        if let Err(error) = ended {
            tracing::error!(%error, "a part of the pipeline panicked");
        }
    }
}

/// Where events of a kind go; those that nobody waits for go nowhere.
fn topic_of(kind: crate::event::EventKind) -> Option<Topic> {
    use crate::event::EventKind;
    match kind {
        EventKind::OrderCreated | EventKind::PaymentConfirmed | EventKind::RefundRequested => {
            Some(Topic::Payments)
        }
        EventKind::PaymentProcessed | EventKind::OrderCancelled => Some(Topic::Inventory),
        EventKind::InventoryReserved | EventKind::OrderShipped => Some(Topic::Notifications),
        EventKind::PaymentFailed | EventKind::PaymentRefunded | EventKind::InventoryFailed => None,
    }
}

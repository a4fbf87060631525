//! Takes messages from one queue and gives them to a handler: bounded, retrying, and done only when
//! the handler says so. Knows nothing of what the messages mean.
//!
//! A message whose dependency is down is held and tried again with growing pauses, invisible to
//! others; so an outage does not use up its receives. A message that cannot be handled at all is given
//! back at once and reaches the dead letters after the queue's limit of receives.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use telemetry::span::Delivery;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

use super::role_context::RoleContext;
use crate::queue::{BATCH_MAX, QueueError, QueueId, Receive, Received, Topic, VISIBILITY_DEFAULT};
use crate::store::{Applied, StoreError};
use crate::warning::RepeatedWarning;

/// How long one receive waits; also how long an idle consumer takes to notice that it has to stop.
const RECEIVE_WAIT: Duration = Duration::from_secs(1);
/// Pause before the first repetition; doubled each time.
const RETRY_PAUSE_FIRST: Duration = Duration::from_millis(100);
/// Longest pause between repetitions: how late the recovery of a dependency is noticed at worst.
const RETRY_PAUSE_MAX: Duration = Duration::from_secs(1);
/// How long one receive of a message may hold it while a dependency is down.
const HOLD_MAX: Duration = Duration::from_secs(120);
/// Pause before a message that could not be handled is received again, multiplied by its receives.
const POISON_PAUSE: Duration = Duration::from_millis(100);
/// Pause after the queue itself failed.
const QUEUE_TROUBLE_PAUSE: Duration = Duration::from_millis(500);

/// What a message's handler made of it.
#[derive(Debug)]
pub(super) enum MessageOutcome {
    /// Handled; the message can go. With a word for the metrics.
    Done(&'static str),
    /// Not now: something it needs is down.
    Retry(String),
    /// Never: the message itself is wrong.
    Poison(String),
}

impl From<StoreError> for MessageOutcome {
    fn from(error: StoreError) -> Self {
        MessageOutcome::Retry(error.to_string())
    }
}

impl From<&Applied> for MessageOutcome {
    fn from(applied: &Applied) -> Self {
        match applied {
            Applied::Done(_) => MessageOutcome::Done("processed"),
            Applied::Obsolete(_) => MessageOutcome::Done("obsolete"),
            Applied::Duplicate => MessageOutcome::Done("duplicate"),
            Applied::NoSuchOrder => MessageOutcome::Poison("there is no such order".into()),
        }
    }
}

/// Gives messages of one topic their meaning.
#[async_trait]
pub(super) trait Handle: Send + Sync + 'static {
    /// Which queue it reads.
    fn topic(&self) -> Topic;
    /// Name of the span of one message's processing.
    fn span_name(&self) -> &'static str;
    /// Handles one message; called again for the same message after [`MessageOutcome::Retry`].
    async fn handle(&self, message: &Received) -> MessageOutcome;
}

/// One queue's consumer.
pub(super) struct Consumer {
    role: Arc<RoleContext>,
    handler: Arc<dyn Handle>,
    slots: Arc<Semaphore>,
    trouble: Arc<Trouble>,
}

/// What keeps going wrong while something is away.
#[derive(Default)]
struct Trouble {
    receive: RepeatedWarning,
    handle: RepeatedWarning,
    finish: RepeatedWarning,
}

impl Consumer {
    pub(super) fn new(role: Arc<RoleContext>, handler: Arc<dyn Handle>) -> Self {
        let slots = usize::from(role.context.config.pipeline.consumer_concurrency);
        Consumer {
            role,
            handler,
            slots: Arc::new(Semaphore::new(slots)),
            trouble: Arc::default(),
        }
    }

    /// Consumes until the role has to stop, then finishes what it holds.
    pub(super) async fn run(self) {
        let mut work = JoinSet::new();
        while !self.role.is_stopping() {
            while let Some(ended) = work.try_join_next() {
                report_panic(ended);
            }
            let Ok(permit) = Arc::clone(&self.slots).acquire_owned().await else {
                break;
            };
            self.take_batch(permit, &mut work).await;
        }
        while let Some(ended) = work.join_next().await {
            report_panic(ended);
        }
    }

    /// Receives as many messages as there are free slots and starts them.
    async fn take_batch(&self, first: OwnedSemaphorePermit, work: &mut JoinSet<()>) {
        let how = Receive {
            max: (1 + self.slots.available_permits()).min(BATCH_MAX),
            visibility: VISIBILITY_DEFAULT,
            wait: RECEIVE_WAIT,
        };
        let queue = self.handler.topic().queue();
        let trouble = &self.trouble.receive;
        let received = match self.role.queue().receive(queue, how).await {
            Ok(received) => {
                trouble.recovered(|failures| {
                    tracing::info!(failures, queue = queue.name(), "receives again");
                });
                received
            }
            Err(error) => {
                trouble.failed(|suppressed| {
                    tracing::warn!(%error, suppressed, queue = queue.name(), "cannot receive");
                });
                self.role.rest(QUEUE_TROUBLE_PAUSE).await;
                return;
            }
        };
        let mut first = Some(first);
        for message in received {
            // The loop is the only taker, so what was free a moment ago still is.
            let permit = first
                .take()
                .or_else(|| Arc::clone(&self.slots).try_acquire_owned().ok());
            let (role, handler) = (Arc::clone(&self.role), Arc::clone(&self.handler));
            let trouble = Arc::clone(&self.trouble);
            work.spawn(async move {
                process(role, handler, &trouble, message).await;
                drop(permit);
            });
        }
    }
}

fn report_panic(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        // The message comes back after its visibility timeout.
        tracing::error!(%error, "a message's handler panicked");
    }
}

/// Works on one message from its receive to its end.
async fn process(
    role: Arc<RoleContext>,
    handler: Arc<dyn Handle>,
    trouble: &Trouble,
    message: Received,
) {
    let started = Instant::now();
    let queue = handler.topic().queue();
    let span = role.tracer.consumer(
        handler.span_name(),
        &Delivery {
            system: role.queue().system(),
            queue: queue.name(),
            message_id: &message.id,
            attributes: &message.attributes,
        },
    );
    let outcome = span
        .run(hold(&role, &*handler, &trouble.handle, &message))
        .await;
    let word = match &outcome {
        MessageOutcome::Done(word) => word,
        MessageOutcome::Retry(reason) => {
            span.fail("dependency", reason);
            "retry"
        }
        MessageOutcome::Poison(reason) => {
            span.fail("poison", reason);
            "poison"
        }
    };
    role.meter
        .message_processed(queue.name(), word, started.elapsed());
    if let Err(error) = span.run(finish(&role, queue, &message, &outcome)).await {
        trouble.finish.failed(|suppressed| {
            tracing::warn!(
                %error,
                suppressed,
                queue = queue.name(),
                "a message is not finished with and will come back"
            );
        });
    }
}

/// Repeats the handling while a dependency is down, keeping the message from other receivers.
async fn hold(
    role: &RoleContext,
    handler: &dyn Handle,
    trouble: &RepeatedWarning,
    message: &Received,
) -> MessageOutcome {
    let started = Instant::now();
    let mut pause = RETRY_PAUSE_FIRST;
    loop {
        let outcome = handler.handle(message).await;
        let queue = handler.topic().queue().name();
        let MessageOutcome::Retry(reason) = &outcome else {
            trouble.recovered(|failures| {
                tracing::info!(failures, queue, "messages are handled again")
            });
            return outcome;
        };
        trouble.failed(|suppressed| {
            tracing::warn!(%reason, suppressed, queue, "a message has to wait");
        });
        let kept = keep_invisible(role, handler.topic(), message, pause).await;
        let out_of_time = started.elapsed() > HOLD_MAX;
        if !kept || out_of_time || !role.rest(pause).await {
            return outcome;
        }
        pause = (pause * 2).min(RETRY_PAUSE_MAX);
    }
}

/// False when the message belongs to another receiver by now.
async fn keep_invisible(
    role: &RoleContext,
    topic: Topic,
    message: &Received,
    pause: Duration,
) -> bool {
    let visibility = VISIBILITY_DEFAULT + pause;
    let kept = role
        .queue()
        .change_visibility(topic.queue(), &message.receipt, visibility)
        .await;
    !matches!(kept, Err(QueueError::StaleReceipt))
}

async fn finish(
    role: &RoleContext,
    queue: QueueId,
    message: &Received,
    outcome: &MessageOutcome,
) -> Result<(), QueueError> {
    let visibility = match outcome {
        MessageOutcome::Done(_) => {
            let receipts = [message.receipt.clone()];
            return role.queue().delete(queue, &receipts).await;
        }
        MessageOutcome::Retry(_) => Duration::ZERO,
        MessageOutcome::Poison(reason) => {
            tracing::error!(
                %reason,
                queue = queue.name(),
                message_id = %message.id,
                receive_count = message.receive_count,
                "a message cannot be processed"
            );
            POISON_PAUSE * message.receive_count
        }
    };
    role.queue()
        .change_visibility(queue, &message.receipt, visibility)
        .await
}

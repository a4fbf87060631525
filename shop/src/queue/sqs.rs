//! The queues on SQS, or on anything that speaks its protocol.
//!
//! What SQS does not tell is estimated ([`age`]) and what it does only approximately is said where it is
//! used: a look at messages counts as a receive, figures lag behind. Nothing here knows of orders.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{MessageSystemAttributeName, QueueAttributeName};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::{
    BATCH_MAX, Depth, Outgoing, Peeked, Queue, QueueError, QueueId, Receive, Received, WAIT_MAX,
    check_batch, check_count, check_visibility,
};
use crate::clock::now_ms;
use crate::fault::{Faults, Point};
use crate::queue::settings::Settings;

mod address;
mod age;
mod batch;
mod client;
mod fault;
mod message;
mod setup;
#[cfg(test)]
mod tests;

use age::Ages;
use fault::Fault;
use setup::QueueUrls;

/// Calls to SQS at the same time, receives apart: those are bounded by their callers.
const CALLS_MAX: usize = 256;
/// How long a failed search for the queues counts: SQS makes no queue within a minute of its deletion.
const SEARCH_PAUSE: Duration = Duration::from_secs(1);
/// How long a peeked message is hidden if it cannot be given back.
const PEEK_VISIBILITY: Duration = Duration::from_secs(10);
/// How long a peek waits for the first message: only a receive that waits asks all servers of SQS.
const PEEK_WAIT: Duration = Duration::from_secs(1);
/// Receives of one peek.
const PEEK_ROUNDS_MAX: usize = 100;
/// Receives of one purge that SQS leaves to its caller.
const PURGE_ROUNDS_MAX: usize = 10_000;

/// The queues of a shop on SQS.
pub struct SqsQueue {
    faults: Faults,
    client: Client,
    settings: Settings,
    address: address::Address,
    urls: Mutex<Option<Arc<QueueUrls>>>,
    /// When the last search for the queues failed, and why; held while one is under way.
    failed_search: tokio::sync::Mutex<Option<(Instant, String)>>,
    calls: Semaphore,
    ages: Ages,
}

impl SqsQueue {
    /// Lets faults act on what is sent, received and deleted.
    #[must_use]
    pub fn with_faults(mut self, faults: &Faults) -> Self {
        self.faults = faults.clone();
        self
    }

    /// Makes ready to talk to SQS. With `needed`, finds or makes the queues at once, and fails when it
    /// cannot; otherwise the first call does.
    pub async fn open(settings: Settings, needed: bool) -> anyhow::Result<Self> {
        let address = client::address_of(&settings)?;
        let queue = SqsQueue {
            faults: Faults::default(),
            client: client::connect(&settings, &address).await,
            settings,
            address,
            urls: Mutex::default(),
            failed_search: tokio::sync::Mutex::default(),
            calls: Semaphore::new(CALLS_MAX),
            ages: Ages::default(),
        };
        if needed {
            let urls = setup::wait_for_queues(&queue.client, &queue.settings, &queue.address);
            queue.remember(urls.await?);
        }
        Ok(queue)
    }

    /// Where a queue is.
    async fn target(&self, queue: QueueId) -> Result<QueueTarget, QueueError> {
        let urls = match self.known() {
            Some(urls) => urls,
            None => self.search().await?,
        };
        Ok(QueueTarget { urls, queue })
    }

    fn known(&self) -> Option<Arc<QueueUrls>> {
        let urls = self.urls.lock().unwrap_or_else(PoisonError::into_inner);
        urls.clone()
    }

    /// Looks for all queues, and makes those that are missing; one search at a time, and not at once after one that failed.
    async fn search(&self) -> Result<Arc<QueueUrls>, QueueError> {
        let mut failed = self.failed_search.lock().await;
        if let Some(urls) = self.known() {
            return Ok(urls);
        }
        if let Some((_, what)) = failed
            .as_ref()
            .filter(|(at, _)| at.elapsed() < SEARCH_PAUSE)
        {
            return Err(QueueError::Unavailable(what.clone()));
        }
        match setup::find_queues(&self.client, &self.settings, &self.address).await {
            Ok(urls) => {
                *failed = None;
                Ok(self.remember(urls))
            }
            Err(fault) => {
                *failed = Some((Instant::now(), fault.what().to_owned()));
                Err(fault.into_error())
            }
        }
    }

    fn remember(&self, urls: QueueUrls) -> Arc<QueueUrls> {
        let urls = Arc::new(urls);
        let mut known = self.urls.lock().unwrap_or_else(PoisonError::into_inner);
        *known = Some(Arc::clone(&urls));
        urls
    }

    /// Passes an error on. When the queue turns out to be gone, the next call looks for all of them again: a new one needs its
    /// dead-letter queue as well.
    fn noticed(&self, target: &QueueTarget, error: QueueError) -> QueueError {
        if let QueueError::Gone(what) = &error {
            let mut known = self.urls.lock().unwrap_or_else(PoisonError::into_inner);
            // Of many calls that fail, the first says so; what was found again meanwhile stays.
            if known
                .take_if(|urls| Arc::ptr_eq(urls, &target.urls))
                .is_some()
            {
                let queue = self.address.queue_name(target.queue);
                tracing::error!(
                    queue,
                    what,
                    "the queue is gone with all that was in it; it is made again unless somebody else does so"
                );
            }
        }
        error
    }

    async fn turn(&self) -> Result<SemaphorePermit<'_>, QueueError> {
        let turn = self.calls.acquire().await;
        turn.map_err(|_| QueueError::Unavailable("the queue is closed".into()))
    }

    /// Gives peeked messages back; what fails comes back by itself after [`PEEK_VISIBILITY`].
    async fn give_back(&self, queue: QueueId, letters: &[Received]) {
        for letter in letters {
            drop(
                self.change_visibility(queue, &letter.receipt, Duration::ZERO)
                    .await,
            );
        }
    }

    /// Takes and deletes until nothing is left.
    async fn drain(&self, queue: QueueId) -> Result<(), QueueError> {
        let how = Receive {
            max: BATCH_MAX,
            visibility: PEEK_VISIBILITY,
            wait: PEEK_WAIT,
        };
        for _ in 0..PURGE_ROUNDS_MAX {
            let taken = self.receive(queue, how).await?;
            if taken.is_empty() {
                return Ok(());
            }
            let receipts: Vec<_> = taken.into_iter().map(|message| message.receipt).collect();
            self.delete(queue, &receipts).await?;
        }
        Err(QueueError::Unavailable(
            "more messages arrive than a purge can take".into(),
        ))
    }
}

#[async_trait]
impl Queue for SqsQueue {
    fn system(&self) -> &'static str {
        "aws_sqs"
    }

    async fn send(&self, queue: QueueId, batch: &[Outgoing]) -> Result<(), QueueError> {
        self.faults.at(Point::QueueSend, queue.name()).await?;
        check_batch(batch)?;
        let target = self.target(queue).await?;
        let _turn = self.turn().await?;
        for part in batch::within_size(batch) {
            let sent = batch::send(&self.client, target.url(), part).await;
            sent.map_err(|error| self.noticed(&target, error))?;
        }
        Ok(())
    }

    async fn receive(&self, queue: QueueId, how: Receive) -> Result<Vec<Received>, QueueError> {
        self.faults.at(Point::QueueReceive, queue.name()).await?;
        check_count("messages", how.max)?;
        check_visibility(how.visibility)?;
        let target = self.target(queue).await?;
        let wait = how.wait.min(WAIT_MAX);
        let request = self
            .client
            .receive_message()
            .queue_url(target.url())
            .max_number_of_messages(i32::try_from(how.max).unwrap_or(1))
            .visibility_timeout(whole_seconds(how.visibility))
            .wait_time_seconds(whole_seconds(wait))
            .message_attribute_names("All")
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount)
            .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp)
            .customize()
            .config_override(client::patient_by(wait));
        let answer = request.send().await.map_err(Fault::from);
        let answer = answer.map_err(|fault| self.noticed(&target, fault.into_error()))?;
        let messages = answer.messages.unwrap_or_default();
        let received: Vec<_> = messages.into_iter().filter_map(message::received).collect();
        if let Some(oldest) = received.iter().map(|message| message.sent_at_ms).min() {
            self.ages.received(queue, now_ms() - oldest, Instant::now());
        }
        Ok(received)
    }

    async fn delete(&self, queue: QueueId, receipts: &[String]) -> Result<(), QueueError> {
        self.faults.at(Point::QueueDelete, queue.name()).await?;
        check_count("receipts", receipts.len())?;
        let target = self.target(queue).await?;
        let _turn = self.turn().await?;
        let deleted = batch::delete(&self.client, target.url(), receipts).await;
        deleted.map_err(|error| self.noticed(&target, error))
    }

    async fn change_visibility(
        &self,
        queue: QueueId,
        receipt: &str,
        visibility: Duration,
    ) -> Result<(), QueueError> {
        check_visibility(visibility)?;
        let target = self.target(queue).await?;
        let _turn = self.turn().await?;
        self.client
            .change_message_visibility()
            .queue_url(target.url())
            .receipt_handle(receipt)
            .visibility_timeout(whole_seconds(visibility))
            .send()
            .await
            .map_err(|error| Fault::from(error).into_error_of_a_receipt())
            .map_err(|error| self.noticed(&target, error))?;
        Ok(())
    }

    async fn depth(&self, queue: QueueId) -> Result<Depth, QueueError> {
        use QueueAttributeName as Name;
        let target = self.target(queue).await?;
        let _turn = self.turn().await?;
        let answer = self
            .client
            .get_queue_attributes()
            .queue_url(target.url())
            .attribute_names(Name::ApproximateNumberOfMessages)
            .attribute_names(Name::ApproximateNumberOfMessagesNotVisible)
            .attribute_names(Name::ApproximateNumberOfMessagesDelayed)
            .send()
            .await
            .map_err(|error| self.noticed(&target, Fault::from(error).into_error()))?;
        let attributes = answer.attributes.unwrap_or_default();
        let figure = |name| {
            attributes
                .get(&name)
                .and_then(|text| text.parse().ok())
                .unwrap_or(0)
        };
        let mut depth = Depth {
            visible: figure(Name::ApproximateNumberOfMessages),
            in_flight: figure(Name::ApproximateNumberOfMessagesNotVisible),
            delayed: figure(Name::ApproximateNumberOfMessagesDelayed),
            oldest_age: Duration::ZERO,
        };
        depth.oldest_age = self.ages.looked(queue, &depth, Instant::now());
        Ok(depth)
    }

    async fn peek(&self, queue: QueueId, max: usize) -> Result<Vec<Peeked>, QueueError> {
        let mut letters: Vec<Received> = Vec::new();
        for round in 0..PEEK_ROUNDS_MAX {
            let how = Receive {
                max: BATCH_MAX.min(max - letters.len()),
                visibility: PEEK_VISIBILITY,
                wait: if round == 0 {
                    PEEK_WAIT
                } else {
                    Duration::ZERO
                },
            };
            if how.max == 0 {
                break;
            }
            let found = match self.receive(queue, how).await {
                Ok(found) => found,
                Err(error) => {
                    self.give_back(queue, &letters).await;
                    return Err(error);
                }
            };
            if found.is_empty() {
                break;
            }
            letters.extend(found);
        }
        self.give_back(queue, &letters).await;
        letters.sort_by_key(|letter| letter.sent_at_ms);
        Ok(letters.into_iter().map(message::peeked).collect())
    }

    async fn purge(&self, queue: QueueId) -> Result<(), QueueError> {
        let target = self.target(queue).await?;
        let purged = {
            let _turn = self.turn().await?;
            self.client
                .purge_queue()
                .queue_url(target.url())
                .send()
                .await
        };
        match purged.map_err(Fault::from) {
            Ok(_) => Ok(()),
            // SQS purges once a minute; what came since the last time goes by hand.
            Err(fault) if fault.is("PurgeQueueInProgress") => self.drain(queue).await,
            Err(fault) => Err(self.noticed(&target, fault.into_error())),
        }
    }
}

/// A queue, and what was known of all of them when it was asked for.
struct QueueTarget {
    urls: Arc<QueueUrls>,
    queue: QueueId,
}

impl QueueTarget {
    fn url(&self) -> &str {
        self.urls.of(self.queue)
    }
}

/// SQS counts in whole seconds; rather a little later than too early.
fn whole_seconds(duration: Duration) -> i32 {
    let seconds = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
    i32::try_from(seconds).unwrap_or(i32::MAX)
}

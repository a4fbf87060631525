//! The queue port: the semantics of SQS as a trait, and the names of the shop's queues.
//!
//! At-least-once and unordered; a received message is invisible for a while and comes back unless
//! it is deleted; after [`MAX_RECEIVES`] receives it moves to the dead-letter queue of its queue.
//! This module knows nothing of orders or events: bodies are text, attributes are strings.

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;

use crate::fault::Injected;

#[cfg(test)]
mod contract;
pub mod embedded;
pub(crate) mod observed;
pub mod settings;
#[cfg(feature = "sqs")]
pub mod sqs;

/// How long a received message stays hidden unless the receiver says otherwise.
pub const VISIBILITY_DEFAULT: Duration = Duration::from_secs(30);
/// The longest a message may be hidden or delayed in one go (SQS: 12 hours).
pub const VISIBILITY_MAX: Duration = Duration::from_secs(12 * 60 * 60);
/// The longest a message may be delayed when it is sent (SQS: 15 minutes).
pub const DELAY_MAX: Duration = Duration::from_secs(15 * 60);
/// The longest one receive call waits for a message (SQS: 20 seconds).
pub const WAIT_MAX: Duration = Duration::from_secs(20);
/// Most messages or receipts in one call.
pub const BATCH_MAX: usize = 10;
/// Largest body with its attributes.
pub const MESSAGE_BYTES_MAX: usize = 256 * 1024;
/// Most attributes of one message.
pub const ATTRIBUTES_MAX: usize = 10;
/// Longest name of an attribute.
const ATTRIBUTE_NAME_CHARS_MAX: usize = 256;
/// The type of every attribute.
const ATTRIBUTE_TYPE: &str = "String";
/// How long a redrive waits for the next letters: a receive on SQS that does not wait may miss some.
const REDRIVE_WAIT: Duration = Duration::from_secs(1);
/// Names a redriven message by the id it had at first, since it is given a new one.
pub const ORIGINAL_ID_ATTRIBUTE: &str = "originalMessageId";
/// Receives after which a message that is still there goes to the dead-letter queue.
pub const MAX_RECEIVES: u32 = 3;

/// The four queues of the shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Topic {
    /// Orders from outside, put there by the producer, to be stored by the queue worker.
    Orders,
    /// Orders to be paid and charges to be refunded.
    Payments,
    /// Paid orders whose stock is to be reserved.
    Inventory,
    /// Reserved orders whose confirmation is to be mailed.
    Notifications,
}

impl Topic {
    /// Every queue, in the order in which an order meets them.
    pub const ALL: [Self; 4] = [
        Self::Orders,
        Self::Payments,
        Self::Inventory,
        Self::Notifications,
    ];

    /// The queue itself.
    pub fn queue(self) -> QueueId {
        QueueId {
            topic: self,
            dead_letter: false,
        }
    }

    /// Where its messages go when they cannot be processed.
    pub fn dead_letters(self) -> QueueId {
        QueueId {
            topic: self,
            dead_letter: true,
        }
    }
}

/// One queue or dead-letter queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct QueueId {
    topic: Topic,
    dead_letter: bool,
}

impl QueueId {
    /// The topic whose messages the queue holds.
    pub fn topic(self) -> Topic {
        self.topic
    }

    /// Whether this is a dead-letter queue.
    pub fn is_dead_letter(self) -> bool {
        self.dead_letter
    }

    /// Its name, as in telemetry and on the command line: `payments`, `payments-dlq`.
    pub fn name(self) -> &'static str {
        match (self.topic, self.dead_letter) {
            (Topic::Orders, false) => "orders",
            (Topic::Orders, true) => "orders-dlq",
            (Topic::Payments, false) => "payments",
            (Topic::Payments, true) => "payments-dlq",
            (Topic::Inventory, false) => "inventory",
            (Topic::Inventory, true) => "inventory-dlq",
            (Topic::Notifications, false) => "notifications",
            (Topic::Notifications, true) => "notifications-dlq",
        }
    }
}

impl std::fmt::Display for QueueId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// What travels beside the body; names and values as SQS allows them.
pub type Attributes = BTreeMap<String, String>;

/// A message to be sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outgoing {
    /// Text, by convention JSON.
    pub body: String,
    /// At most [`ATTRIBUTES_MAX`].
    pub attributes: Attributes,
    /// Hidden for this long first; at most [`DELAY_MAX`].
    pub delay: Duration,
}

/// How to receive.
#[derive(Clone, Copy, Debug)]
pub struct Receive {
    /// 1 to [`BATCH_MAX`].
    pub max: usize,
    /// How long what is received stays hidden.
    pub visibility: Duration,
    /// How long to wait while the queue is empty; zero answers at once.
    pub wait: Duration,
}

/// A message in the hands of one receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// Given by the queue, the same at every receive.
    pub id: String,
    /// Proof of this very receive; needed to delete the message or to change its visibility.
    pub receipt: String,
    /// As sent.
    pub body: String,
    /// As sent.
    pub attributes: Attributes,
    /// How often it was received, this time included.
    pub receive_count: u32,
    /// When it was first sent, in milliseconds since the Unix epoch.
    pub sent_at_ms: i64,
}

/// A look at a message that does not count as a receive where the queue can do so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peeked {
    /// Given by the queue.
    pub id: String,
    /// As sent.
    pub body: String,
    /// As sent.
    pub attributes: Attributes,
    /// How often it was received.
    pub receive_count: u32,
    /// When it was first sent, in milliseconds since the Unix epoch.
    pub sent_at_ms: i64,
}

/// Figures of one queue; approximate, as on SQS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// Messages that could be received now.
    pub visible: u64,
    /// Messages in the hands of a receiver.
    pub in_flight: u64,
    /// Messages that were sent with a delay which is not over.
    pub delayed: u64,
    /// Age of the oldest message that is still there.
    pub oldest_age: Duration,
}

impl Depth {
    /// Every message in the queue, visible or not.
    pub fn total(&self) -> u64 {
        self.visible + self.in_flight + self.delayed
    }
}

/// Why the queue did not do it.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// The call breaks a limit of the queue; repeating it cannot help.
    #[error("the queue refuses the call: {0}")]
    Limit(String),
    /// The receipt is not the one of the latest receive: the message is someone else's by now.
    #[error("the receipt is no longer valid")]
    StaleReceipt,
    /// Somebody has deleted the queue, and with it what was in it; it is made again, so repeating the call may help.
    #[error("the queue is gone: {0}")]
    Gone(String),
    /// The queue cannot be reached or cannot write; repeating the call may help.
    #[error("the queue is unavailable: {0}")]
    Unavailable(String),
}

impl QueueError {
    /// The class of failure in traces.
    fn class(&self) -> &'static str {
        match self {
            QueueError::Limit(_) => "limit",
            QueueError::StaleReceipt => "stale_receipt",
            QueueError::Gone(_) => "gone",
            QueueError::Unavailable(_) => "unavailable",
        }
    }
}

/// A set of queues with the semantics of SQS.
#[async_trait]
pub trait Queue: Send + Sync + 'static {
    /// What carries the messages, as the messaging conventions name it in traces.
    fn system(&self) -> &'static str;

    /// Sends up to [`BATCH_MAX`] messages. After `Ok` all of them are durable; after an error some may be.
    async fn send(&self, queue: QueueId, batch: &[Outgoing]) -> Result<(), QueueError>;

    /// Receives up to `max` visible messages, waiting for the first if there is none.
    async fn receive(&self, queue: QueueId, how: Receive) -> Result<Vec<Received>, QueueError>;

    /// Deletes up to [`BATCH_MAX`] messages. A stale receipt is no error: the message stays with its later
    /// receiver, unless the queue accepts older receipts as well, as SQS may.
    async fn delete(&self, queue: QueueId, receipts: &[String]) -> Result<(), QueueError>;

    /// Hides a received message for `visibility` from now; zero gives it back at once.
    async fn change_visibility(
        &self,
        queue: QueueId,
        receipt: &str,
        visibility: Duration,
    ) -> Result<(), QueueError>;

    /// Depth and age.
    async fn depth(&self, queue: QueueId) -> Result<Depth, QueueError>;

    /// The oldest messages, at most `max`, without taking them. On SQS it counts as a receive.
    async fn peek(&self, queue: QueueId, max: usize) -> Result<Vec<Peeked>, QueueError>;

    /// Deletes every message.
    async fn purge(&self, queue: QueueId) -> Result<(), QueueError>;
}

impl From<Injected> for QueueError {
    fn from(injected: Injected) -> Self {
        QueueError::Unavailable(injected.0)
    }
}

/// Moves up to `max` dead letters of a topic back to its queue, where they count as new, and says how
/// many. Sent before deleted: a crash in between makes a duplicate, never a loss.
pub async fn redrive(queue: &dyn Queue, topic: Topic, max: usize) -> Result<usize, QueueError> {
    let mut moved = 0;
    while moved < max {
        let how = Receive {
            max: BATCH_MAX.min(max - moved),
            visibility: VISIBILITY_DEFAULT,
            wait: REDRIVE_WAIT,
        };
        let letters = queue.receive(topic.dead_letters(), how).await?;
        if letters.is_empty() {
            break;
        }
        moved += resend(queue, topic, letters).await?;
    }
    Ok(moved)
}

/// Puts these letters back on their queue; returns how many.
pub(crate) async fn resend(
    queue: &dyn Queue,
    topic: Topic,
    letters: Vec<Received>,
) -> Result<usize, QueueError> {
    let count = letters.len();
    let (batch, receipts): (Vec<_>, Vec<_>) = letters
        .into_iter()
        .map(|letter| (again(&letter), letter.receipt))
        .unzip();
    queue.send(topic.queue(), &batch).await?;
    queue.delete(topic.dead_letters(), &receipts).await?;
    Ok(count)
}

/// The same message to be sent once more.
pub(crate) fn again(letter: &Received) -> Outgoing {
    let mut attributes = letter.attributes.clone();
    attributes
        .entry(ORIGINAL_ID_ATTRIBUTE.to_owned())
        .or_insert_with(|| letter.id.clone());
    Outgoing {
        body: letter.body.clone(),
        attributes,
        delay: Duration::ZERO,
    }
}

/// The limits every implementation checks before it sends.
fn check_batch(batch: &[Outgoing]) -> Result<(), QueueError> {
    check_count("messages", batch.len())?;
    for message in batch {
        check_message(message)?;
    }
    Ok(())
}

/// What counts towards [`MESSAGE_BYTES_MAX`].
fn message_bytes(message: &Outgoing) -> usize {
    let attributes = message.attributes.iter();
    let attributes =
        attributes.map(|(name, value)| name.len() + ATTRIBUTE_TYPE.len() + value.len());
    message.body.len() + attributes.sum::<usize>()
}

fn check_message(message: &Outgoing) -> Result<(), QueueError> {
    let bytes = message_bytes(message);
    if message.body.is_empty() {
        return Err(QueueError::Limit("a message needs a body".into()));
    }
    check_characters("the body", &message.body)?;
    for (name, value) in &message.attributes {
        check_attribute(name, value)?;
    }
    if bytes > MESSAGE_BYTES_MAX {
        return Err(QueueError::Limit(format!(
            "a message of {bytes} bytes; at most {MESSAGE_BYTES_MAX} are allowed"
        )));
    }
    if message.attributes.len() > ATTRIBUTES_MAX {
        return Err(QueueError::Limit(format!(
            "{} attributes; at most {ATTRIBUTES_MAX} are allowed",
            message.attributes.len()
        )));
    }
    if message.delay > DELAY_MAX {
        return Err(QueueError::Limit(format!(
            "a delay of {} s; at most {} s are allowed",
            message.delay.as_secs(),
            DELAY_MAX.as_secs()
        )));
    }
    Ok(())
}

fn check_attribute(name: &str, value: &str) -> Result<(), QueueError> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.len() > ATTRIBUTE_NAME_CHARS_MAX || !name.chars().all(is_allowed) {
        return Err(QueueError::Limit(format!(
            "an attribute called {name:?}; 1 to {ATTRIBUTE_NAME_CHARS_MAX} letters, digits, `-`, `_` and `.` are allowed"
        )));
    }
    if value.is_empty() {
        return Err(QueueError::Limit(format!("the attribute {name} is empty")));
    }
    check_characters(name, value)
}

/// What XML can carry; SQS refuses the rest.
fn check_characters(what: &str, text: &str) -> Result<(), QueueError> {
    let is_refused = |c: char| {
        let is_control = c < ' ' && !matches!(c, '\t' | '\n' | '\r');
        is_control || matches!(c, '\u{fffe}' | '\u{ffff}')
    };
    match text.chars().find(|c| is_refused(*c)) {
        None => Ok(()),
        Some(c) => Err(QueueError::Limit(format!(
            "{what} has the character {c:?} in it"
        ))),
    }
}

fn check_count(what: &str, count: usize) -> Result<(), QueueError> {
    if (1..=BATCH_MAX).contains(&count) {
        return Ok(());
    }
    Err(QueueError::Limit(format!(
        "{count} {what} in one call; 1 to {BATCH_MAX} are allowed"
    )))
}

fn check_visibility(visibility: Duration) -> Result<(), QueueError> {
    if visibility <= VISIBILITY_MAX {
        return Ok(());
    }
    Err(QueueError::Limit(format!(
        "a visibility timeout of {} s; at most {} s are allowed",
        visibility.as_secs(),
        VISIBILITY_MAX.as_secs()
    )))
}

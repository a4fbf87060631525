//! Batches: SQS may take a part of one and refuse the rest, which is sent again.

use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{
    BatchResultErrorEntry, DeleteMessageBatchRequestEntry, SendMessageBatchRequestEntry,
};

use super::fault::Fault;
use super::{message, whole_seconds};
use crate::queue::{MESSAGE_BYTES_MAX, Outgoing, QueueError, message_bytes};

/// How often what SQS refused for now is sent, the first time included.
const ATTEMPTS_MAX: u32 = 4;
/// Pause before the second attempt; doubled for each further one.
const PAUSE_FIRST: Duration = Duration::from_millis(100);

/// A batch in pieces, none of which is larger than SQS allows for all messages of one call together.
pub(super) fn within_size(batch: &[Outgoing]) -> Vec<&[Outgoing]> {
    let mut pieces = Vec::new();
    let (mut from, mut bytes) = (0, 0);
    for (at, message) in batch.iter().enumerate() {
        let more = message_bytes(message);
        if bytes + more > MESSAGE_BYTES_MAX && at > from {
            pieces.push(&batch[from..at]);
            (from, bytes) = (at, 0);
        }
        bytes += more;
    }
    pieces.push(&batch[from..]);
    pieces
}

/// Sends messages; after `Ok` SQS has all of them.
pub(super) async fn send(client: &Client, url: &str, batch: &[Outgoing]) -> Result<(), QueueError> {
    let mut left = Left::all(batch.len());
    loop {
        let mut request = client.send_message_batch().queue_url(url);
        for at in &left.entries {
            request = request.entries(send_entry(*at, &batch[*at])?);
        }
        let answer = request.send().await.map_err(Fault::from)?;
        if let Some(refused) = answer.failed.iter().find(|failed| failed.sender_fault) {
            return Err(fault(refused).into_error());
        }
        if left.is_done(&answer.failed).await? {
            return Ok(());
        }
    }
}

fn send_entry(at: usize, message: &Outgoing) -> Result<SendMessageBatchRequestEntry, QueueError> {
    SendMessageBatchRequestEntry::builder()
        .id(at.to_string())
        .message_body(&message.body)
        .delay_seconds(whole_seconds(message.delay))
        .set_message_attributes(Some(message::attributes(&message.attributes)?))
        .build()
        .map_err(|error| QueueError::Limit(error.to_string()))
}

/// Deletes messages; receipts that SQS does not accept any more are passed over.
pub(super) async fn delete(
    client: &Client,
    url: &str,
    receipts: &[String],
) -> Result<(), QueueError> {
    let mut left = Left::all(receipts.len());
    loop {
        let mut request = client.delete_message_batch().queue_url(url);
        for at in &left.entries {
            let entry = DeleteMessageBatchRequestEntry::builder()
                .id(at.to_string())
                .receipt_handle(&receipts[*at])
                .build()
                .map_err(|error| QueueError::Limit(error.to_string()))?;
            request = request.entries(entry);
        }
        let mut failed = request.send().await.map_err(Fault::from)?.failed;
        failed.retain(|failed| !failed.sender_fault);
        if left.is_done(&failed).await? {
            return Ok(());
        }
    }
}

/// The entries of a batch that SQS has not taken yet.
struct Left {
    /// Their places in the batch.
    entries: Vec<usize>,
    attempts: u32,
    pause: Duration,
}

impl Left {
    fn all(count: usize) -> Self {
        Left {
            entries: (0..count).collect(),
            attempts: 0,
            pause: PAUSE_FIRST,
        }
    }

    /// Whether nothing failed; otherwise keeps what did and waits before the next attempt, if there may be one.
    async fn is_done(&mut self, failed: &[BatchResultErrorEntry]) -> Result<bool, QueueError> {
        let Some(first) = failed.first() else {
            return Ok(true);
        };
        self.attempts += 1;
        if self.attempts == ATTEMPTS_MAX {
            return Err(fault(first).into_error());
        }
        let numbers = failed.iter().map(|failed| failed.id.parse().ok());
        self.entries = numbers
            .flatten()
            .filter(|number| self.entries.contains(number))
            .collect();
        tokio::time::sleep(self.pause).await;
        self.pause *= 2;
        Ok(false)
    }
}

fn fault(failed: &BatchResultErrorEntry) -> Fault {
    let reason = failed.message.as_deref().unwrap_or("no reason");
    let what = format!("SQS refuses a part of a batch, {}: {reason}", failed.code);
    Fault::new(Some(&failed.code), what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_messages_travel_apart_and_in_order() {
        let message = |bytes: usize| Outgoing {
            body: "x".repeat(bytes),
            ..Outgoing::default()
        };
        let batch = [100_000, 100_000, 100_000, MESSAGE_BYTES_MAX, 1, 2].map(message);
        let pieces: Vec<Vec<usize>> = within_size(&batch)
            .into_iter()
            .map(|piece| piece.iter().map(|message| message.body.len()).collect())
            .collect();
        let expected: [&[usize]; 4] = [
            &[100_000, 100_000],
            &[100_000],
            &[MESSAGE_BYTES_MAX],
            &[1, 2],
        ];
        assert_eq!(pieces, expected);
    }
}

//! The outbox relay: takes events that lie in the store and puts them on their queues.
//!
//! An event leaves the outbox only after the queue has it, so a crash in between sends it twice and
//! never not at all.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use telemetry::catalogue::{attribute, span_name};
use telemetry::span::{self, OpenSpan};

use super::message::{self, topic_of};
use super::role_context::RoleContext;
use crate::event::EventKind;
use crate::queue::{BATCH_MAX, Outgoing, QueueError, Topic};
use crate::store::{OutboxRow, StoreResult};
use crate::warning::RepeatedWarning;

/// Events taken from the outbox at a time.
const ROWS_MAX: u32 = 200;
/// Batches sent to each queue while no event leaves: a queue that does not answer in time may have taken what it was sent, and
/// would get all of it again and again.
const BATCHES_IN_TROUBLE: usize = 1;
/// How long the relay sleeps without being woken; other processes' events are found by then.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// Pause after the store or the queue failed.
const TROUBLE_PAUSE: Duration = Duration::from_millis(250);

/// Relays until the role has to stop.
pub(super) async fn run(role: Arc<RoleContext>) {
    let trouble = RepeatedWarning::new();
    let mut batches_max = usize::MAX;
    while !role.is_stopping() {
        let relayed = relay_some(&role, batches_max).await;
        let (count, failure) = match relayed {
            Ok(Relayed { count, failure }) => (count, failure.map(anyhow::Error::from)),
            Err(error) => (0, Some(error.into())),
        };
        batches_max = match (count, &failure) {
            (0, None) => batches_max,
            (0, Some(_)) => BATCHES_IN_TROUBLE,
            _ => usize::MAX,
        };
        if let Some(error) = failure {
            trouble.failed(|suppressed| {
                tracing::warn!(%error, suppressed, "events stay in the outbox for now");
            });
            role.rest(TROUBLE_PAUSE).await;
            continue;
        }
        trouble.recovered(|failures| tracing::info!(failures, "events leave the outbox again"));
        if count == 0 {
            tokio::select! {
                () = role.stopping() => {}
                () = role.context.stores.pipeline.wait_for_events(LOOK_AGAIN) => {}
            }
        }
    }
}

/// What became of some events.
struct Relayed {
    /// How many left the outbox.
    count: usize,
    /// Why others did not.
    failure: Option<QueueError>,
}

/// Publishes the oldest events, in so many batches for each queue at most.
async fn relay_some(role: &RoleContext, batches_max: usize) -> StoreResult<Relayed> {
    let store = &role.context.stores.pipeline;
    let rows = store.unpublished(ROWS_MAX).await?;
    let mut published: Vec<i64> = Vec::with_capacity(rows.len());
    let mut batches = Vec::new();
    for topic in Topic::ALL {
        let of_topic: Vec<&OutboxRow> = rows
            .iter()
            .filter(|row| topic_of(row.event.kind) == Some(topic))
            .collect();
        for chunk in of_topic.chunks(BATCH_MAX).take(batches_max) {
            batches.push(publish(role, topic, chunk.to_vec()));
        }
    }
    published.extend(
        rows.iter()
            .filter(|row| topic_of(row.event.kind).is_none())
            .map(|row| row.seq),
    );
    let mut failure = None;
    for result in join_all(batches).await {
        match result {
            Ok(seqs) => published.extend(seqs),
            Err(error) => failure = Some(error),
        }
    }
    let count = published.len();
    if count > 0 {
        store.mark_published(published).await?;
    }
    Ok(Relayed { count, failure })
}

async fn publish(
    role: &RoleContext,
    topic: Topic,
    rows: Vec<&OutboxRow>,
) -> Result<Vec<i64>, QueueError> {
    // The spans end when the queue has the batch.
    let spans: Vec<OpenSpan> = rows.iter().map(|row| open_span(role, topic, row)).collect();
    let batch: Vec<Outgoing> = rows
        .iter()
        .zip(&spans)
        .map(|(row, span)| message::outgoing(&row.event, span.context()))
        .collect::<Result<_, _>>()
        .map_err(|error| QueueError::Limit(error.to_string()))?;
    let send = role.queue().send(topic.queue(), &batch);
    // One call for several traces: it is seen in the first that is kept, with links to all.
    let sent = match spans.iter().find(|span| span.is_recorded()) {
        Some(span) => span.run(send).await,
        None => send.await,
    };
    if let Err(error) = sent {
        spans
            .iter()
            .for_each(|span| span.fail("queue", &error.to_string()));
        return Err(error);
    }
    Ok(rows.iter().map(|row| row.seq).collect())
}

/// A span below whatever caused the event.
fn open_span(role: &RoleContext, topic: Topic, row: &OutboxRow) -> OpenSpan {
    let event = &row.event;
    let mut cause = role
        .tracer
        .background()
        .with_correlation_id(&event.correlation_id);
    if let Some(trace) = message::stored_trace(&event.trace) {
        cause = cause.with_trace(trace);
    }
    let name = match event.kind {
        EventKind::OrderCreated => span_name::ORDER_PUBLISH_EVENTS,
        _ => span_name::SQS_PUBLISH_DOWNSTREAM,
    };
    let _entered = cause.enter();
    let span = span::producer(name, role.queue().system(), topic.queue().name());
    span.set(attribute::ORDER_ID, event.order_id.to_string().as_str())
        .set(attribute::EVENT_ID, event.event_id.to_string().as_str());
    span
}

//! A queue whose calls are seen in the traces: one place for every adapter, so that none has to think of it.
//!
//! A call belongs to the work that makes it. A receive belongs to nobody's work: it is seen in the trace of the first
//! message that it brings, below that message's producer, and linked to the producers of all.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use telemetry::context::Context;
use telemetry::span::{self, OpenSpan, QueueCall};
use telemetry::trace::TraceContext;

use super::{Attributes, Depth, Outgoing, Peeked, Queue, QueueError, QueueId, Receive, Received};
use crate::clock::now_ms;

/// A queue, observed.
pub(crate) struct ObservedQueue(Arc<dyn Queue>);

impl ObservedQueue {
    /// Shows the calls of `queue` in the traces of those who make them.
    pub(crate) fn new(queue: Arc<dyn Queue>) -> Self {
        ObservedQueue(queue)
    }

    fn call(&self, operation: &str, queue: QueueId, count: usize) -> OpenSpan {
        span::queue_call(&QueueCall {
            system: self.0.system(),
            queue: queue.name(),
            operation,
            count,
        })
    }

    async fn settle<T>(
        &self,
        queue: QueueId,
        count: usize,
        call: impl Future<Output = Result<T, QueueError>>,
    ) -> Result<T, QueueError> {
        let span = self.call("settle", queue, count);
        ended(&span, span.run(call).await)
    }

    /// The receive that brought these messages and began so long ago.
    fn received(&self, queue: QueueId, messages: &[Received], took: Duration) {
        let Some(current) = Context::current() else {
            return;
        };
        let causes = || {
            messages
                .iter()
                .filter_map(|message| cause(&message.attributes))
        };
        let Some(first) = causes().find(|cause| cause.sampled) else {
            return;
        };
        let _entered = current.with_trace(first).enter();
        let span = self.call("receive", queue, messages.len());
        // What was waited before there was anything to receive tells nothing.
        span.begun_before(took.min(longest_wait(messages)));
        causes().for_each(|cause| {
            span.link(&cause);
        });
    }
}

#[async_trait]
impl Queue for ObservedQueue {
    fn system(&self) -> &'static str {
        self.0.system()
    }

    async fn send(&self, queue: QueueId, batch: &[Outgoing]) -> Result<(), QueueError> {
        let span = self.call("send", queue, batch.len());
        if span.is_recorded() {
            let causes = batch.iter().filter_map(|sent| cause(&sent.attributes));
            causes.for_each(|cause| {
                span.link(&cause);
            });
        }
        ended(&span, span.run(self.0.send(queue, batch)).await)
    }

    async fn receive(&self, queue: QueueId, how: Receive) -> Result<Vec<Received>, QueueError> {
        let asked = Instant::now();
        let received = self.0.receive(queue, how).await?;
        if !received.is_empty() {
            self.received(queue, &received, asked.elapsed());
        }
        Ok(received)
    }

    async fn delete(&self, queue: QueueId, receipts: &[String]) -> Result<(), QueueError> {
        let deleted = self.0.delete(queue, receipts);
        self.settle(queue, receipts.len(), deleted).await
    }

    async fn change_visibility(
        &self,
        queue: QueueId,
        receipt: &str,
        visibility: Duration,
    ) -> Result<(), QueueError> {
        let changed = self.0.change_visibility(queue, receipt, visibility);
        self.settle(queue, 1, changed).await
    }

    async fn depth(&self, queue: QueueId) -> Result<Depth, QueueError> {
        self.0.depth(queue).await
    }

    async fn peek(&self, queue: QueueId, max: usize) -> Result<Vec<Peeked>, QueueError> {
        self.0.peek(queue, max).await
    }

    async fn purge(&self, queue: QueueId) -> Result<(), QueueError> {
        self.0.purge(queue).await
    }
}

fn ended<T>(span: &OpenSpan, outcome: Result<T, QueueError>) -> Result<T, QueueError> {
    if let Err(error) = &outcome {
        span.fail_with(error.class(), error);
    }
    outcome
}

/// The span that published a message.
fn cause(attributes: &Attributes) -> Option<TraceContext> {
    TraceContext::extract(attributes)
}

/// How long the message that waited longest has waited.
fn longest_wait(messages: &[Received]) -> Duration {
    let sent = messages.iter().map(|message| message.sent_at_ms).min();
    let waited_ms = sent.map_or(0, |sent| now_ms().saturating_sub(sent));
    Duration::from_millis(u64::try_from(waited_ms).unwrap_or(0))
}

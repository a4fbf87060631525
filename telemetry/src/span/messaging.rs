//! Spans of messages and of calls to the queue that carries them.

use super::{OpenSpan, TARGET, Tracer};
use crate::catalogue::attribute;
use crate::context::CORRELATION_ID_ATTRIBUTE;
use crate::trace::{Carrier, TraceContext};

/// The message for which a consumer span is opened.
#[derive(Debug, Clone, Copy)]
pub struct Delivery<'a, C> {
    /// Messaging system, such as `aws_sqs`.
    pub system: &'a str,
    /// The queue it came from.
    pub queue: &'a str,
    /// Its id.
    pub message_id: &'a str,
    /// Its attributes, from which the producer's context is read.
    pub attributes: &'a C,
}

/// The call to a queue for which a span is opened.
#[derive(Debug, Clone, Copy)]
pub struct QueueCall<'a> {
    /// Messaging system, such as `aws_sqs`.
    pub system: &'a str,
    /// The queue that is called.
    pub queue: &'a str,
    /// `send`, `receive` or `settle`.
    pub operation: &'a str,
    /// How many messages it is about.
    pub count: usize,
}

impl Tracer {
    /// Opens the span of work on a message; it is a child of the span that published it, so that one trace shows the
    /// whole order, and linked to it as the conventions want.
    pub fn consumer<C: Carrier>(&self, name: &'static str, delivery: &Delivery<'_, C>) -> OpenSpan {
        let attributes = delivery.attributes;
        let correlation_id = attributes.values_of(CORRELATION_ID_ATTRIBUTE).next();
        let (context, parent) = self.enter_trace(attributes, correlation_id);
        let open = OpenSpan::begin(context, parent, |context| {
            tracing::info_span!(
                target: TARGET,
                parent: None,
                "consumer",
                { attribute::OTEL_KIND } = "consumer",
                { attribute::OTEL_NAME } = name,
                { attribute::MESSAGING_SYSTEM } = delivery.system,
                { attribute::MESSAGING_DESTINATION_NAME } = delivery.queue,
                { attribute::MESSAGING_OPERATION_TYPE } = "process",
                { attribute::MESSAGING_OPERATION_NAME } = "process",
                { attribute::MESSAGING_MESSAGE_ID } = delivery.message_id,
                { attribute::MESSAGING_MESSAGE_CONVERSATION_ID } = context.correlation_id(),
                { attribute::ORDER_ID } = tracing::field::Empty,
                { attribute::EVENT_ID } = tracing::field::Empty,
                { attribute::ERROR_TYPE } = tracing::field::Empty,
                { attribute::OTEL_STATUS_CODE } = tracing::field::Empty,
                { attribute::OTEL_STATUS_DESCRIPTION } = tracing::field::Empty,
            )
        });
        if open.is_recorded()
            && let Some(producer) = TraceContext::extract(attributes)
        {
            open.link(&producer);
        }
        open
    }
}

/// Opens a span around publishing to a queue; write [`OpenSpan::context`] into the message's attributes.
pub fn producer(name: &'static str, system: &str, queue: &str) -> OpenSpan {
    OpenSpan::below_current(|context| {
        tracing::info_span!(
            target: TARGET,
            "producer",
            { attribute::OTEL_KIND } = "producer",
            { attribute::OTEL_NAME } = name,
            { attribute::MESSAGING_SYSTEM } = system,
            { attribute::MESSAGING_DESTINATION_NAME } = queue,
            { attribute::MESSAGING_OPERATION_TYPE } = "send",
            { attribute::MESSAGING_OPERATION_NAME } = "send",
            { attribute::MESSAGING_MESSAGE_CONVERSATION_ID } =
                context.correlation_id(),
            { attribute::MESSAGING_MESSAGE_ID } = tracing::field::Empty,
            { attribute::MESSAGING_BATCH_MESSAGE_COUNT } = tracing::field::Empty,
            { attribute::ORDER_ID } = tracing::field::Empty,
            { attribute::EVENT_ID } = tracing::field::Empty,
            { attribute::ERROR_TYPE } = tracing::field::Empty,
            { attribute::OTEL_STATUS_CODE } = tracing::field::Empty,
            { attribute::OTEL_STATUS_DESCRIPTION } = tracing::field::Empty,
        )
    })
}

/// Opens a span around a call that carries messages to or from a queue, inside the current work if that is recorded.
pub fn queue_call(call: &QueueCall<'_>) -> OpenSpan {
    OpenSpan::below_recorded(|context| {
        tracing::info_span!(
            target: TARGET,
            "queue",
            { attribute::OTEL_KIND } = "client",
            { attribute::OTEL_NAME } = format!("{} {}", call.operation, call.queue),
            { attribute::MESSAGING_SYSTEM } = call.system,
            { attribute::MESSAGING_DESTINATION_NAME } = call.queue,
            { attribute::MESSAGING_OPERATION_TYPE } = call.operation,
            { attribute::MESSAGING_OPERATION_NAME } = call.operation,
            { attribute::MESSAGING_BATCH_MESSAGE_COUNT } = call.count as u64,
            { attribute::CORRELATION_ID } = context.correlation_id(),
            { attribute::ERROR_TYPE } = tracing::field::Empty,
            { attribute::OTEL_STATUS_CODE } = tracing::field::Empty,
            { attribute::OTEL_STATUS_DESCRIPTION } = tracing::field::Empty,
        )
    })
}

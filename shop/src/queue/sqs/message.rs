//! Messages as SQS has them.

use std::collections::HashMap;

use aws_sdk_sqs::types::{Message, MessageAttributeValue, MessageSystemAttributeName as System};

use crate::queue::{ATTRIBUTE_TYPE, Attributes, Peeked, QueueError, Received};

/// A message that was received; nothing when SQS left out what every message has.
pub(super) fn received(message: Message) -> Option<Received> {
    let system = message.attributes.unwrap_or_default();
    let figure = |name| {
        system
            .get(&name)
            .and_then(|text: &String| text.parse::<i64>().ok())
    };
    Some(Received {
        id: message.message_id?,
        receipt: message.receipt_handle?,
        body: message.body.unwrap_or_default(),
        attributes: texts(message.message_attributes.unwrap_or_default()),
        receive_count: figure(System::ApproximateReceiveCount)
            .and_then(|count| u32::try_from(count).ok())
            .unwrap_or(1),
        sent_at_ms: figure(System::SentTimestamp).unwrap_or(0),
    })
}

/// Text and numbers; bytes are not what the shop sends.
fn texts(attributes: HashMap<String, MessageAttributeValue>) -> Attributes {
    attributes
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.string_value?)))
        .collect()
}

/// The attributes of a message to be sent.
pub(super) fn attributes(
    attributes: &Attributes,
) -> Result<HashMap<String, MessageAttributeValue>, QueueError> {
    attributes
        .iter()
        .map(|(name, value)| {
            let value = MessageAttributeValue::builder()
                .data_type(ATTRIBUTE_TYPE)
                .string_value(value)
                .build()
                .map_err(|error| QueueError::Limit(error.to_string()))?;
            Ok((name.clone(), value))
        })
        .collect()
}

/// What can be told of a message that was looked at.
pub(super) fn peeked(received: Received) -> Peeked {
    Peeked {
        id: received.id,
        body: received.body,
        attributes: received.attributes,
        receive_count: received.receive_count,
        sent_at_ms: received.sent_at_ms,
    }
}

//! Bytes to OTLP's messages. PURE.
//!
//! Few bytes can name many messages: an empty span takes two bytes on the wire and hundreds in memory. So a message is looked
//! through before it is made, and one with more parts than [`PARTS_MAX`] is refused.

use http::StatusCode;
use prost::Message;
use prost::encoding::{WireType, decode_key, decode_varint};
use serde::de::DeserializeOwned;

use super::answer::{Encoding, Refusal};

/// Parts that a message may have: texts, attributes, points, and spans or metrics, of which each counts for [`RECORD_PARTS`].
pub(super) const PARTS_MAX: usize = 500_000;
/// Parts that a span, metric or log line counts for.
const RECORD_PARTS: usize = 8;
/// How deep spans, metrics and log lines are in a request: in a scope, in a resource, in the request.
const RECORD_DEPTH: u32 = 2;
/// How deep messages are looked through.
const DEPTH_MAX: u32 = 8;

/// Whether a message may be made of these bytes.
pub(super) fn check(encoding: Encoding, bytes: &[u8]) -> Result<(), Refusal> {
    let parts = match encoding {
        Encoding::Protobuf => parts(bytes, 0).unwrap_or_default(),
        // Objects and lists, whatever they are.
        Encoding::Json => {
            RECORD_PARTS
                * bytes
                    .iter()
                    .filter(|byte| matches!(byte, b'{' | b'['))
                    .count()
        }
    };
    match parts > PARTS_MAX {
        true => Err(Refusal::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the message has too many parts; send smaller batches",
        )),
        false => Ok(()),
    }
}

/// The message of these bytes.
pub(super) fn decode<M>(encoding: Encoding, bytes: &[u8]) -> Result<M, Refusal>
where
    M: Message + Default + DeserializeOwned,
{
    match encoding {
        Encoding::Protobuf => {
            M::decode(bytes).map_err(|error| Refusal::malformed(error.to_string()))
        }
        Encoding::Json => {
            serde_json::from_slice(bytes).map_err(|error| Refusal::malformed(error.to_string()))
        }
    }
}

/// Parts of a message, if these bytes can be one. What is a text may look like a message, too, and counts for more then.
fn parts(mut bytes: &[u8], depth: u32) -> Option<usize> {
    let mut count = 0;
    while !bytes.is_empty() {
        let (_, wire) = decode_key(&mut bytes).ok()?;
        let skipped = match wire {
            WireType::Varint => {
                decode_varint(&mut bytes).ok()?;
                0
            }
            WireType::ThirtyTwoBit => 4,
            WireType::SixtyFourBit => 8,
            WireType::LengthDelimited => {
                let length = usize::try_from(decode_varint(&mut bytes).ok()?).ok()?;
                let inner = bytes.get(..length)?;
                count += if depth == RECORD_DEPTH {
                    RECORD_PARTS
                } else {
                    1
                };
                if depth < DEPTH_MAX {
                    count += parts(inner, depth + 1).unwrap_or_default();
                }
                length
            }
            WireType::StartGroup | WireType::EndGroup => return None,
        };
        bytes = bytes.get(skipped..)?;
        if count > PARTS_MAX {
            break;
        }
    }
    Some(count)
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
    use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
    use proptest::prelude::*;
    use prost::Message as _;

    use super::*;

    fn request(spans: usize) -> Vec<u8> {
        let scope_spans = vec![ScopeSpans {
            spans: vec![Span::default(); spans],
            ..ScopeSpans::default()
        }];
        let resource_spans = vec![ResourceSpans {
            scope_spans,
            ..ResourceSpans::default()
        }];
        ExportTraceServiceRequest { resource_spans }.encode_to_vec()
    }

    #[test]
    fn few_bytes_with_many_messages_are_refused() {
        assert_eq!(check(Encoding::Protobuf, &request(1_000)), Ok(()));
        let bytes = request(PARTS_MAX / RECORD_PARTS + 1);
        assert!(bytes.len() < 200_000);
        let refusal = check(Encoding::Protobuf, &bytes).expect_err("a refusal");
        assert_eq!(refusal.status, StatusCode::PAYLOAD_TOO_LARGE);
        let json = "[".repeat(PARTS_MAX);
        assert!(check(Encoding::Json, json.as_bytes()).is_err());
    }

    proptest! {
        /// Whatever bytes come: no panic, and an answer.
        #[test]
        fn no_bytes_do_harm(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = check(Encoding::Protobuf, &bytes);
            let _ = decode::<ExportTraceServiceRequest>(Encoding::Protobuf, &bytes);
            let _ = decode::<ExportTraceServiceRequest>(Encoding::Json, &bytes);
        }
    }
}

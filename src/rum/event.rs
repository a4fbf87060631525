//! The shapes of events, as the public rum-events-format describes them. Durations are nanoseconds, dates milliseconds since 1970.
//!
//! What is the same in all events of a session is not here: [`super::visitor::tail`] makes it once.

use std::fmt::Display;

use serde::{Serialize, Serializer};
use uuid::Uuid;

/// The version of the browser SDK that the events look like.
pub(super) const SDK_VERSION: &str = "6.20.0";

/// Version of the events' format.
const FORMAT_VERSION: u8 = 2;

/// Writes a value as the text that it is shown as.
pub(super) fn as_text<T: Display, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(value)
}

fn as_text_if_any<T: Display, S: Serializer>(value: &Option<T>, to: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => to.collect_str(value),
        None => to.serialize_none(),
    }
}

/// Appends an event in JSON, with a session's tail.
pub(super) fn write(event: &impl Serialize, tail: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    // What is written here has text keys and finite numbers, and memory does not refuse it.
    match serde_json::to_writer(&mut *out, event) {
        Ok(()) => {
            out.pop();
            out.extend_from_slice(tail);
        }
        Err(_) => out.truncate(start),
    }
}

/// What every event begins with.
#[derive(Clone, Copy, Serialize)]
pub(super) struct SessionPart {
    #[serde(serialize_with = "as_text")]
    pub(super) id: Uuid,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    /// In views alone: whether it still goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) is_active: Option<bool>,
}

/// The view that something happened in.
#[derive(Clone, Copy, Serialize)]
pub(super) struct InView<'a> {
    #[serde(serialize_with = "as_text")]
    pub(super) id: Uuid,
    pub(super) url: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) referrer: &'a str,
    pub(super) name: &'a str,
}

/// The click that something came of.
#[derive(Serialize)]
pub(super) struct OfAction {
    #[serde(serialize_with = "as_text")]
    pub(super) id: Uuid,
}

#[derive(Clone, Copy, Serialize)]
pub(super) struct Count {
    pub(super) count: u32,
}

/// How much is kept, per cent.
#[derive(Clone, Copy, Serialize)]
pub(super) struct Configuration {
    pub(super) session_sample_rate: f64,
    pub(super) session_replay_sample_rate: f64,
    pub(super) trace_sample_rate: f64,
}

/// Internal properties.
#[derive(Serialize)]
pub(super) struct Internal {
    format_version: u8,
    browser_sdk_version: &'static str,
    sdk_name: &'static str,
    configuration: Configuration,
    #[serde(skip_serializing_if = "Option::is_none")]
    document_version: Option<u32>,
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "as_text_if_any"
    )]
    trace_id: Option<u64>,
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "as_text_if_any"
    )]
    span_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    discarded: Option<bool>,
}

impl Internal {
    pub(super) fn new(configuration: Configuration) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            browser_sdk_version: SDK_VERSION,
            sdk_name: "rum",
            configuration,
            document_version: None,
            trace_id: None,
            span_id: None,
            discarded: None,
        }
    }

    pub(super) fn version(self, version: u32) -> Self {
        Self {
            document_version: Some(version),
            ..self
        }
    }

    /// The ids on the wire, as trace id and span id.
    pub(super) fn traced(self, ids: Option<(u64, u64)>) -> Self {
        Self {
            trace_id: ids.map(|(trace_id, _)| trace_id),
            span_id: ids.map(|(_, span_id)| span_id),
            ..self
        }
    }

    pub(super) fn kept(self) -> Self {
        Self {
            discarded: Some(false),
            ..self
        }
    }
}

#[derive(Serialize)]
pub(super) struct ViewEvent<'a> {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) date: u64,
    pub(super) session: SessionPart,
    pub(super) view: ViewPart<'a>,
    pub(super) privacy: Privacy,
    #[serde(rename = "_dd")]
    pub(super) dd: Internal,
}

#[derive(Serialize)]
pub(super) struct Privacy {
    pub(super) replay_level: &'static str,
}

#[derive(Serialize)]
pub(super) struct ViewPart<'a> {
    #[serde(serialize_with = "as_text")]
    pub(super) id: Uuid,
    pub(super) url: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) referrer: &'a str,
    pub(super) name: &'a str,
    pub(super) loading_type: &'static str,
    pub(super) is_active: bool,
    pub(super) time_spent: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) loading_time: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) first_byte: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) dom_interactive: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) dom_content_loaded: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) dom_complete: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) load_event: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) first_contentful_paint: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) largest_contentful_paint: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cumulative_layout_shift: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) interaction_to_next_paint: Option<u64>,
    pub(super) action: Count,
    pub(super) error: Count,
    pub(super) resource: Count,
    pub(super) long_task: Count,
    pub(super) frustration: Count,
}

#[derive(Serialize)]
pub(super) struct ActionEvent<'a> {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) date: u64,
    pub(super) session: SessionPart,
    pub(super) view: InView<'a>,
    pub(super) action: ActionPart<'a>,
    #[serde(rename = "_dd")]
    pub(super) dd: Internal,
}

#[derive(Serialize)]
pub(super) struct ActionPart<'a> {
    #[serde(serialize_with = "as_text")]
    pub(super) id: Uuid,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) target: Target<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) loading_time: Option<u64>,
    pub(super) error: Count,
    pub(super) long_task: Count,
    pub(super) resource: Count,
    pub(super) frustration: Frustrations<'a>,
}

#[derive(Serialize)]
pub(super) struct Target<'a> {
    pub(super) name: &'a str,
}

#[derive(Serialize)]
pub(super) struct Frustrations<'a> {
    #[serde(rename = "type")]
    pub(super) kinds: &'a [&'static str],
}

#[derive(Serialize)]
pub(super) struct ResourceEvent<'a> {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) date: u64,
    pub(super) session: SessionPart,
    pub(super) view: InView<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) action: Option<OfAction>,
    pub(super) resource: ResourcePart<'a>,
    #[serde(rename = "_dd")]
    pub(super) dd: Internal,
}

#[derive(Serialize)]
pub(super) struct ResourcePart<'a> {
    #[serde(serialize_with = "as_text")]
    pub(super) id: Uuid,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) method: Option<&'a str>,
    pub(super) url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status_code: Option<u16>,
    pub(super) duration: u64,
    pub(super) size: u64,
    pub(super) transfer_size: u64,
    pub(super) decoded_body_size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) connect: Option<Span>,
    pub(super) first_byte: Span,
    pub(super) download: Span,
}

/// A part of a resource's time, counted from the resource's begin.
#[derive(Clone, Copy, Serialize)]
pub(super) struct Span {
    pub(super) start: u64,
    pub(super) duration: u64,
}

#[derive(Serialize)]
pub(super) struct ErrorEvent<'a> {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) date: u64,
    pub(super) session: SessionPart,
    pub(super) view: InView<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) action: Option<OfAction>,
    pub(super) error: ErrorPart<'a>,
    #[serde(rename = "_dd")]
    pub(super) dd: Internal,
}

#[derive(Serialize)]
pub(super) struct ErrorPart<'a> {
    #[serde(serialize_with = "as_text")]
    pub(super) id: Uuid,
    pub(super) message: &'a str,
    pub(super) source: &'static str,
    #[serde(rename = "type")]
    pub(super) kind: &'a str,
    pub(super) handling: &'static str,
    pub(super) source_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) resource: Option<FailedResource<'a>>,
}

#[derive(Serialize)]
pub(super) struct FailedResource<'a> {
    pub(super) method: &'a str,
    pub(super) status_code: u16,
    pub(super) url: &'a str,
}

#[derive(Serialize)]
pub(super) struct LongTaskEvent<'a> {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) date: u64,
    pub(super) session: SessionPart,
    pub(super) view: InView<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) action: Option<OfAction>,
    pub(super) long_task: LongTaskPart,
    #[serde(rename = "_dd")]
    pub(super) dd: Internal,
}

#[derive(Serialize)]
pub(super) struct LongTaskPart {
    #[serde(serialize_with = "as_text")]
    pub(super) id: Uuid,
    pub(super) duration: u64,
    pub(super) entry_type: &'static str,
}

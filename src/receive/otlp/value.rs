//! Attributes and resources of OTLP in the recording's words, within its bounds. PURE.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use serde_json::{Map, Value};

use crate::recording::signal::{
    ATTRIBUTES_MAX, NAME_BYTES_MAX, SpanId, TraceId, VALUE_BYTES_MAX, cut,
};

/// How deep lists and maps in an attribute are kept.
const DEPTH_MAX: u32 = 4;
/// Entries of a list or map in an attribute that are kept.
const ENTRIES_MAX: usize = 32;

/// Attributes of a resource that are kept with each of its spans and log lines.
const KEPT: [&str; 5] = [
    "deployment.environment.name",
    "deployment.environment",
    "service.version",
    "service.instance.id",
    "host.name",
];

/// Who sends.
#[derive(Debug, Default)]
pub(super) struct Source {
    /// The service's name.
    pub(super) service: String,
    /// What is kept of the resource with each span and line.
    pub(super) attributes: Map<String, Value>,
}

impl Source {
    pub(super) fn of(resource: Option<&Resource>) -> Self {
        let all = resource.map_or(&[][..], |resource| &resource.attributes);
        let text = |key: &str| all.iter().find(|pair| pair.key == key).map(text_of);
        let kept = KEPT
            .iter()
            .filter_map(|key| Some(((*key).to_owned(), text(key)?.into())));
        let service = text("service.name").filter(|name| !name.is_empty());
        Self {
            service: service.unwrap_or_else(|| "unknown_service".to_owned()),
            attributes: kept.collect(),
        }
    }

    /// Tags that every metric of this source has.
    pub(super) fn tags(&self) -> Vec<String> {
        let first = |keys: &[&str]| {
            keys.iter()
                .find_map(|key| self.attributes.get(*key)?.as_str())
        };
        let mut tags = vec![format!("service:{}", self.service)];
        let env = first(&["deployment.environment.name", "deployment.environment"]);
        tags.extend(env.map(|env| format!("env:{env}")));
        tags.extend(first(&["service.version"]).map(|version| format!("version:{version}")));
        tags
    }

    /// The attributes of one of its spans or lines, with what is kept of the source.
    pub(super) fn with(&self, attributes: &[KeyValue]) -> Map<String, Value> {
        let mut all = self.attributes.clone();
        for pair in attributes.iter().take(ATTRIBUTES_MAX) {
            let key = cut(&pair.key, NAME_BYTES_MAX).to_owned();
            all.insert(key, value(pair.value.as_ref(), 0));
        }
        all
    }
}

/// An attribute's value as JSON.
pub(super) fn value(any: Option<&AnyValue>, depth: u32) -> Value {
    let Some(any) = any.and_then(|any| any.value.as_ref()) else {
        return Value::Null;
    };
    match any {
        Any::StringValue(text) => cut(text, VALUE_BYTES_MAX).into(),
        Any::BoolValue(value) => (*value).into(),
        Any::IntValue(value) => (*value).into(),
        Any::DoubleValue(value) => (*value).into(),
        Any::BytesValue(bytes) => {
            let bytes = &bytes[..bytes.len().min(VALUE_BYTES_MAX)];
            STANDARD.encode(bytes).into()
        }
        Any::ArrayValue(_) | Any::KvlistValue(_) if depth >= DEPTH_MAX => "…".into(),
        Any::ArrayValue(list) => {
            let entries = list.values.iter().take(ENTRIES_MAX);
            entries.map(|entry| value(Some(entry), depth + 1)).collect()
        }
        Any::KvlistValue(map) => {
            let entries = map.values.iter().take(ENTRIES_MAX);
            let entry = |pair: &KeyValue| {
                let key = cut(&pair.key, NAME_BYTES_MAX).to_owned();
                (key, value(pair.value.as_ref(), depth + 1))
            };
            Value::Object(entries.map(entry).collect())
        }
    }
}

/// An attribute's value as text: itself if it is one, JSON if not.
pub(super) fn text_of(pair: &KeyValue) -> String {
    text(pair.value.as_ref())
}

/// The same for a value alone.
pub(super) fn text(any: Option<&AnyValue>) -> String {
    match value(any, 0) {
        Value::String(text) => text,
        Value::Null => String::new(),
        other => cut(&other.to_string(), VALUE_BYTES_MAX).to_owned(),
    }
}

/// A trace's id; `None` if it is none.
pub(super) fn trace_id(bytes: &[u8]) -> Option<TraceId> {
    let id: TraceId = bytes.try_into().ok()?;
    (id != TraceId::default()).then_some(id)
}

/// A span's id; `None` if it is none.
pub(super) fn span_id(bytes: &[u8]) -> Option<SpanId> {
    let id: SpanId = bytes.try_into().ok()?;
    (id != SpanId::default()).then_some(id)
}

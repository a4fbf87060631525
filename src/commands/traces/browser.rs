//! The caller of a trace: what a shopper's browser says of the request that began it, if the run kept its RUM events.

use std::path::Path;

use serde_json::Value;

use crate::recording::reader::{SpanRow, TraceRow};
use crate::recording::shop_log::lines;

/// The browser's events in a run folder.
const FILE: &str = "rum.jsonl";

/// The resource event of the browser whose span the first span names as its parent: what was asked for, and how long it took there.
pub(super) fn caller(folder: &Path, trace: &TraceRow, spans: &[SpanRow]) -> Option<String> {
    let (_, low) = trace.id.split_at(8);
    let id = u64::from_be_bytes(low.try_into().ok()?).to_string();
    let quoted = format!("\"{id}\"");
    let mut events = lines(&folder.join(FILE))
        .ok()?
        .filter(|line| line.contains(&quoted));
    events.find_map(|line| resource(&line, &id, spans))
}

fn resource(line: &str, trace: &str, spans: &[SpanRow]) -> Option<String> {
    let event: Value = serde_json::from_str(line).ok()?;
    let own = event.get("_dd")?;
    if own.get("trace_id")?.as_str()? != trace {
        return None;
    }
    let span: u64 = own.get("span_id")?.as_str()?.parse().ok()?;
    if !spans
        .iter()
        .any(|known| known.parent == Some(span.to_be_bytes()))
    {
        return None;
    }
    let resource = event.get("resource")?;
    let text = |key: &str| {
        resource
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let took = resource
        .get("duration")
        .and_then(Value::as_i64)
        .unwrap_or_default();
    Some(format!(
        "browser {} {} ({})",
        text("method"),
        text("url"),
        super::duration(took / 1_000)
    ))
}

//! The embedded shop's log: all its lines stay in `shop.log` of the run folder; the recording gets the warnings and errors.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::recorder::Feed;
use super::signal::{Batch, LogLine, NAME_BYTES_MAX, SpanId, TraceId, VALUE_BYTES_MAX, cut};

/// Its name in a run folder.
pub const FILE: &str = "shop.log";
/// Longest line that is read, bytes; longer ones are cut and are no JSON then.
pub const LINE_BYTES_MAX: u64 = 1024 * 1024;
/// Warnings and errors that are recorded.
const PROBLEMS_MAX: usize = 10_000;
/// Lines that are handed over together.
const BATCH_MAX: usize = 1_000;

/// Hands over the warnings and errors of a log, if it is there. What is written is bounded.
pub fn feed_problems(log: &Path, feed: &Feed) {
    let Ok(lines) = lines(log) else {
        return;
    };
    let problems = lines
        .filter(|text| text.contains("\"level\":\"WARN\"") || text.contains("\"level\":\"ERROR\""))
        .filter_map(|text| parse(&text))
        .take(PROBLEMS_MAX);
    let mut batch = Vec::new();
    for line in problems {
        batch.push(line);
        if batch.len() >= BATCH_MAX {
            feed.offer(Batch::Logs(std::mem::take(&mut batch)));
        }
    }
    if !batch.is_empty() {
        feed.offer(Batch::Logs(batch));
    }
}

/// The lines of a log, one after another.
///
/// # Errors
/// When it cannot be opened.
pub fn lines(log: &Path) -> std::io::Result<impl Iterator<Item = String> + use<>> {
    let mut file = BufReader::new(File::open(log)?);
    Ok(std::iter::from_fn(move || {
        let mut bytes = Vec::new();
        let mut line = std::io::Read::take(&mut file, LINE_BYTES_MAX);
        match line.read_until(b'\n', &mut bytes) {
            Ok(read) if read > 0 => Some(String::from_utf8_lossy(&bytes).trim_end().to_owned()),
            _ => None,
        }
    }))
}

/// A line of the shop's log; `None` if it is none.
pub fn parse(text: &str) -> Option<LogLine> {
    let mut fields: Map<String, Value> = serde_json::from_str(text).ok()?;
    let mut take = |name: &str| match fields.remove(name)? {
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    };
    let at = OffsetDateTime::parse(&take("timestamp")?, &Rfc3339).ok()?;
    let level = level(&take("level")?);
    let service = take("service").unwrap_or_default();
    let message = take("message").unwrap_or_default();
    let trace = take("dd.trace_id").and_then(|id| low_trace(&id));
    let span = take("dd.span_id").and_then(|id| Some(id.parse::<u64>().ok()?.to_be_bytes()));
    // What is said twice, and of every line.
    for name in ["status", "dd.service", "dd.env", "dd.version"] {
        fields.remove(name);
    }
    Some(LogLine {
        at_ms: (at.unix_timestamp_nanos() / 1_000_000) as i64,
        level,
        service: cut(&service, NAME_BYTES_MAX).to_owned(),
        message: cut(&message, VALUE_BYTES_MAX).to_owned(),
        trace,
        span: span.filter(|id| *id != SpanId::default()),
        attributes: fields,
    })
}

/// The trace of a decimal id: the lower half, as Datadog shows it, or of hexadecimal digits the whole.
fn low_trace(id: &str) -> Option<TraceId> {
    let number = match id.len() {
        32 => u128::from_str_radix(id, 16).ok()?,
        _ => u128::from(id.parse::<u64>().ok()?),
    };
    (number > 0).then(|| number.to_be_bytes())
}

/// A level by its usual names; `info` if it has none.
pub fn level(text: &str) -> &'static str {
    match text.to_ascii_lowercase().as_str() {
        "trace" => "trace",
        "debug" => "debug",
        "warn" | "warning" => "warn",
        "error" | "err" => "error",
        "fatal" | "critical" | "panic" => "fatal",
        _ => "info",
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn a_line_of_the_shop_is_read() {
        let line = r#"{"timestamp":"2026-01-02T03:04:05.678Z","level":"ERROR","status":"error","service":"cart","dd.service":"cart","message":"no","dd.trace_id":"258","dd.span_id":"3","order":7}"#;
        let line = parse(line).expect("a line");
        assert_eq!(
            (line.level, line.service.as_str(), line.message.as_str()),
            ("error", "cart", "no")
        );
        assert_eq!(line.at_ms % 1_000, 678);
        assert_eq!(line.trace.expect("a trace")[14..], [1, 2]);
        assert_eq!(line.span, Some([0, 0, 0, 0, 0, 0, 0, 3]));
        assert_eq!(
            serde_json::Value::Object(line.attributes).to_string(),
            r#"{"order":7}"#
        );
        assert_eq!(parse("no JSON"), None);
    }
}

//! Finished spans as JSON lines in a file: for tests, workshops and other tools, without any back end.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};

use super::{ExportError, Exporter, Signal, Wants};
use crate::secret::hidden::{HIDDEN, is_secret, without_secrets};
use crate::span::{AttributeValue, FinishedSpan, SpanEvent, SpanLink};
use crate::trace::SpanId;

/// Longest file; later spans are dropped with the reason `file_full`.
pub const SPAN_FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Writes one object a line, for the file's owner alone: `service`, `env`, `version`, `trace_id`, `span_id`, `parent_id`
/// (`null` at the top of a trace), `name`, `kind`, `start_unix_ns`, `duration_ns`, `attributes`, `links` (`trace_id`, `span_id`) and
/// `events` (`name`, `unix_ns`, `attributes`). Secrets are hidden.
#[derive(Debug)]
pub struct SpanFile {
    path: PathBuf,
    file: File,
    bytes: u64,
    bytes_max: u64,
    lines: Vec<u8>,
}

impl SpanFile {
    /// Opens the file and goes on at its end.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn open(path: &Path) -> io::Result<Self> {
        Self::with_limit(path, SPAN_FILE_BYTES_MAX)
    }

    fn with_limit(path: &Path, bytes_max: u64) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path)?;
        Ok(Self {
            path: path.to_owned(),
            bytes: file.metadata()?.len(),
            bytes_max,
            file,
            lines: Vec::new(),
        })
    }

    fn error(&self, reason: &'static str, lost: usize, why: &dyn std::fmt::Display) -> ExportError {
        ExportError {
            reason,
            lost,
            message: format!("{}: {why}", self.path.display()),
        }
    }
}

impl Exporter for SpanFile {
    fn name(&self) -> &'static str {
        "span_file"
    }

    fn wants(&self) -> Wants {
        Wants {
            spans: true,
            metrics_every: None,
        }
    }

    fn export(&mut self, batch: &[Signal]) -> Result<(), ExportError> {
        self.lines.clear();
        let mut lost = 0;
        for signal in batch {
            let Signal::Span(span) = signal;
            let before = self.lines.len();
            let _ = serde_json::to_writer(&mut self.lines, &line(span));
            self.lines.push(b'\n');
            if self.bytes + self.lines.len() as u64 > self.bytes_max {
                self.lines.truncate(before);
                lost += 1;
            }
        }
        self.file
            .write_all(&self.lines)
            .map_err(|error| self.error("write", batch.len(), &error))?;
        self.bytes += self.lines.len() as u64;
        match lost {
            0 => Ok(()),
            lost => Err(self.error("file_full", lost, &"the file is full")),
        }
    }
}

fn line(span: &FinishedSpan) -> Value {
    let identity = span.context.identity();
    let trace = span.context.trace();
    let parent = (span.parent != SpanId::NONE).then(|| span.parent.to_string());
    json!({
        "service": identity.service(),
        "env": identity.env(),
        "version": identity.version(),
        "trace_id": trace.map(|trace| trace.trace_id.to_string()),
        "span_id": trace.map(|trace| trace.span_id.to_string()),
        "parent_id": parent,
        "name": span.name,
        "kind": span.kind,
        "start_unix_ns": unix_ns(span.start),
        "duration_ns": nanos(span.took),
        "attributes": attributes(&span.attributes),
        "links": span.links.iter().map(link).collect::<Vec<_>>(),
        "events": span.events.iter().map(event).collect::<Vec<_>>(),
    })
}

fn link(link: &SpanLink) -> Value {
    json!({ "trace_id": link.trace_id.to_string(), "span_id": link.span_id.to_string() })
}

fn event(event: &SpanEvent) -> Value {
    json!({
        "name": event.name,
        "unix_ns": unix_ns(event.at),
        "attributes": attributes(&event.attributes),
    })
}

fn attributes(attributes: &[(&'static str, AttributeValue)]) -> Map<String, Value> {
    let attributes = attributes.iter();
    attributes
        .map(|(name, value)| ((*name).to_owned(), shown(name, value)))
        .collect()
}

fn unix_ns(time: SystemTime) -> u64 {
    nanos(time.duration_since(UNIX_EPOCH).unwrap_or_default())
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

fn shown(name: &'static str, value: &AttributeValue) -> Value {
    match value {
        _ if is_secret(name) => json!(HIDDEN),
        AttributeValue::Text(text) => json!(without_secrets(text)),
        AttributeValue::Integer(number) => json!(number),
        AttributeValue::Float(number) => json!(number),
        AttributeValue::Bool(value) => json!(value),
    }
}

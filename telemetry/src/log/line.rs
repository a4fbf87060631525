//! One event as one line of JSON.

use std::borrow::Cow;
use std::cell::RefCell;
use std::error::Error;
use std::fmt;
use std::io::Write as _;
use std::time::SystemTime;

use time::OffsetDateTime;
use tracing::field::{Field, Visit};
use tracing::{Event, Level};

use crate::catalogue::attribute;
use crate::context::Context;
use crate::identity::Identity;
use crate::secret::hidden::{HIDDEN, is_secret, without_secrets};
use crate::text::{chain, cut};

/// Longest text of one field; the rest is cut off.
pub const FIELD_BYTES_MAX: usize = 16 * 1024;

/// Largest buffer that a thread keeps between two lines.
const SCRATCH_BYTES_KEPT_MAX: usize = 64 * 1024;

/// Names that the line itself uses; an event's field of the same name is written as `event.<name>`.
const OWN_NAMES: [&str; 9] = [
    "timestamp",
    "level",
    "status",
    "service",
    "dd.service",
    "dd.env",
    "dd.version",
    "dd.trace_id",
    "dd.span_id",
];

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

#[derive(Default)]
struct Scratch {
    line: Vec<u8>,
    fields: Vec<u8>,
}

/// Formats `event` into this thread's buffer and hands the line, with its line break, to `take`.
pub(super) fn with_event(default: &Identity, event: &Event<'_>, take: impl FnOnce(&[u8])) {
    SCRATCH.with(|scratch| match scratch.try_borrow_mut() {
        Ok(mut scratch) => {
            scratch.write(default, event);
            take(&scratch.line);
            scratch.shrink();
        }
        // A value that logs while it is being formatted.
        Err(_) => {
            let mut scratch = Scratch::default();
            scratch.write(default, event);
            take(&scratch.line);
        }
    });
}

/// Writes the line that says how many others are missing.
pub(super) fn write_dropped(line: &mut Vec<u8>, identity: &Identity, dropped: u64) {
    line.push(b'{');
    write_head(line, Level::WARN, identity);
    write_str(
        line,
        "message",
        "log lines dropped: the writer could not keep up",
    );
    write_display(line, "dropped_lines", &dropped);
    line.extend_from_slice(b"}\n");
}

impl Scratch {
    fn write(&mut self, default: &Identity, event: &Event<'_>) {
        self.line.clear();
        self.fields.clear();
        let context = Context::current();
        let identity = context.as_ref().map_or(default, Context::identity);
        let line = &mut self.line;
        line.push(b'{');
        write_head(line, *event.metadata().level(), identity);
        let mut visitor = Visitor {
            line,
            fields: &mut self.fields,
            thorough: *event.metadata().level() <= Level::WARN,
            has_message: false,
            has_correlation_id: false,
        };
        event.record(&mut visitor);
        let (has_message, has_correlation_id) = (visitor.has_message, visitor.has_correlation_id);
        if !has_message {
            write_str(line, "message", event.metadata().name());
        }
        if let Some(context) = &context {
            write_context(line, context, has_correlation_id);
        }
        line.extend_from_slice(&self.fields);
        line.extend_from_slice(b"}\n");
    }

    fn shrink(&mut self) {
        self.line.clear();
        self.line.shrink_to(SCRATCH_BYTES_KEPT_MAX);
        self.fields.clear();
        self.fields.shrink_to(SCRATCH_BYTES_KEPT_MAX);
    }
}

fn write_head(line: &mut Vec<u8>, level: Level, identity: &Identity) {
    write_timestamp(line, SystemTime::now().into());
    let (level, status) = match level {
        Level::ERROR => ("ERROR", "error"),
        Level::WARN => ("WARN", "warn"),
        Level::INFO => ("INFO", "info"),
        Level::DEBUG => ("DEBUG", "debug"),
        Level::TRACE => ("TRACE", "debug"),
    };
    write_str(line, "level", level);
    write_str(line, "status", status);
    write_str(line, "service", identity.service());
    write_str(line, "dd.service", identity.service());
    write_str(line, "dd.env", identity.env());
    write_str(line, "dd.version", identity.version());
}

/// RFC 3339 in UTC with milliseconds.
fn write_timestamp(line: &mut Vec<u8>, now: OffsetDateTime) {
    let (hour, minute, second, millisecond) = now.to_hms_milli();
    write_name(line, "timestamp");
    // Writing to a vector does not fail.
    let _ = write!(
        line,
        "\"{:04}-{:02}-{:02}T{hour:02}:{minute:02}:{second:02}.{millisecond:03}Z\"",
        now.year(),
        u8::from(now.month()),
        now.day(),
    );
}

/// Ids are text: a decimal id of 64 bits is more than JSON numbers hold exactly.
fn write_context(line: &mut Vec<u8>, context: &Context, has_correlation_id: bool) {
    if let Some(trace) = context.trace() {
        let mut digits = itoa::Buffer::new();
        write_str(line, "dd.trace_id", digits.format(trace.trace_id.low()));
        write_str(line, "dd.span_id", digits.format(trace.span_id.0));
    }
    if let Some(id) = context.correlation_id().filter(|_| !has_correlation_id) {
        write_str(line, attribute::CORRELATION_ID, id);
    }
}

/// Writes the message into the line and everything else behind it.
struct Visitor<'a> {
    line: &'a mut Vec<u8>,
    fields: &'a mut Vec<u8>,
    /// Whether texts are looked through: errors may quote what they were given. Lines about every request are not worth it.
    thorough: bool,
    has_message: bool,
    has_correlation_id: bool,
}

impl Visitor<'_> {
    fn text(&mut self, field: &Field, value: &str) {
        let value = &*self.shown(field.name(), value);
        match field.name() {
            "message" => {
                self.has_message = true;
                write_str(self.line, "message", value);
            }
            name => {
                self.has_correlation_id |= name == attribute::CORRELATION_ID;
                write_field_name(self.fields, name);
                write_json_str(self.fields, value);
            }
        }
    }

    /// The value without secrets.
    fn shown<'v>(&self, name: &'static str, value: &'v str) -> Cow<'v, str> {
        if is_secret(name) {
            return HIDDEN.into();
        }
        match self.thorough {
            true => without_secrets(cut(value, FIELD_BYTES_MAX)),
            false => value.into(),
        }
    }

    fn number(&mut self, field: &Field, value: impl fmt::Display) {
        match field.name() {
            name if is_secret(name) => self.text(field, HIDDEN),
            "message" => self.text(field, &value.to_string()),
            name => {
                write_field_name(self.fields, name);
                let _ = write!(self.fields, "{value}");
            }
        }
    }
}

impl Visit for Visitor<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.number(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.number(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.number(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        if value.is_finite() {
            self.number(field, value);
        } else {
            self.text(field, &value.to_string());
        }
    }

    /// The error with everything that caused it.
    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.text(field, &chain(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.text(field, &format!("{value:?}"));
    }
}

fn write_field_name(line: &mut Vec<u8>, name: &str) {
    let name = name.strip_prefix("r#").unwrap_or(name);
    if OWN_NAMES.contains(&name) {
        write_name(line, &format!("event.{name}"));
    } else {
        write_name(line, name);
    }
}

fn write_str(line: &mut Vec<u8>, name: &str, value: &str) {
    write_name(line, name);
    write_json_str(line, value);
}

fn write_display(line: &mut Vec<u8>, name: &str, value: &impl fmt::Display) {
    write_name(line, name);
    let _ = write!(line, "{value}");
}

/// The name, with a comma before it unless it comes first: no value ends in an opening brace.
fn write_name(line: &mut Vec<u8>, name: &str) {
    if line.last() != Some(&b'{') {
        line.push(b',');
    }
    write_json_str(line, name);
    line.push(b':');
}

fn write_json_str(line: &mut Vec<u8>, text: &str) {
    // A string is always JSON, and writing to a vector does not fail.
    let _ = serde_json::to_writer(line, cut(text, FIELD_BYTES_MAX));
}

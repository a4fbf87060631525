//! Writes a draft as a scenario file: comments, and YAML through the one writer.

use std::fmt::Write as _;
use std::time::Duration;

use checked_yaml::write::write_plain;
use serde_json::{Map, Value, json};

use super::draft::{Draft, DraftBody, DraftJourney, DraftRequest, Item};
use super::request::as_mapping;
use crate::redact::plain;

/// Indent of the steps of a journey.
const STEPS_INDENT: usize = 6;
/// Longest line of a comment, characters.
const COMMENT_CHARS_MAX: usize = 118;
/// Longest text of one comment, characters.
const COMMENT_TEXT_CHARS_MAX: usize = 600;

/// How a load is put into the file's place of one walk.
const LOAD: &str = "\
# One walk, to see that it holds. Load is, for example:
#   load:
#     model: open
#     phases:
#       - { name: steady, for: 5m, rate: 2/s }
load: { model: one-by-one, journeys: 1 }
";

/// The file.
pub fn scenario(draft: &Draft) -> String {
    let mut out = String::new();
    comments(&mut out, 0, &draft.remarks);
    needed(&mut out, draft);
    if !out.is_empty() {
        out.push('\n');
    }
    let head = json!({ "name": draft.name, "about": draft.about, "target": draft.target });
    out.push_str(&write_plain(&head));
    let _ = write!(out, "\n{LOAD}");
    if let Some((device, browser)) = draft.client {
        let _ = write!(
            out,
            "\n# Who was recorded: shoppers call themselves so.\npersonas:\n  - {{ name: visitor, devices: {{ {device}: 1 }}, browsers: {{ {browser}: 1 }} }}\n"
        );
    }
    if !draft.http.is_empty() {
        out.push('\n');
        out.push_str(&write_plain(&json!({ "http": draft.http })));
    }
    out.push_str("\njourneys:\n");
    for journey in &draft.journeys {
        walk(&mut out, journey);
    }
    out
}

fn needed(out: &mut String, draft: &Draft) {
    if draft.needed.is_empty() {
        return;
    }
    if !out.is_empty() {
        out.push_str("#\n");
    }
    out.push_str(
        "# Set in the environment before it is checked or run; values of these are never shown:\n",
    );
    let width = draft.needed.iter().map(|needed| needed.name.len()).max();
    let width = width.unwrap_or(0);
    for needed in &draft.needed {
        let (name, what) = (comment(&needed.name), comment(&needed.what));
        let _ = writeln!(out, "#   {name:width$}  {what}");
    }
}

fn walk(out: &mut String, journey: &DraftJourney) {
    let _ = writeln!(out, "  - name: {}\n    steps:", journey.name);
    let mut is_first = true;
    for item in &journey.items {
        match item {
            Item::Heading(lines) => {
                if !is_first {
                    out.push('\n');
                }
                comments(out, STEPS_INDENT, lines);
            }
            Item::Think(length) => {
                let think = json!([{ "think": shown(*length) }]);
                out.push_str(&indented(&write_plain(&think), STEPS_INDENT));
            }
            Item::Set(set, lines) => {
                comments(out, STEPS_INDENT, lines);
                out.push_str(&indented(
                    &write_plain(&json!([{ "set": set }])),
                    STEPS_INDENT,
                ));
            }
            Item::One(request) => step(out, STEPS_INDENT, request),
            Item::Together(requests) => {
                let _ = writeln!(out, "{:STEPS_INDENT$}- together:", "");
                for request in requests {
                    step(out, STEPS_INDENT + 4, request);
                }
            }
            Item::Off(request) => {
                let mut text = String::new();
                step(&mut text, 0, request);
                for line in text.lines() {
                    let _ = writeln!(
                        out,
                        "{:STEPS_INDENT$}# {}",
                        "",
                        line.trim_start_matches("# ")
                    );
                }
            }
        }
        is_first = false;
    }
}

fn step(out: &mut String, indent: usize, request: &DraftRequest) {
    comments(out, indent, &request.remarks);
    let step = Value::Array(vec![Value::Object(keys(request))]);
    out.push_str(&indented(&write_plain(&step), indent));
}

/// The request as its keys stand in a file.
fn keys(request: &DraftRequest) -> Map<String, Value> {
    let mut keys = Map::new();
    let mut put = |key: &str, value: Value| drop(keys.insert(key.to_owned(), value));
    put(&request.method, json!(request.url));
    if let Some(name) = &request.name {
        put("name", json!(name));
    }
    if let Some(auth) = &request.auth {
        put("auth", auth.clone());
    }
    if !request.headers.is_empty() {
        put("headers", as_mapping(&request.headers).into());
    }
    match &request.body {
        None => {}
        Some(DraftBody::Json(value)) => put("json", value.clone()),
        Some(DraftBody::Form(fields)) => put("form", fields.clone().into()),
        Some(DraftBody::Multipart(parts)) => put("multipart", parts.clone().into()),
        Some(DraftBody::Text(mime, text)) => {
            put("content-type", json!(mime));
            put("body", json!(text));
        }
    }
    if let Some(timeout) = request.timeout {
        put("timeout", json!(shown(timeout)));
    }
    if !request.extract.is_empty() {
        put("extract", request.extract.clone().into());
    }
    match request.statuses.as_slice() {
        [] => {}
        [one] => put("check", json!({ "status": one })),
        several => put("check", json!({ "status": several })),
    }
    if request.go_on {
        put("on-error", json!("go-on"));
    }
    keys
}

/// A text as it may stand in a comment: in one line, and not longer than a person reads.
fn comment(text: &str) -> String {
    let line = plain::line(text);
    match line.char_indices().nth(COMMENT_TEXT_CHARS_MAX) {
        Some((end, _)) => format!("{} …", &line[..end]),
        None => line,
    }
}

/// Lines of comment, broken where they are long.
fn comments(out: &mut String, indent: usize, lines: &[String]) {
    for line in lines {
        // What stands in a recording must not end a comment and go on as a step.
        let line = comment(line);
        let mut rest = line.as_str();
        loop {
            let (now, later) = broken(rest, COMMENT_CHARS_MAX - indent);
            let _ = writeln!(out, "{:indent$}# {now}", "");
            match later {
                Some(later) => rest = later,
                None => break,
            }
        }
    }
}

/// What of a line fits, and what follows the space there.
fn broken(line: &str, chars_max: usize) -> (&str, Option<&str>) {
    let Some((end, _)) = line.char_indices().nth(chars_max) else {
        return (line, None);
    };
    match line[..end].rfind(' ') {
        Some(space) if space > 0 => (&line[..space], Some(&line[space + 1..])),
        _ => (line, None),
    }
}

fn indented(text: &str, indent: usize) -> String {
    let mut out = String::with_capacity(text.len() + 64);
    for line in text.split_inclusive('\n') {
        if line != "\n" {
            let _ = write!(out, "{:indent$}", "");
        }
        out.push_str(line);
    }
    out
}

/// `1.2 s`, `12 s`, `300 ms`.
fn shown(length: Duration) -> String {
    let millis = length.as_millis();
    match millis {
        0..1000 => format!("{millis} ms"),
        _ if millis.is_multiple_of(1000) => format!("{} s", millis / 1000),
        _ => format!("{} s", millis as f64 / 1000.0),
    }
}

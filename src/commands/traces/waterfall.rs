//! One trace in the terminal: its spans as bars to scale.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{duration, time_of_day};
use crate::recording::reader::{SpanRow, TraceRow};
use crate::recording::waterfall::{Line, extent, lines};
use crate::redact::plain;

/// Characters of a bar that lasts as long as the trace.
const BAR: usize = 40;
/// Characters of the widest name in front of the bars; longer ones are cut.
const NAME_MAX: usize = 64;
/// Steps of indentation that are shown.
const DEPTH_MAX: usize = 16;

/// What is shown.
pub(super) struct Waterfall<'t> {
    pub(super) trace: &'t TraceRow,
    pub(super) spans: &'t [SpanRow],
    /// What called the first span, if that is known.
    pub(super) caller: Option<String>,
    pub(super) verbose: bool,
}

// Writing to a String cannot fail, so the results of `writeln!` are not looked at in this file.

impl Waterfall<'_> {
    pub(super) fn text(&self) -> String {
        let (start_us, end_us) = extent(self.spans);
        let mut text = self.head(end_us - start_us);
        let lines = lines(self.spans);
        let names: Vec<String> = lines.iter().map(|line| self.name(line)).collect();
        let width = names.iter().map(|name| name.chars().count()).max();
        let width = width.unwrap_or_default();
        for (line, name) in lines.iter().zip(names) {
            match line {
                Line::Missing { .. } => {
                    let _ = writeln!(text, "{name}");
                }
                Line::Span { index, .. } => {
                    let span = &self.spans[*index];
                    let bar = bar(span, start_us, end_us);
                    let mark = if span.failed { " ✗" } else { "" };
                    let took = duration(span.duration_us);
                    let _ = writeln!(text, "{name:<width$} {bar} {took:>9}{mark}");
                    self.details(&mut text, span);
                }
            }
        }
        text
    }

    fn head(&self, extent_us: i64) -> String {
        let trace = self.trace;
        format!(
            "trace {} · {} UTC · {} spans · {} services · {} errors · kept: {}\n{} {} · {} · all of it {}\n\n",
            telemetry::text::hex(trace.id),
            time_of_day(trace.start_us / 1_000),
            trace.spans,
            trace.services.len(),
            trace.errors,
            plain::line(&trace.kept),
            plain::line(&trace.root_service),
            plain::line(&trace.root_name),
            duration(trace.duration_us),
            duration(extent_us),
        )
    }

    fn name(&self, line: &Line) -> String {
        match line {
            Line::Missing { parent, is_caller } => {
                let id = telemetry::text::hex(parent);
                match (&self.caller, is_caller) {
                    (Some(caller), true) => format!("{} · span {id}", plain::line(caller)),
                    (None, true) => format!("caller · span {id}, not recorded"),
                    _ => format!("the parent {id} of what follows is not recorded"),
                }
            }
            Line::Span { index, depth } => {
                let span = &self.spans[*index];
                let indent = "  ".repeat((*depth).min(DEPTH_MAX));
                let name = format!("{indent}{}  {}", span.service, span.name);
                shortened(&plain::line(&name))
            }
        }
    }

    fn details(&self, text: &mut String, span: &SpanRow) {
        let own = telemetry::text::hex(self.trace.id);
        for link in &span.links {
            let of = |key: &str| link.get(key).and_then(Value::as_str).unwrap_or_default();
            // Within the trace the tree shows it already.
            if of("trace") == own && !self.verbose {
                continue;
            }
            let line = format!("continues span {} of trace {}", of("span"), of("trace"));
            let _ = writeln!(text, "      ↳ {}", plain::line(&line));
        }
        if !self.verbose {
            return;
        }
        let _ = writeln!(
            text,
            "      span {} · {}",
            telemetry::text::hex(span.id),
            plain::line(&span.kind)
        );
        for (key, value) in &span.attributes {
            let value = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            let _ = writeln!(text, "      {} = {}", plain::line(key), plain::line(&value));
        }
    }
}

fn shortened(name: &str) -> String {
    match name.chars().count() > NAME_MAX {
        true => name.chars().take(NAME_MAX - 1).chain(['…']).collect(),
        false => name.to_owned(),
    }
}

/// At least one character wide, so that every span can be seen.
fn bar(span: &SpanRow, start_us: i64, end_us: i64) -> String {
    let all = (end_us - start_us).max(1) as f64;
    let place = |us: i64| ((us - start_us) as f64 / all * BAR as f64) as usize;
    let from = place(span.start_us).min(BAR - 1);
    let to = place(span.start_us.saturating_add(span.duration_us));
    let to = to.clamp(from + 1, BAR);
    format!(
        "{}{}{}",
        "·".repeat(from),
        "█".repeat(to - from),
        "·".repeat(BAR - to)
    )
}

pub(super) fn span_json(span: &SpanRow) -> Value {
    json!({
        "span_id": telemetry::text::hex(span.id),
        "parent_id": span.parent.map(telemetry::text::hex),
        "service": span.service,
        "name": span.name,
        "kind": span.kind,
        "start_us": span.start_us,
        "duration_us": span.duration_us,
        "error": span.failed,
        "attributes": span.attributes,
        "links": span.links,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(id: u8, parent: Option<u8>, start_us: i64, duration_us: i64) -> SpanRow {
        SpanRow {
            id: [id; 8],
            parent: parent.map(|parent| [parent; 8]),
            service: "cart".to_owned(),
            name: format!("step {id}"),
            kind: "server".to_owned(),
            start_us,
            duration_us,
            failed: id == 2,
            attributes: serde_json::Map::new(),
            links: vec![json!({"trace": "ab", "span": "cd"})]
                .into_iter()
                .filter(|_| id == 3)
                .collect(),
        }
    }

    #[test]
    fn bars_are_to_scale_and_what_is_missing_is_said() {
        let trace = TraceRow {
            id: [7; 16],
            root_service: "cart".to_owned(),
            root_name: "step 1\u{1b}[2J".to_owned(),
            start_us: 0,
            duration_us: 40_000,
            spans: 3,
            errors: 1,
            services: vec!["cart".to_owned()],
            kept: "failed".to_owned(),
        };
        let spans = [
            span(1, Some(9), 0, 40_000),
            span(2, Some(1), 10_000, 10_000),
            span(3, Some(8), 39_999, 1),
        ];
        let waterfall = Waterfall {
            trace: &trace,
            spans: &spans,
            caller: None,
            verbose: false,
        };
        let expected = format!(
            "trace {} · 00:00:00.000 UTC · 3 spans · 1 services · 1 errors · kept: failed\n\
             cart step 1\\u{{1b}}[2J · 40.0 ms · all of it 40.0 ms\n\n\
             caller · span 0909090909090909, not recorded\n\
             \u{20} cart  step 1                                      {}   40.0 ms\n\
             \u{20}   cart  step 2                                    {}{}{}   10.0 ms ✗\n\
             the parent 0808080808080808 of what follows is not recorded\n\
             \u{20} cart  step 3                                      {}█      1 µs\n\
             \u{20}     ↳ continues span cd of trace ab\n",
            "07".repeat(16),
            "█".repeat(40),
            "·".repeat(10),
            "█".repeat(10),
            "·".repeat(20),
            "·".repeat(39),
        );
        let squeezed = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(squeezed(&waterfall.text()), squeezed(&expected));
    }
}

//! What went wrong, with examples, and what took longest, with its trace.

use std::fmt::Write as _;
use std::time::Duration;

use super::{TraceUrl, escape, grouped, number, percent, table_cell};
use crate::measure::samples::Sample;
use crate::report::figures::{Figures, Named};
use crate::report::read::Run;
use crate::verdict::show_time;

/// Kinds of errors shown.
const KINDS_MAX: usize = 60;

/// Examples shown of one kind.
const EXAMPLES_MAX: usize = 3;

/// Slowest requests shown.
const SLOWEST_MAX: usize = 40;

/// Characters shown of a request or response.
const TEXT_MAX: usize = 4000;

pub(super) fn errors(out: &mut String, run: &Run, figures: &Figures, traces: Option<&TraceUrl>) {
    out.push_str(
        "<section id=\"errors\" aria-labelledby=\"errors-h\"><h2 id=\"errors-h\">Errors</h2>",
    );
    if figures.errors.is_empty() {
        out.push_str("<p class=\"good\">No request failed.</p>");
    } else {
        let all: u64 = figures.errors.iter().map(|row| row.count).sum();
        let _ = write!(
            out,
            "<div class=\"scroll\"><table><caption>{} errors by step and kind, warm-up included</caption><thead><tr><th scope=\"col\" class=\"n\">Count</th><th scope=\"col\" class=\"n\">Share of errors</th>\
             <th scope=\"col\">Kind</th><th scope=\"col\">Step</th><th scope=\"col\">Examples</th></tr></thead><tbody>",
            grouped(all)
        );
        for row in figures.errors.iter().take(KINDS_MAX) {
            error_row(out, run, row, all, traces);
        }
        out.push_str("</tbody></table></div>");
        if figures.errors.len() > KINDS_MAX {
            let _ = write!(
                out,
                "<p class=\"note\">… and {} more kinds in run.json.</p>",
                figures.errors.len() - KINDS_MAX
            );
        }
    }
    outcomes(out, figures);
    out.push_str("</section>\n");
}

fn error_row(out: &mut String, run: &Run, row: &Named, all: u64, traces: Option<&TraceUrl>) {
    out.push_str("<tr>");
    number(out, &grouped(row.count));
    number(out, &percent(row.count, all));
    let _ = write!(
        out,
        "<td class=\"bad\">{}</td><th scope=\"row\">{}</th><td>",
        table_cell(&row.name),
        table_cell(&row.step)
    );
    let same = |sample: &&Sample| {
        sample.kept == "failed" && sample.step == row.step && sample.ending == row.name
    };
    for sample in run.samples.iter().filter(same).take(EXAMPLES_MAX) {
        let _ = write!(
            out,
            "<details><summary>at {:.1} s, {} </summary><p>trace {}</p>",
            sample.intended_us as f64 / 1e6,
            status(sample),
            trace(sample, traces)
        );
        if let Some(why) = &sample.why {
            let _ = write!(out, "<p>{}</p>", cut(why));
        }
        if let Some(exchange) = &sample.exchange {
            let (request, response) = (cut(&exchange.request), cut(&exchange.response));
            let _ = write!(out, "<pre>{request}</pre><pre>{response}</pre>");
        }
        out.push_str("</details>");
    }
    out.push_str("</td></tr>");
}

fn cut(text: &str) -> String {
    let mut shown: String = text.chars().take(TEXT_MAX).collect();
    if shown.len() < text.len() {
        shown.push_str("\n… (more in samples.jsonl)");
    }
    escape(&shown)
}

fn status(sample: &Sample) -> String {
    match sample.status {
        0 => "no answer".to_owned(),
        status => format!("status {status}"),
    }
}

fn trace(sample: &Sample, traces: Option<&TraceUrl>) -> String {
    match (&sample.trace_id, traces) {
        (None, _) => "–".to_owned(),
        (Some(id), None) => format!("<code>{}</code>", escape(id)),
        (Some(id), Some(url)) => {
            let address = escape(&url.of(id));
            format!(
                "<a href=\"{address}\" rel=\"noreferrer noopener\"><code>{}</code></a>",
                escape(id)
            )
        }
    }
}

fn outcomes(out: &mut String, figures: &Figures) {
    if figures.outcomes.is_empty() {
        return;
    }
    out.push_str(
        "<div class=\"scroll\"><table><caption>Foreseen outcomes: neither success nor error</caption><thead><tr><th scope=\"col\" class=\"n\">Count</th><th scope=\"col\">Outcome</th><th scope=\"col\">Step</th></tr></thead><tbody>",
    );
    for row in figures.outcomes.iter().take(KINDS_MAX) {
        out.push_str("<tr>");
        number(out, &grouped(row.count));
        let _ = write!(
            out,
            "<td>{}</td><th scope=\"row\">{}</th></tr>",
            table_cell(&row.name),
            table_cell(&row.step)
        );
    }
    out.push_str("</tbody></table></div>");
}

pub(super) fn slowest(out: &mut String, run: &Run, traces: Option<&TraceUrl>) {
    let mut slowest: Vec<&Sample> = run.samples.iter().filter(|s| s.kept == "slowest").collect();
    slowest.sort_by_key(|sample| std::cmp::Reverse(sample.response_us()));
    slowest.truncate(SLOWEST_MAX);
    out.push_str("<section id=\"slowest\" aria-labelledby=\"slowest-h\"><h2 id=\"slowest-h\">Slowest requests</h2>");
    if slowest.is_empty() {
        out.push_str("<p class=\"note\">None were kept.</p></section>\n");
        return;
    }
    out.push_str(
        "<div class=\"scroll\"><table class=\"sortable\"><caption>The slowest of the run, warm-up included</caption><thead><tr><th scope=\"col\" class=\"n\">Response</th><th scope=\"col\" class=\"n\">Service</th>\
         <th scope=\"col\">Step</th><th scope=\"col\" class=\"n\">At</th><th scope=\"col\" class=\"n\">Status</th><th scope=\"col\">Ended</th><th scope=\"col\" class=\"n\">Shopper</th><th scope=\"col\">Trace</th></tr></thead><tbody>",
    );
    for sample in slowest {
        let response = sample.response_us();
        let service = sample.done_us.saturating_sub(sample.sent_us);
        let shown = |micros| show_time(Duration::from_micros(micros));
        let at = sample.intended_us as f64 / 1e6;
        let status = match sample.status {
            0 => "–".to_owned(),
            status => status.to_string(),
        };
        out.push_str("<tr>");
        let mut cell = |value: f64, text: &str| {
            let _ = write!(out, "<td class=\"n\" data-v=\"{value}\">{text}</td>");
        };
        cell(response as f64, &shown(response));
        cell(service as f64, &shown(service));
        let _ = write!(out, "<th scope=\"row\">{}</th>", table_cell(&sample.step));
        let mut cell = |value: f64, text: &str| {
            let _ = write!(out, "<td class=\"n\" data-v=\"{value}\">{text}</td>");
        };
        cell(at, &format!("{at:.1} s"));
        cell(f64::from(sample.status), &status);
        let _ = write!(
            out,
            "<td>{}</td><td class=\"n\" data-v=\"{2}\">{2}</td><td>{1}</td></tr>",
            table_cell(&sample.ending),
            trace(sample, traces),
            sample.shopper
        );
    }
    out.push_str("</tbody></table></div></section>\n");
}

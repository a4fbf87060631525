//! `report.html`: one file that needs no network, holds every figure of a run, and prints well.
//!
//! Tables are written here, so that they are there without scripts; charts are drawn in the browser from numbers. Everything
//! that came over the network is escaped, and a content security policy allows the page's own scripts alone, by their hash.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest, Sha256};

use super::figures::Figures;
use super::junit::escape;
use super::read::{ReadError, Run};
use crate::redact::{Redactor, plain};

mod failures;
mod series;
mod tables;
mod verdict;

const UPLOT_JS: &str = include_str!("../../assets/uplot/uPlot.iife.min.js");
const UPLOT_CSS: &str = include_str!("../../assets/uplot/uPlot.min.css");
const UPLOT_LICENSE: &str = include_str!("../../assets/uplot/LICENSE");
const REPORT_JS: &str = include_str!("../../assets/report/report.js");
const REPORT_CSS: &str = include_str!("../../assets/report/report.css");

/// Where a trace can be looked at: an address with `{trace_id}` in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceUrl(String);

impl TraceUrl {
    /// Reads a template such as `https://traces.example/trace/{trace_id}`.
    ///
    /// # Errors
    /// When it is no http or https address, or has no `{trace_id}`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let example = "for example https://traces.example/trace/{trace_id}";
        if !text.contains("{trace_id}") {
            return Err(format!("there is no {{trace_id}} in it; {example}"));
        }
        match url::Url::parse(&text.replace("{trace_id}", "1")) {
            Ok(_) if !Redactor::default().secrets_in(text).is_empty() => Err(format!(
                "there is a secret in it, and reports are read by others; {example}"
            )),
            Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(Self(text.to_owned())),
            Ok(url) => Err(format!(
                "{}: is no http or https address; {example}",
                url.scheme()
            )),
            Err(error) => Err(format!("{error}; {example}")),
        }
    }

    /// The address of a trace. An id is letters and digits; anything else in it is left out.
    pub fn of(&self, trace_id: &str) -> String {
        let id: String = trace_id
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .collect();
        self.0.replace("{trace_id}", &id)
    }
}

/// The whole page.
///
/// # Errors
/// When a window of the run is damaged.
pub fn page(run: &Run, traces: Option<&TraceUrl>) -> Result<String, ReadError> {
    let figures = Figures::of(&run.report);
    let data = series::data(run, &figures)?;
    let mut out = String::with_capacity(data.len() + 300_000);
    head(&mut out, run);
    verdict::write(&mut out, run, &figures);
    out.push_str(CHARTS);
    tables::steps(&mut out, run, &figures);
    tables::phases(&mut out, run, &figures);
    tables::funnel(&mut out, run, &figures);
    failures::errors(&mut out, run, &figures, traces);
    failures::slowest(&mut out, run, traces);
    tables::generator(&mut out, run, &figures);
    tables::repeat(&mut out, run);
    foot(&mut out, &data);
    Ok(out)
}

// Writing to a String does not fail, so the results of `write!` are not looked at in these files.

fn head(out: &mut String, run: &Run) {
    let source = |text: &str| format!("'sha256-{}'", BASE64.encode(Sha256::digest(text)));
    let policy = format!(
        "default-src 'none'; script-src {} {}; style-src {} {}; base-uri 'none'; form-action 'none'",
        source(UPLOT_JS),
        source(REPORT_JS),
        source(UPLOT_CSS),
        source(REPORT_CSS)
    );
    let title = format!(
        "{} · {}",
        run.report.scenario.name,
        super::markdown::verdict(&run.report)
    );
    let _ = write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{}</title>\n\
         <style>{UPLOT_CSS}</style>\n<style>{REPORT_CSS}</style>\n</head>\n<body>\n\
         <a class=\"skip\" href=\"#verdict\">To the verdict</a>\n",
        escape(&title)
    );
}

fn foot(out: &mut String, data: &str) {
    let _ = write!(
        out,
        "</main>\n<footer>Made by loadgen {}. Charts: uPlot, © Leon Sorokin. \
         <details><summary>Licence of uPlot</summary><pre>{}</pre></details></footer>\n\
         <script type=\"application/json\" id=\"data\">{data}</script>\n\
         <script>{UPLOT_JS}</script>\n<script>{REPORT_JS}</script>\n</body>\n</html>\n",
        env!("CARGO_PKG_VERSION"),
        escape(UPLOT_LICENSE)
    );
}

/// Places for charts; the script fills them, and hides what has no data.
const CHARTS: &str = r##"<section id="load" aria-labelledby="load-h">
<h2 id="load-h">Rate, planned and achieved</h2>
<p class="note">Journeys a second by the schedule, and those that began. Drag over a chart to zoom all of them in time; double-click, or the key 0, shows the whole run again.</p>
<figure class="chart" id="chart-rate"></figure>
</section>
<section id="latency" aria-labelledby="latency-h">
<div class="row"><h2 id="latency-h">Response time over time</h2>
<label class="pick">of <select id="pick" aria-label="Step shown in the charts"></select></label></div>
<p class="note">Response time counts from when a request should have been sent, so a stalled system cannot hide behind a waiting generator.</p>
<figure class="chart" id="chart-latency"></figure>
<h3>Heat map</h3>
<figure class="chart" id="chart-heat"></figure>
<h3>Requests and errors</h3>
<figure class="chart" id="chart-errors"></figure>
</section>
<section id="distribution" aria-labelledby="distribution-h">
<h2 id="distribution-h">Distribution</h2>
<p class="note">Every percentile up to the slowest request; each step to the right is ten times as rare. Service time counts from when the request was sent: a gap between the two lines is time spent waiting to send. Warm-up is left out.</p>
<figure class="chart" id="chart-distribution"></figure>
</section>
"##;

/// A name in a table: pages are copied to spreadsheets.
fn table_cell(text: &str) -> String {
    escape(&plain::cell(text))
}

/// `<td>` with a number.
fn number(out: &mut String, text: &str) {
    let _ = write!(out, "<td class=\"n\">{}</td>", escape(text));
}

/// A number with thin spaces between thousands.
fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

/// A share in per cent.
fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "–".to_owned();
    }
    let share = part as f64 / whole as f64 * 100.0;
    match share {
        0.0 => "0 %".to_owned(),
        s if s < 0.1 => format!("{s:.3} %"),
        s if s < 10.0 => format!("{s:.2} %"),
        s => format!("{s:.1} %"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_address_takes_http_only_and_ids_cannot_leave_their_place() {
        let url = TraceUrl::parse("https://t.example/{trace_id}?x=1").unwrap();
        assert_eq!(url.of("12ab"), "https://t.example/12ab?x=1");
        assert_eq!(url.of("1/../\"><script>"), "https://t.example/1script?x=1");
        assert!(TraceUrl::parse("javascript:alert({trace_id})").is_err());
        assert!(TraceUrl::parse("https://t.example/").is_err());
    }

    #[test]
    fn numbers_are_grouped_and_shares_keep_their_digits() {
        assert_eq!(grouped(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(grouped(123), "123");
        assert_eq!(
            [
                percent(0, 9),
                percent(1, 10_000),
                percent(1, 2),
                percent(0, 0)
            ],
            ["0 %", "0.010 %", "50.0 %", "–"]
        );
    }
}

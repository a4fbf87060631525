//! JUnit XML: one test case for the run's validity and one per threshold, percentiles as properties.

use std::fmt::Write as _;

use super::QUANTILES;
use super::figures::Figures;
use super::read::Run;
use super::table::{ALL_STEPS, millis};
use crate::measure::StepStats;
use crate::verdict::{NOTHING_SUCCEEDED, Reason, ThresholdResult};

/// The document.
pub fn junit(run: &Run) -> String {
    let report = &run.report;
    let verdict = &report.verdict;
    let dead = usize::from(verdict.nothing_succeeded.is_some());
    let failures = dead + verdict.thresholds.iter().filter(|t| !t.met).count();
    let suite = format!(
        "name=\"{}\" tests=\"{}\" failures=\"{failures}\" errors=\"{}\" time=\"{:.3}\"",
        escape(&report.scenario.name),
        verdict.thresholds.len() + 1 + dead,
        u8::from(!verdict.valid),
        report.elapsed_s
    );
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites {suite}>\n  <testsuite {suite} timestamp=\"{}\">\n",
        escape(&report.started_at)
    );
    properties(&mut out, run);
    validity(&mut out, &report.scenario.name, &verdict.reasons);
    if let Some(reason) = &verdict.nothing_succeeded {
        nothing_succeeded(&mut out, &report.scenario.name, reason);
    }
    for threshold in &verdict.thresholds {
        case(&mut out, &report.scenario.name, threshold);
    }
    out.push_str("  </testsuite>\n</testsuites>\n");
    out
}

// Writing to a String does not fail.

fn properties(out: &mut String, run: &Run) {
    let figures = Figures::of(&run.report);
    let mut property = |name: &str, value: &str| {
        let (name, value) = (escape(name), escape(value));
        let _ = writeln!(out, "      <property name=\"{name}\" value=\"{value}\"/>");
    };
    property("seed", &run.report.scenario.seed.to_string());
    property("run_id", &run.report.scenario.run_id);
    property("scenario_hash", &run.report.scenario.hash);
    property("command", &super::markdown::command(&run.report));
    let mut step = |name: &str, cell: &StepStats| {
        for (quantile, q) in QUANTILES {
            property(
                &format!("response_{quantile}_ms of {name}"),
                &millis(&cell.response, q),
            );
        }
    };
    figures
        .steps
        .iter()
        .for_each(|row| step(&row.step, &row.cell));
    step(ALL_STEPS, &figures.all);
    let begin = out.find("      <property ").unwrap_or(out.len());
    out.insert_str(begin, "    <properties>\n");
    out.push_str("    </properties>\n");
}

fn validity(out: &mut String, scenario: &str, reasons: &[Reason]) {
    let _ = write!(
        out,
        "    <testcase classname=\"{}\" name=\"the measurement is valid\"",
        escape(scenario)
    );
    if reasons.is_empty() {
        out.push_str("/>\n");
        return;
    }
    let text: Vec<String> = reasons
        .iter()
        .map(|reason| {
            let when = reason
                .when
                .as_ref()
                .map(|when| format!(" ({when})"))
                .unwrap_or_default();
            format!("{}{when}; remedy: {}", reason.what, reason.remedy)
        })
        .collect();
    let text = escape(&text.join("\n"));
    let _ = writeln!(
        out,
        ">\n      <error message=\"INVALID\">{text}</error>\n    </testcase>"
    );
}

fn nothing_succeeded(out: &mut String, scenario: &str, reason: &Reason) {
    let text = format!("{}; remedy: {}", reason.what, reason.remedy);
    let _ = writeln!(
        out,
        "    <testcase classname=\"{}\" name=\"something succeeded\">\n      <failure message=\"{NOTHING_SUCCEEDED}\">{}</failure>\n    </testcase>",
        escape(scenario),
        escape(&text)
    );
}

fn case(out: &mut String, scenario: &str, threshold: &ThresholdResult) {
    let (name, shown) = (escape(&threshold.text), escape(&threshold.shown));
    let _ = write!(
        out,
        "    <testcase classname=\"{}\" name=\"{name}\"",
        escape(scenario)
    );
    let _ = if threshold.met {
        writeln!(
            out,
            ">\n      <system-out>{shown}</system-out>\n    </testcase>"
        )
    } else {
        writeln!(
            out,
            ">\n      <failure message=\"{shown}\">{name}: {shown}</failure>\n    </testcase>"
        )
    };
}

/// Text for XML or HTML, in an element or an attribute. Control characters, which XML does not allow, become `�`.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' | '\r' => out.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

//! Markdown for pull requests: the verdict first, then thresholds, steps and errors.

use std::fmt::Write as _;

use super::RunReport;
use super::figures::Figures;
use super::read::Run;
use super::table::ALL_STEPS;
use super::text::at;
use crate::measure::StepStats;
use crate::verdict::NOTHING_SUCCEEDED;

/// Rows of errors shown.
const ROWS_MAX: usize = 10;

/// The document.
pub fn markdown(run: &Run) -> String {
    let report = &run.report;
    let figures = Figures::of(report);
    let mut out = format!(
        "## {} · {}\n\n",
        verdict(report),
        code(&report.scenario.name)
    );
    // Writing to a String does not fail.
    if !report.labels.is_empty() {
        let _ = writeln!(out, "{}\n", text(&report.labels.line()));
    }
    for remark in run.asides() {
        let _ = writeln!(out, "> {}", text(remark));
    }
    for reason in report.verdict.all_reasons() {
        let when = reason
            .when
            .as_ref()
            .map(|when| format!(" ({when})"))
            .unwrap_or_default();
        let _ = writeln!(
            out,
            "- ❌ {}{when} → {}",
            text(&reason.what),
            text(&reason.remedy)
        );
    }
    thresholds(&mut out, report);
    let _ = writeln!(
        out,
        "\n| response time | steps | errors | p50 | p90 | p99 | p99.9 | max | failure p50 |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|"
    );
    for step in &figures.steps {
        row(&mut out, &code(&step.step), &step.cell);
    }
    row(&mut out, &format!("**{ALL_STEPS}**"), &figures.all);
    errors(&mut out, &figures);
    replays(&mut out, report);
    facts(&mut out, report);
    out
}

/// `VALID · PASS` and its like.
pub fn verdict(report: &RunReport) -> String {
    let valid = if report.verdict.valid {
        "VALID"
    } else {
        "INVALID"
    };
    let passed = match report.verdict.passed {
        Some(true) => "PASS",
        Some(false) => "FAIL",
        None if report.interrupted.is_some() => "interrupted, thresholds not judged",
        None => "no thresholds judged",
    };
    match report.verdict.nothing_succeeded {
        Some(_) => format!("{valid} · {NOTHING_SUCCEEDED} · {passed}"),
        None => format!("{valid} · {passed}"),
    }
}

fn thresholds(out: &mut String, report: &RunReport) {
    if report.verdict.thresholds.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n| | threshold | value (limit) |\n|---|---|---|");
    for threshold in &report.verdict.thresholds {
        let mark = if threshold.met { "✅" } else { "❌" };
        let _ = writeln!(
            out,
            "| {mark} | {} | {} |",
            code(&threshold.text),
            text(&threshold.shown)
        );
    }
}

fn row(out: &mut String, name: &str, cell: &StepStats) {
    let times = &cell.response;
    let _ = writeln!(
        out,
        "| {name} | {} | {} | {} | {} | {} | {} | {} | {} |",
        cell.finished() + cell.in_flight,
        cell.errors(),
        at(times, 0.5),
        at(times, 0.9),
        at(times, 0.99),
        at(times, 0.999),
        at(times, 1.0),
        at(&cell.failure, 0.5)
    );
}

fn errors(out: &mut String, figures: &Figures) {
    if figures.errors.is_empty() {
        return;
    }
    let _ = writeln!(
        out,
        "\n| errors | kind | step | for example |\n|--:|---|---|---|"
    );
    for row in figures.errors.iter().take(ROWS_MAX) {
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} |",
            row.count,
            code(&row.name),
            code(&row.step),
            text(row.why.as_deref().unwrap_or_default())
        );
    }
    if figures.errors.len() > ROWS_MAX {
        let _ = writeln!(
            out,
            "\n… and {} more kinds.",
            figures.errors.len() - ROWS_MAX
        );
    }
}

fn replays(out: &mut String, report: &RunReport) {
    if let Some(line) = super::text::replays(report) {
        let _ = writeln!(out, "\nReplays: {line}.");
    }
}

fn facts(out: &mut String, report: &RunReport) {
    let a = &report.accounting;
    let _ = writeln!(
        out,
        "\n{} journeys planned, {} completed, {} failed, {} timed out, {} in flight, {} dropped. Seed {}, loadgen {}.\n\nTo repeat: {}",
        a.planned,
        a.completed,
        a.failed,
        a.timed_out,
        a.in_flight,
        a.dropped.values().sum::<u64>(),
        report.scenario.seed,
        text(&report.loadgen_version),
        code(&command(report))
    );
}

/// The command that repeats the run, for a shell.
pub fn command(report: &RunReport) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    let words = report.command.iter().map(|word| {
        if !word.is_empty() && word.chars().all(plain) {
            word.to_string()
        } else {
            format!("'{}'", word.replace('\'', "'\\''"))
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Text that stays text: nothing in it becomes markup, a table's end, or a line of its own.
fn text(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '\n' | '\r' => out.push(' '),
            '<' => out.push_str("&lt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '!' | '@' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

/// A code span, also within a table.
fn code(value: &str) -> String {
    let value = value
        .replace(['\n', '\r'], " ")
        .replace('`', "'")
        .replace('|', "\\|");
    format!("`{value}`")
}

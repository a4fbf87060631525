//! The summary that people read in the terminal at the end of a run.

use std::fmt::Write as _;
use std::time::Duration;

use super::figures::Figures;
use super::{RunReport, recorded};
use crate::measure::{LatencyHistogram, StepStats};
use crate::verdict::{NOTHING_SUCCEEDED, show_time};

/// Characters of the columns of the table of steps behind the names: all of them, and those of a narrow terminal.
const WIDE: usize = 80;
const NARROW: usize = 53;

/// Rows of errors and outcomes shown.
const ROWS_MAX: usize = 12;

/// Colours, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Whether escape sequences are written.
    pub colour: bool,
    /// Characters that a line may have; lines of tables keep to it down to 72.
    pub columns: usize,
}

impl Style {
    /// Without colours, for files and pipes.
    pub const PLAIN: Self = Self {
        colour: false,
        columns: usize::MAX,
    };

    /// A text in lines that fit; those behind the first begin with `indent`.
    fn folded(self, text: &str, indent: &str) -> String {
        let mut lines: Vec<String> = Vec::new();
        for word in text.split(' ') {
            let length = lines.last().map(|line| line.chars().count());
            let fits =
                length.is_some_and(|length| length + 1 + word.chars().count() <= self.columns);
            match lines.last_mut() {
                Some(line) if fits => {
                    line.push(' ');
                    line.push_str(word);
                }
                Some(_) => lines.push(format!("{indent}{word}")),
                None => lines.push(word.to_owned()),
            }
        }
        lines.join("\n")
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.colour {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    fn good(self, text: &str) -> String {
        self.paint("32;1", text)
    }

    fn bad(self, text: &str) -> String {
        self.paint("31;1", text)
    }

    fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    fn title(self, text: &str) -> String {
        self.paint("1", text)
    }
}

/// The whole summary.
pub fn summary(report: &RunReport, style: Style) -> String {
    let mut out = String::new();
    let figures = Figures::of(report);
    verdict(&mut out, report, style);
    facts(&mut out, report, style);
    rates(&mut out, &figures, style);
    steps(&mut out, &figures, style);
    journeys(&mut out, &figures, style);
    counts(&mut out, report, style);
    named(&mut out, &figures, style);
    generator(&mut out, report, style);
    out
}

// Writing to a String cannot fail, so the results of `writeln!` are not looked at in this file.

fn verdict(out: &mut String, report: &RunReport, style: Style) {
    let verdict = &report.verdict;
    let valid = if verdict.valid {
        style.good("VALID")
    } else {
        style.bad("INVALID")
    };
    let passed = match verdict.passed {
        Some(true) => style.good("PASS"),
        Some(false) => style.bad("FAIL"),
        None if report.interrupted.is_some() => style.dim("interrupted, thresholds not judged"),
        None => style.dim("no thresholds"),
    };
    let nothing = match verdict.nothing_succeeded {
        Some(_) => format!("{} · ", style.bad(NOTHING_SUCCEEDED)),
        None => String::new(),
    };
    let _ = writeln!(
        out,
        "\n{valid} · {nothing}{passed} · {}",
        style.title(&report.scenario.name)
    );
    for reason in verdict.all_reasons() {
        let when = reason
            .when
            .as_ref()
            .map(|when| format!(" ({when})"))
            .unwrap_or_default();
        let what = style.folded(&format!("  ✗ {}{when}", reason.what), "    ");
        let remedy = style.folded(&format!("    → {}", reason.remedy), "      ");
        let what = what.replacen('✗', &style.bad("✗"), 1);
        let _ = writeln!(out, "{what}\n{remedy}");
    }
    for threshold in &verdict.thresholds {
        let mark = if threshold.met {
            style.good("✓")
        } else {
            style.bad("✗")
        };
        let (text, shown) = (&threshold.text, &threshold.shown);
        let fits = text.chars().count().max(54) + 5 + shown.chars().count() <= style.columns;
        let _ = match fits {
            true => writeln!(out, "  {mark} {text:<54} {shown}"),
            false => writeln!(out, "  {mark} {text}\n      {shown}"),
        };
    }
}

fn facts(out: &mut String, report: &RunReport, style: Style) {
    let target = if report.embedded_shop {
        format!("the embedded shop at {}", report.target)
    } else {
        report.target.to_string()
    };
    let segment = match report.segment.of {
        1 => String::new(),
        of => format!(" · segment {}/{of}", report.segment.index),
    };
    let workers = if report.workers == 1 {
        "1 worker".to_owned()
    } else {
        format!("{} workers", report.workers)
    };
    let text = format!(
        "against {target} · {:.1} s · seed {} · run {}{segment} · {workers}",
        report.elapsed_s, report.scenario.seed, report.scenario.run_id
    );
    let text = style.folded(&format!("  {text}"), "  ");
    let _ = writeln!(out, "{}", style.dim(&text));
    if !report.labels.is_empty() {
        let _ = writeln!(out, "  {}", report.labels.line());
    }
    for note in &report.notes {
        let _ = writeln!(out, "  {}", style.bad(note));
    }
    if let Some(signal) = &report.interrupted {
        let _ = writeln!(
            out,
            "  {}",
            style.bad(&format!(
                "cut short by {signal}: the figures cover what was sent until then"
            ))
        );
    }
}

fn rates(out: &mut String, figures: &Figures, style: Style) {
    let header = format!(
        "\n{:<14} {:>8} {:>12} {:>12} {:>12} {:>12}",
        "phase", "seconds", "planned/s", "begun/s", "lag p50", "lag p99"
    );
    let _ = writeln!(out, "{}", style.title(&header));
    for phase in &figures.phases {
        let seconds = phase.seconds.max(1e-9);
        let _ = writeln!(
            out,
            "{:<14} {seconds:>8.1} {:>12.2} {:>12.2} {:>12} {:>12}",
            phase.name,
            phase.arrivals.planned as f64 / seconds,
            phase.arrivals.started as f64 / seconds,
            at(&phase.start_lag, 0.5),
            at(&phase.start_lag, 0.99),
        );
    }
}

fn steps(out: &mut String, figures: &Figures, style: Style) {
    let names = figures.steps.iter().map(|row| row.step.chars().count());
    let wanted = names.max().unwrap_or(4).clamp(15, 48);
    let is_wide = wanted + WIDE <= style.columns;
    let width = match is_wide {
        true => wanted,
        false => style.columns.saturating_sub(NARROW).clamp(15, wanted),
    };
    let header = match is_wide {
        true => format!(
            "\n{:<width$} {:>9} {:>8} {:>9} {:>9} {:>9} {:>9} {:>9} {:>11}",
            "response time", "steps", "errors", "p50", "p95", "p99", "p99.9", "max", "service p99"
        ),
        false => format!(
            "\n{:<width$} {:>8} {:>7} {:>8} {:>8} {:>8} {:>8}",
            "response time", "steps", "errors", "p50", "p95", "p99", "max"
        ),
    };
    let _ = writeln!(out, "{}", style.title(&header));
    for step in &figures.steps {
        row(out, &step.step, &step.cell, width, is_wide, style);
    }
    if figures.steps.len() > 1 {
        row(out, "all steps", &figures.all, width, is_wide, style);
    }
    failures(out, figures, width, style);
}

/// How long failed steps took: apart, because it says nothing about how fast the system is.
fn failures(out: &mut String, figures: &Figures, width: usize, style: Style) {
    if figures.all.failure.count() == 0 {
        return;
    }
    let header = format!(
        "\n{:<width$} {:>9} {:>9} {:>9} {:>9} {:>9}",
        "time to failure", "failed", "p50", "p95", "p99", "max"
    );
    let _ = writeln!(out, "{}", style.title(&header));
    for step in &figures.steps {
        let times = &step.cell.failure;
        if times.count() == 0 {
            continue;
        }
        let name: String = step.step.chars().take(width).collect();
        let _ = writeln!(
            out,
            "{name:<width$} {:>9} {:>9} {:>9} {:>9} {:>9}",
            times.count(),
            at(times, 0.5),
            at(times, 0.95),
            at(times, 0.99),
            at(times, 1.0),
        );
    }
}

fn row(out: &mut String, name: &str, cell: &StepStats, width: usize, is_wide: bool, style: Style) {
    let errors = format!("{:>1$}", cell.errors(), if is_wide { 8 } else { 7 });
    let errors = if cell.errors() > 0 {
        style.bad(&errors)
    } else {
        errors
    };
    let name: String = name.chars().take(width).collect();
    if !is_wide {
        let _ = writeln!(
            out,
            "{name:<width$} {:>8} {errors} {:>8} {:>8} {:>8} {:>8}",
            cell.readings(),
            at(&cell.response, 0.5),
            at(&cell.response, 0.95),
            at(&cell.response, 0.99),
            at(&cell.response, 1.0),
        );
        return;
    }
    let _ = writeln!(
        out,
        "{name:<width$} {:>9} {errors} {:>9} {:>9} {:>9} {:>9} {:>9} {:>11}",
        cell.finished() + cell.in_flight,
        at(&cell.response, 0.5),
        at(&cell.response, 0.95),
        at(&cell.response, 0.99),
        at(&cell.response, 0.999),
        at(&cell.response, 1.0),
        at(&cell.service, 0.99),
    );
}

fn journeys(out: &mut String, figures: &Figures, style: Style) {
    if figures.journeys.is_empty() {
        return;
    }
    let head = format!(
        "\n{:<22} {:>9} {:>7} {:>8} {:>9} {:>9}",
        "journeys, no thinking", "completed", "failed", "cut off", "p50", "p99"
    );
    let _ = writeln!(out, "{}", style.title(&head));
    for row in &figures.journeys {
        let (name, cell) = (&row.journey, &row.cell);
        let _ = writeln!(
            out,
            "{name:<22} {:>9} {:>7} {:>8} {:>9} {:>9}",
            cell.completed,
            cell.failed + cell.timed_out,
            cell.in_flight,
            at(&cell.response, 0.5),
            at(&cell.response, 0.99),
        );
    }
}

fn counts(out: &mut String, report: &RunReport, style: Style) {
    let seconds = |phase: &str| {
        report
            .phases
            .iter()
            .find(|p| p.name == phase)
            .map_or(1.0, |p| (p.end_s - p.begin_s).max(1e-9))
    };
    for (counter, phases) in &report.counters {
        let total: u64 = phases.values().sum();
        let mut parts: Vec<String> = Vec::new();
        for phase in &report.phases {
            let count = phases.get(&phase.name).copied().unwrap_or(0);
            parts.push(format!(
                "{} {:.0}/min",
                phase.name,
                count as f64 / seconds(&phase.name) * 60.0
            ));
        }
        let line = format!("  {counter:<24} {total:>8} ({})", parts.join(", "));
        let _ = writeln!(out, "{}", style.folded(&line, "    "));
    }
}

fn named(out: &mut String, figures: &Figures, style: Style) {
    let tables = [
        ("\nforeseen outcomes", &figures.outcomes),
        ("\nerrors", &figures.errors),
    ];
    for (title, rows) in tables {
        if rows.is_empty() {
            continue;
        }
        let _ = writeln!(out, "{}", style.title(title));
        for row in rows.iter().take(ROWS_MAX) {
            let _ = writeln!(out, "  {:>8}  {:<28} {}", row.count, row.name, row.step);
            if let Some(why) = &row.why {
                let why = style.folded(&format!("            {why}"), "            ");
                let _ = writeln!(out, "{}", style.dim(&why));
            }
        }
        if rows.len() > ROWS_MAX {
            let _ = writeln!(
                out,
                "  … and {} more kinds in run.json",
                rows.len() - ROWS_MAX
            );
        }
    }
}

/// How many answers came from the target's memory; `None` without any.
pub(super) fn replays(report: &RunReport) -> Option<String> {
    let sum = report.replays();
    (sum.replayed > 0).then(|| {
        format!(
            "{} of {} answers to requests with an idempotency key came from the target's memory, {} of them for a key's first use",
            sum.replayed, sum.keyed, sum.unforeseen
        )
    })
}

fn generator(out: &mut String, report: &RunReport, style: Style) {
    if let Some(line) = replays(report) {
        let _ = writeln!(out, "\n{}: {line}", style.title("replays"));
    }
    let a = &report.accounting;
    let dropped: u64 = a.dropped.values().sum();
    let sums = format!(
        "accounting: {} planned = {} completed + {} failed + {} timed out + {} in flight + {dropped} dropped",
        a.planned, a.completed, a.failed, a.timed_out, a.in_flight
    );
    titled(out, "accounting", &sums, style);
    let g = &report.generator;
    let shop = match g.shop_memory_bytes_max {
        0 => String::new(),
        bytes => format!(" · shop memory {} MiB", bytes >> 20),
    };
    let used = format!(
        "generator: CPU {:.0} % of {} cores at most · memory {} MiB{shop} · {} shoppers and {} connections at most",
        g.cpu_share_max * 100.0,
        report.workers,
        g.memory_bytes_max >> 20,
        g.shoppers_max,
        g.connections_max
    );
    titled(out, "generator", &used, style);
    if let Some(protocols) = g.protocol_line() {
        titled(out, "protocol", &format!("protocol: {protocols}"), style);
    }
    recorded::write(out, report, style);
    if let Some(rum) = &report.rum {
        titled(out, "RUM", &format!("RUM: {}", rum.line()), style);
    }
}

/// A line that begins with its title, folded.
pub(super) fn titled(out: &mut String, title: &str, text: &str, style: Style) {
    let folded = style
        .folded(text, "  ")
        .replacen(title, &style.title(title), 1);
    let before = if title == "accounting" { "\n" } else { "" };
    let _ = writeln!(out, "{before}{folded}");
}

/// A quantile as it is shown everywhere; a dash without readings.
pub fn at(times: &LatencyHistogram, q: f64) -> String {
    times
        .quantile(q)
        .map_or_else(|| "–".to_owned(), |time: Duration| show_time(time))
}

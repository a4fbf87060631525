//! The summary that people read in the terminal at the end of a run.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use super::{RunReport, StepRecord};
use crate::measure::{Cell, Times};
use crate::verdict::show_time;

/// Rows of errors and outcomes shown.
const ROWS_MAX: usize = 12;

/// Colours, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Whether escape sequences are written.
    pub colour: bool,
}

impl Style {
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
    verdict(&mut out, report, style);
    facts(&mut out, report, style);
    rates(&mut out, report, style);
    steps(&mut out, report, style);
    funnel(&mut out, report, style);
    counts(&mut out, report, style);
    named(&mut out, report, style);
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
    let _ = writeln!(
        out,
        "\n{valid} · {passed} · {}",
        style.title(&report.scenario.name)
    );
    for reason in &verdict.reasons {
        let when = reason
            .when
            .as_ref()
            .map(|when| format!(" ({when})"))
            .unwrap_or_default();
        let _ = writeln!(
            out,
            "  {} {}{when}\n    → {}",
            style.bad("✗"),
            reason.what,
            reason.remedy
        );
    }
    for threshold in &verdict.thresholds {
        let mark = if threshold.met {
            style.good("✓")
        } else {
            style.bad("✗")
        };
        let _ = writeln!(out, "  {mark} {:<54} {}", threshold.text, threshold.shown);
    }
}

fn facts(out: &mut String, report: &RunReport, style: Style) {
    let target = if report.embedded_shop {
        format!("the embedded shop at {}", report.target)
    } else {
        report.target.clone()
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
        "against {target} · {:.1} s · seed {}{segment} · {workers}",
        report.elapsed_s, report.scenario.seed
    );
    let _ = writeln!(out, "  {}", style.dim(&text));
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

fn rates(out: &mut String, report: &RunReport, style: Style) {
    let header = format!(
        "\n{:<14} {:>8} {:>12} {:>12} {:>12} {:>12}",
        "phase", "seconds", "planned/s", "begun/s", "lag p50", "lag p99"
    );
    let _ = writeln!(out, "{}", style.title(&header));
    for phase in &report.phases {
        let (begin, end) = (phase.begin_s, phase.end_s);
        let inside = report
            .arrivals
            .iter()
            .enumerate()
            .filter(|(second, _)| (*second as f64) >= begin.floor() && (*second as f64) < end);
        let (planned, started) = inside.fold((0, 0), |(p, s), (_, arrivals)| {
            (p + arrivals.planned, s + arrivals.started)
        });
        let seconds = (end - begin).max(1e-9);
        let lag = phase.start_lag.hdr.times().unwrap_or_default();
        let _ = writeln!(
            out,
            "{:<14} {seconds:>8.1} {:>12.2} {:>12.2} {:>12} {:>12}",
            phase.name,
            planned as f64 / seconds,
            started as f64 / seconds,
            at(&lag, 0.5),
            at(&lag, 0.99),
        );
    }
}

fn steps(out: &mut String, report: &RunReport, style: Style) {
    let counts: Vec<&str> = report
        .phases
        .iter()
        .filter(|phase| phase.counts)
        .map(|phase| phase.name.as_str())
        .collect();
    let mut rows: Vec<(&str, Cell)> = Vec::new();
    for record in report
        .steps
        .iter()
        .filter(|record| counts.contains(&record.phase.as_str()))
    {
        match rows.iter_mut().find(|(name, _)| *name == record.step) {
            Some((_, cell)) => cell.add(&cell_of(record)),
            None => rows.push((&record.step, cell_of(record))),
        }
    }
    let width = rows
        .iter()
        .map(|(name, _)| name.chars().count())
        .max()
        .unwrap_or(4)
        .clamp(4, 48);
    let header = format!(
        "\n{:<width$} {:>9} {:>8} {:>9} {:>9} {:>9} {:>9} {:>9} {:>11}",
        "response time", "steps", "errors", "p50", "p95", "p99", "p99.9", "max", "service p99"
    );
    let _ = writeln!(out, "{}", style.title(&header));
    let mut all = Cell::default();
    for (name, cell) in &rows {
        row(out, name, cell, width, style);
        all.add(cell);
    }
    if rows.len() > 1 {
        row(out, "all steps", &all, width, style);
    }
}

fn row(out: &mut String, name: &str, cell: &Cell, width: usize, style: Style) {
    let errors = format!("{:>8}", cell.errors());
    let errors = if cell.errors() > 0 {
        style.bad(&errors)
    } else {
        errors
    };
    let name: String = name.chars().take(width).collect();
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

fn funnel(out: &mut String, report: &RunReport, style: Style) {
    if report.journeys.is_empty() {
        return;
    }
    let _ = writeln!(out, "{}", style.title("\njourneys"));
    let mut by_name: BTreeMap<&str, (u64, u64, u64, Times)> = BTreeMap::new();
    for journey in &report.journeys {
        let sum = by_name.entry(&journey.journey).or_default();
        sum.0 += journey.completed;
        sum.1 += journey.failed + journey.timed_out;
        sum.2 += journey.in_flight;
        sum.3.add(&journey.response.hdr.times().unwrap_or_default());
    }
    for (name, (completed, failed, in_flight, times)) in by_name {
        let _ = writeln!(
            out,
            "  {name:<24} {completed:>8} completed {failed:>6} failed {in_flight:>6} cut off   p50 {:>9}  p99 {:>9} {}",
            at(&times, 0.5),
            at(&times, 0.99),
            style.dim("(think times taken out)")
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
        let _ = writeln!(
            out,
            "  {counter:<24} {total:>8} {}",
            style.dim(&format!("({})", parts.join(", ")))
        );
    }
}

fn named(out: &mut String, report: &RunReport, style: Style) {
    let tally = |of: fn(&StepRecord) -> &BTreeMap<String, u64>| {
        let mut sums: BTreeMap<(String, String), u64> = BTreeMap::new();
        for record in &report.steps {
            for (name, count) in of(record) {
                *sums.entry((name.clone(), record.step.clone())).or_default() += count;
            }
        }
        let mut rows: Vec<_> = sums.into_iter().collect();
        rows.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        rows
    };
    let tables = [
        ("\nforeseen outcomes", tally(|record| &record.outcomes)),
        ("\nerrors", tally(|record| &record.errors)),
    ];
    for (title, rows) in tables {
        if rows.is_empty() {
            continue;
        }
        let _ = writeln!(out, "{}", style.title(title));
        for ((name, step), count) in rows.iter().take(ROWS_MAX) {
            let _ = writeln!(out, "  {count:>8}  {name:<28} {step}");
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

fn generator(out: &mut String, report: &RunReport, style: Style) {
    let a = &report.accounting;
    let dropped: u64 = a.dropped.values().sum();
    let _ = writeln!(
        out,
        "\n{}: {} planned = {} completed + {} failed + {} timed out + {} in flight + {dropped} dropped",
        style.title("accounting"),
        a.planned,
        a.completed,
        a.failed,
        a.timed_out,
        a.in_flight
    );
    let g = &report.generator;
    let shop = match g.shop_memory_bytes_max {
        0 => String::new(),
        bytes => format!(" · shop memory {} MiB", bytes >> 20),
    };
    let _ = writeln!(
        out,
        "{}: CPU {:.0} % of {} cores at most · memory {} MiB{shop} · {} shoppers and {} connections at most",
        style.title("generator"),
        g.cpu_share_max * 100.0,
        report.workers,
        g.memory_bytes_max >> 20,
        g.shoppers_max,
        g.connections_max
    );
}

fn cell_of(record: &StepRecord) -> Cell {
    let timed_out = record.errors.get("timeout").copied().unwrap_or(0);
    Cell {
        response: record.response.hdr.times().unwrap_or_default(),
        service: record.service_time.hdr.times().unwrap_or_default(),
        connection_wait: record.connection_wait.hdr.times().unwrap_or_default(),
        ok: record.ok,
        outcomes: record.outcomes.values().sum(),
        failed: record.errors.values().sum::<u64>() - timed_out,
        timed_out,
        in_flight: record.in_flight,
        bytes: record.bytes,
    }
}

fn at(times: &Times, q: f64) -> String {
    times
        .quantile(q)
        .map_or_else(|| "–".to_owned(), |time: Duration| show_time(time))
}

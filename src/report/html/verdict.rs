//! The top of the page: can the run be trusted, was it good enough, and the figures that one asks for first.

use std::fmt::Write as _;

use super::{escape, grouped, percent, table_cell};
use crate::report::RunReport;
use crate::report::figures::Figures;
use crate::report::read::Run;
use crate::report::text::at;
use crate::verdict::{NOTHING_SUCCEEDED, Reason};

pub(super) fn write(out: &mut String, run: &Run, figures: &Figures) {
    let report = &run.report;
    banner(out, report);
    navigation(out);
    let _ = write!(
        out,
        "<main>\n<section id=\"verdict\" aria-label=\"Verdict\">"
    );
    remarks(out, run);
    reasons(out, report);
    tiles(out, report, figures);
    thresholds(out, report);
    out.push_str("</section>\n");
}

fn banner(out: &mut String, report: &RunReport) {
    let (valid_class, valid) = if report.verdict.valid {
        ("good", "VALID")
    } else {
        ("bad", "INVALID")
    };
    let (passed_class, passed) = match report.verdict.passed {
        Some(true) => ("good", "PASS"),
        Some(false) => ("bad", "FAIL"),
        None if report.interrupted.is_some() => ("dim", "INTERRUPTED"),
        None => ("dim", "NOT JUDGED"),
    };
    let nothing = match report.verdict.nothing_succeeded {
        Some(_) => format!("<span class=\"badge bad\">{NOTHING_SUCCEEDED}</span>"),
        None => String::new(),
    };
    let _ = writeln!(
        out,
        "<header class=\"banner\"><div><h1>{}</h1><p class=\"about\">{}</p></div>\
         <p class=\"badges\"><span class=\"badge {valid_class}\">{valid}</span>{nothing}<span class=\"badge {passed_class}\">{passed}</span></p>\
         <p class=\"facts\">{}</p></header>",
        escape(&report.scenario.name),
        escape(report.scenario.about.trim()),
        facts(report)
    );
}

fn facts(report: &RunReport) -> String {
    let target = if report.embedded_shop {
        "the embedded shop".to_owned()
    } else {
        report.target.to_string()
    };
    let mut facts = vec![
        format!("against {target}"),
        report
            .started_at
            .split('.')
            .next()
            .unwrap_or_default()
            .trim_end_matches('Z')
            .replace('T', " ")
            + " UTC",
        format!("{:.0} s of load", report.load_s),
        format!("seed {}", report.scenario.seed),
        format!("run {}", report.scenario.run_id),
    ];
    if report.segment.of > 1 {
        facts.push(format!(
            "segment {}/{}",
            report.segment.index, report.segment.of
        ));
    }
    facts.push(format!("loadgen {}", report.loadgen_version));
    let facts: Vec<String> = facts
        .iter()
        .map(|fact| format!("<span>{}</span>", escape(fact)))
        .collect();
    facts.join(" ")
}

fn navigation(out: &mut String) {
    const PLACES: [(&str, &str); 10] = [
        ("verdict", "Verdict"),
        ("load", "Rate"),
        ("latency", "Response time"),
        ("distribution", "Distribution"),
        ("steps", "Steps"),
        ("phases", "Phases"),
        ("funnel", "Funnel"),
        ("errors", "Errors"),
        ("slowest", "Slowest"),
        ("generator", "Generator"),
    ];
    out.push_str("<nav aria-label=\"Sections\">");
    for (id, name) in PLACES {
        let _ = write!(out, "<a href=\"#{id}\">{name}</a>");
    }
    out.push_str("</nav>\n");
}

fn remarks(out: &mut String, run: &Run) {
    if let Some(signal) = &run.report.interrupted {
        let _ = write!(
            out,
            "<p class=\"box dim\">Cut short by {}: the figures cover what was sent until then, and no threshold was judged.</p>",
            escape(signal)
        );
    }
    if !run.report.labels.is_empty() {
        let _ = write!(
            out,
            "<p class=\"box dim\">{}</p>",
            escape(&run.report.labels.line())
        );
    }
    for remark in run.asides() {
        let _ = write!(out, "<p class=\"box dim\">{}</p>", escape(remark));
    }
}

fn reasons(out: &mut String, report: &RunReport) {
    let dead = report.verdict.nothing_succeeded.as_slice();
    for (title, reasons) in [
        (
            "Do not trust these figures",
            report.verdict.reasons.as_slice(),
        ),
        ("Nothing succeeded", dead),
    ] {
        if !reasons.is_empty() {
            reason_box(out, title, reasons);
        }
    }
}

fn reason_box(out: &mut String, title: &str, reasons: &[Reason]) {
    let _ = write!(out, "<div class=\"box bad\"><h2>{title}</h2><ul>");
    for reason in reasons {
        let when = reason
            .when
            .as_ref()
            .map(|when| format!(" ({})", escape(when)))
            .unwrap_or_default();
        let _ = write!(
            out,
            "<li><strong>{}</strong>{when}<br>Remedy: {}</li>",
            escape(&reason.what),
            escape(&reason.remedy)
        );
    }
    out.push_str("</ul></div>");
}

fn tiles(out: &mut String, report: &RunReport, figures: &Figures) {
    let all = &figures.all;
    let steps = all.finished() + all.in_flight;
    let rate = steps as f64 / figures.seconds.max(1e-9);
    let begun: u64 = figures
        .phases
        .iter()
        .map(|phase| phase.arrivals.started)
        .sum();
    let mut tiles = vec![
        ("p50", at(&all.response, 0.5), "response time"),
        ("p95", at(&all.response, 0.95), "response time"),
        ("p99", at(&all.response, 0.99), "response time"),
        ("p99.9", at(&all.response, 0.999), "response time"),
        ("max", at(&all.response, 1.0), "response time"),
    ]
    .into_iter()
    .map(|(name, value, note)| (name.to_owned(), value, note.to_owned()))
    .collect::<Vec<_>>();
    tiles.push((
        "errors".to_owned(),
        percent(all.errors(), all.finished()),
        format!(
            "{} of {} requests",
            grouped(all.errors()),
            grouped(all.finished())
        ),
    ));
    tiles.push((
        "requests".to_owned(),
        format!("{rate:.1}/s"),
        format!("{} in all", grouped(steps)),
    ));
    tiles.push((
        "journeys".to_owned(),
        percent(begun, report.accounting.planned),
        format!("of {} planned began", grouped(report.accounting.planned)),
    ));
    tiles.push((
        "start lag p99".to_owned(),
        at(&figures.start_lag, 0.99),
        "the generator's own lateness".to_owned(),
    ));
    for (counter, phases) in report.counters.iter().take(4) {
        tiles.push((
            counter.replace('_', " "),
            grouped(phases.values().sum()),
            "counted".to_owned(),
        ));
    }
    let replays = report.replays();
    if replays.replayed > 0 {
        tiles.push((
            "replays".to_owned(),
            grouped(replays.replayed),
            format!(
                "of {} keyed answers, {} unforeseen",
                grouped(replays.keyed),
                grouped(replays.unforeseen)
            ),
        ));
    }
    out.push_str("<dl class=\"tiles\">");
    for (name, value, note) in tiles {
        let (name, value, note) = (escape(&name), escape(&value), escape(&note));
        let _ = write!(
            out,
            "<div><dt>{name}</dt><dd>{value}</dd><dd class=\"dim\">{note}</dd></div>"
        );
    }
    out.push_str("</dl>");
}

fn thresholds(out: &mut String, report: &RunReport) {
    let thresholds = &report.verdict.thresholds;
    if thresholds.is_empty() {
        out.push_str("<p class=\"note\">No threshold was judged.</p>");
        return;
    }
    let met = thresholds.iter().filter(|threshold| threshold.met).count();
    let _ = write!(
        out,
        "<div class=\"scroll\"><table><caption>Thresholds: {met} of {} met</caption><thead><tr><th scope=\"col\">Met</th>\
         <th scope=\"col\">Threshold</th><th scope=\"col\">Value and limit</th></tr></thead><tbody>",
        thresholds.len()
    );
    let failed_first = thresholds
        .iter()
        .filter(|t| !t.met)
        .chain(thresholds.iter().filter(|t| t.met));
    for threshold in failed_first {
        let (class, mark) = if threshold.met {
            ("good", "✓ met")
        } else {
            ("bad", "✗ failed")
        };
        let _ = write!(
            out,
            "<tr><td class=\"{class}\">{mark}</td><th scope=\"row\">{}</th><td>{}</td></tr>",
            table_cell(&threshold.text),
            table_cell(&threshold.shown)
        );
    }
    out.push_str("</tbody></table></div>");
}

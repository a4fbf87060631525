//! Tables: steps, phases, funnel, the generator, and how to repeat the run.

use std::fmt::Write as _;

use super::{escape, grouped, number, percent, table_cell};
use crate::measure::StepStats;
use crate::report::figures::{Figures, PhaseFigures, StepFigures};
use crate::report::read::Run;
use crate::report::recorded::{missing, recorded};
use crate::report::table::ALL_STEPS;
use crate::report::text::at;

/// Names and quantiles of the columns with response times.
const SHOWN: [(&str, f64); 6] = [
    ("p50", 0.5),
    ("p90", 0.9),
    ("p95", 0.95),
    ("p99", 0.99),
    ("p99.9", 0.999),
    ("max", 1.0),
];

pub(super) fn steps(out: &mut String, _: &Run, figures: &Figures) {
    out.push_str(
        "<section id=\"steps\" aria-labelledby=\"steps-h\"><h2 id=\"steps-h\">Steps</h2>\
         <div class=\"scroll\"><table class=\"sortable\"><caption>Response time by step, warm-up left out; failed requests have columns of their own. A click on a heading sorts; a click on a step shows it in the charts.</caption><thead><tr>\
         <th scope=\"col\">Step</th><th scope=\"col\">Service</th>",
    );
    for name in ["Requests", "Rate", "Errors", "Error share"]
        .into_iter()
        .chain(SHOWN.map(|(name, _)| name))
    {
        let _ = write!(out, "<th scope=\"col\" class=\"n\">{name}</th>");
    }
    for name in [
        "Service p50",
        "Service p99",
        "Conn. wait p99",
        "Failure p50",
        "Failure p99",
    ] {
        let _ = write!(out, "<th scope=\"col\" class=\"n\">{name}</th>");
    }
    out.push_str("</tr></thead><tbody>");
    for step in &figures.steps {
        step_row(out, &step.step, &step.service, &step.cell, figures.seconds);
    }
    out.push_str("</tbody><tfoot>");
    step_row(out, ALL_STEPS, "", &figures.all, figures.seconds);
    out.push_str("</tfoot></table></div></section>\n");
}

fn step_row(out: &mut String, name: &str, service: &str, cell: &StepStats, seconds: f64) {
    let total = cell.finished() + cell.in_flight;
    let _ = write!(
        out,
        "<tr><th scope=\"row\"><button type=\"button\" class=\"step\">{}</button></th><td>{}</td>",
        escape(name),
        escape(service)
    );
    sortable(out, &grouped(total), total as f64, "");
    sortable(
        out,
        &format!("{:.1}/s", total as f64 / seconds.max(1e-9)),
        total as f64,
        "",
    );
    let class = if cell.errors() > 0 { " bad" } else { "" };
    let share = cell.errors() as f64 / cell.finished().max(1) as f64;
    sortable(out, &grouped(cell.errors()), cell.errors() as f64, class);
    sortable(out, &percent(cell.errors(), cell.finished()), share, class);
    for (_, q) in SHOWN {
        time(out, &cell.response, q);
    }
    time(out, &cell.service, 0.5);
    time(out, &cell.service, 0.99);
    time(out, &cell.connection_wait, 0.99);
    time(out, &cell.failure, 0.5);
    time(out, &cell.failure, 0.99);
    out.push_str("</tr>");
}

fn sortable(out: &mut String, text: &str, value: f64, class: &str) {
    let _ = write!(
        out,
        "<td class=\"n{class}\" data-v=\"{value}\">{}</td>",
        escape(text)
    );
}

/// A time as in every output, with its exact value in milliseconds for sorting and for machines.
fn time(out: &mut String, times: &crate::measure::LatencyHistogram, q: f64) {
    let exact = crate::report::table::millis(times, q);
    let _ = write!(
        out,
        "<td class=\"n\" data-v=\"{exact}\">{}</td>",
        at(times, q)
    );
}

pub(super) fn phases(out: &mut String, _: &Run, figures: &Figures) {
    out.push_str(
        "<section id=\"phases\" aria-labelledby=\"phases-h\"><h2 id=\"phases-h\">Phases compared</h2>\
         <div class=\"scroll\"><table><caption>All steps by phase. Changes are against the first phase that counts.</caption><thead><tr><th scope=\"col\">Phase</th>",
    );
    let heads = [
        "Seconds",
        "Planned",
        "Begun",
        "Requests",
        "Errors",
        "p50",
        "p90",
        "p99",
        "p99 change",
        "p99.9",
        "max",
        "Lag p99",
    ];
    for name in heads {
        let _ = write!(out, "<th scope=\"col\" class=\"n\">{name}</th>");
    }
    out.push_str("</tr></thead><tbody>");
    let base = figures.phases.iter().find(|phase| phase.counts);
    for phase in &figures.phases {
        phase_row(out, phase, base);
    }
    out.push_str("</tbody></table></div>");
    phases_by_step(out, figures);
    out.push_str("</section>\n");
}

fn phase_row(out: &mut String, phase: &PhaseFigures, base: Option<&PhaseFigures>) {
    let seconds = phase.seconds.max(1e-9);
    let note = if phase.counts {
        ""
    } else {
        " <span class=\"dim\">(does not count)</span>"
    };
    let _ = write!(
        out,
        "<tr><th scope=\"row\">{}{note}</th>",
        table_cell(&phase.name)
    );
    number(out, &format!("{:.1}", phase.seconds));
    number(
        out,
        &format!("{:.2}/s", phase.arrivals.planned as f64 / seconds),
    );
    number(
        out,
        &format!("{:.2}/s", phase.arrivals.started as f64 / seconds),
    );
    number(out, &grouped(phase.all.readings()));
    number(out, &percent(phase.all.errors(), phase.all.finished()));
    for q in [0.5, 0.9, 0.99] {
        time(out, &phase.all.response, q);
    }
    number(out, &change(phase, base));
    time(out, &phase.all.response, 0.999);
    time(out, &phase.all.response, 1.0);
    time(out, &phase.start_lag, 0.99);
    out.push_str("</tr>");
}

fn change(phase: &PhaseFigures, base: Option<&PhaseFigures>) -> String {
    let p99 = |phase: &PhaseFigures| phase.all.response.quantile(0.99);
    let Some(base) = base.filter(|base| base.name != phase.name) else {
        return "–".to_owned();
    };
    match (p99(phase), p99(base)) {
        (Some(now), Some(then)) if !then.is_zero() => {
            let change = now.as_secs_f64() / then.as_secs_f64() * 100.0 - 100.0;
            format!("{change:+.0} %").replace('-', "−")
        }
        _ => "–".to_owned(),
    }
}

fn phases_by_step(out: &mut String, figures: &Figures) {
    out.push_str("<details><summary>p50 and p99 of every step by phase</summary><div class=\"scroll\"><table><caption>Response time, p50 / p99</caption><thead><tr><th scope=\"col\">Step</th>");
    for phase in &figures.phases {
        let _ = write!(
            out,
            "<th scope=\"col\" class=\"n\">{}</th>",
            table_cell(&phase.name)
        );
    }
    out.push_str("</tr></thead><tbody>");
    for step in &figures.steps {
        let _ = write!(out, "<tr><th scope=\"row\">{}</th>", table_cell(&step.step));
        for phase in &figures.phases {
            let found = phase.steps.iter().find(|row| row.step == step.step);
            let text = found.map_or("–".to_owned(), |row: &StepFigures| {
                format!(
                    "{} / {}",
                    at(&row.cell.response, 0.5),
                    at(&row.cell.response, 0.99)
                )
            });
            number(out, &text);
        }
        out.push_str("</tr>");
    }
    out.push_str("</tbody></table></div></details>");
}

pub(super) fn funnel(out: &mut String, run: &Run, figures: &Figures) {
    out.push_str("<section id=\"funnel\" aria-labelledby=\"funnel-h\"><h2 id=\"funnel-h\">Journeys and funnel</h2>");
    journeys(out, figures);
    for funnel in &run.report.funnels {
        let most = funnel
            .steps
            .iter()
            .map(|(_, count)| *count)
            .max()
            .unwrap_or(0);
        if funnel.steps.len() < 2 || most == 0 {
            continue;
        }
        let _ = write!(
            out,
            "<div class=\"scroll\"><table class=\"funnel\"><caption>‘{}’: how many shoppers came to each step, each counted once, warm-up included</caption><thead><tr>\
             <th scope=\"col\">Step</th><th scope=\"col\"><span class=\"hidden\">Bar</span></th><th scope=\"col\" class=\"n\">Shoppers</th>\
             <th scope=\"col\" class=\"n\">Of the first</th><th scope=\"col\" class=\"n\">Of the step before</th></tr></thead><tbody>",
            table_cell(&funnel.journey)
        );
        let first = funnel.steps.first().map_or(0, |(_, count)| *count);
        let mut before: Option<u64> = None;
        for (step, count) in &funnel.steps {
            funnel_row(out, step, *count, most);
            number(out, &percent(*count, first));
            number(
                out,
                &before
                    // A branch that few take comes between steps that most take.
                    .filter(|before| before >= count)
                    .map_or("–".to_owned(), |before| percent(*count, before)),
            );
            out.push_str("</tr>");
            before = Some(*count);
        }
        out.push_str("</tbody></table></div>");
    }
    out.push_str("</section>\n");
}

fn funnel_row(out: &mut String, step: &str, count: u64, most: u64) {
    let width = count as f64 / most as f64 * 240.0;
    let _ = write!(
        out,
        "<tr><th scope=\"row\">{}</th><td><svg width=\"240\" height=\"14\" viewBox=\"0 0 240 14\" aria-hidden=\"true\"><rect class=\"bar\" width=\"{width:.1}\" height=\"14\" rx=\"2\"/></svg></td>",
        escape(step)
    );
    number(out, &grouped(count));
}

fn journeys(out: &mut String, figures: &Figures) {
    if figures.journeys.is_empty() {
        return;
    }
    out.push_str(
        "<div class=\"scroll\"><table><caption>Journeys, from arrival to end without think times</caption><thead><tr><th scope=\"col\">Journey</th><th scope=\"col\" class=\"n\">Completed</th>\
         <th scope=\"col\" class=\"n\">Failed</th><th scope=\"col\" class=\"n\">Timed out</th><th scope=\"col\" class=\"n\">Cut off</th>\
         <th scope=\"col\" class=\"n\">p50</th><th scope=\"col\" class=\"n\">p90</th><th scope=\"col\" class=\"n\">p99</th><th scope=\"col\" class=\"n\">max</th></tr></thead><tbody>",
    );
    for row in &figures.journeys {
        let cell = &row.cell;
        let _ = write!(
            out,
            "<tr><th scope=\"row\">{}</th>",
            table_cell(&row.journey)
        );
        for count in [cell.completed, cell.failed, cell.timed_out, cell.in_flight] {
            number(out, &grouped(count));
        }
        for q in [0.5, 0.9, 0.99, 1.0] {
            time(out, &cell.response, q);
        }
        out.push_str("</tr>");
    }
    out.push_str("</tbody></table></div>");
}

pub(super) fn generator(out: &mut String, run: &Run, figures: &Figures) {
    let (report, g) = (&run.report, &run.report.generator);
    out.push_str(
        "<section id=\"generator\" aria-labelledby=\"generator-h\"><h2 id=\"generator-h\">The generator’s own health</h2>\
         <p class=\"note\">Start lag is how late journeys began: the generator’s own fault, never the system’s.</p>\
         <figure class=\"chart\" id=\"chart-lag\"></figure><figure class=\"chart\" id=\"chart-own\"></figure><figure class=\"chart\" id=\"chart-cpu\"></figure>",
    );
    let a = &report.accounting;
    let dropped: u64 = a.dropped.values().sum();
    let _ = write!(
        out,
        "<p class=\"equation\"><b>{}</b> planned = <b>{}</b> completed + <b>{}</b> failed + <b>{}</b> timed out + <b>{}</b> in flight + <b>{}</b> dropped</p>",
        grouped(a.planned),
        grouped(a.completed),
        grouped(a.failed),
        grouped(a.timed_out),
        grouped(a.in_flight),
        grouped(dropped)
    );
    let mib = |bytes: u64| format!("{} MiB", bytes >> 20);
    let mut rows = vec![
        (
            "Start lag p50 / p99 / max",
            format!(
                "{} / {} / {}",
                at(&figures.start_lag, 0.5),
                at(&figures.start_lag, 0.99),
                at(&figures.start_lag, 1.0)
            ),
        ),
        (
            "CPU",
            format!(
                "{:.0} % of {} cores at most over ten seconds; {:.1} s in all",
                g.cpu_share_max * 100.0,
                report.workers,
                g.cpu_s
            ),
        ),
        ("Memory", mib(g.memory_bytes_max)),
        ("Shoppers at one time", grouped(u64::from(g.shoppers_max))),
        ("Open connections", grouped(u64::from(g.connections_max))),
    ];
    if g.shop_memory_bytes_max > 0 {
        rows.push(("Memory of the embedded shop", mib(g.shop_memory_bytes_max)));
    }
    if let Some(protocols) = g.protocol_line() {
        rows.push(("Protocol of answers", protocols));
    }
    for (reason, count) in &a.dropped {
        rows.push((
            "Journeys dropped",
            format!("{} ({reason})", grouped(*count)),
        ));
    }
    if let Some(recording) = &report.recording {
        rows.push(("Recorded of the system’s telemetry", recorded(recording)));
        let missing = missing(recording);
        rows.extend(missing.map(|missing| ("Not recorded", missing)));
    }
    pairs(out, "Highest values", &rows);
    out.push_str("</section>\n");
}

pub(super) fn repeat(out: &mut String, run: &Run) {
    let (report, e) = (&run.report, &run.report.environment);
    let _ = write!(
        out,
        "<section id=\"repeat\" aria-labelledby=\"repeat-h\"><h2 id=\"repeat-h\">Environment, and how to repeat the run</h2><pre class=\"command\" tabindex=\"0\">{}</pre>",
        escape(&crate::report::markdown::command(report))
    );
    pairs(
        out,
        "Environment",
        &[
            (
                "Scenario",
                format!("{} ({})", report.scenario.name, report.scenario.origin),
            ),
            ("Scenario’s SHA-256", report.scenario.hash.clone()),
            ("Seed", report.scenario.seed.to_string()),
            ("Run id", report.scenario.run_id.clone()),
            ("Target", report.target.to_string()),
            ("Begun", report.started_at.clone()),
            (
                "From start to the last answer",
                format!("{:.1} s", report.elapsed_s),
            ),
            ("Worker threads", report.workers.to_string()),
            ("System", format!("{}, kernel {}", e.system, e.kernel)),
            ("CPU", format!("{}, {} cores usable", e.cpu, e.cores)),
            ("Memory", format!("{} MiB", e.memory_bytes >> 20)),
            ("Open files allowed", grouped(e.descriptors_max)),
            ("loadgen", report.loadgen_version.clone()),
        ],
    );
    out.push_str("</section>\n");
}

fn pairs(out: &mut String, caption: &str, rows: &[(&str, String)]) {
    let _ = write!(
        out,
        "<table class=\"pairs\"><caption>{caption}</caption><tbody>"
    );
    for (name, value) in rows {
        let _ = write!(
            out,
            "<tr><th scope=\"row\">{name}</th><td>{}</td></tr>",
            escape(value)
        );
    }
    out.push_str("</tbody></table>");
}

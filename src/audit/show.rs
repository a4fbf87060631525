//! An audit's findings, for people and for programs.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::Audited;
use super::compare::money;
use super::findings::{Check, Counts};

/// The findings as JSON.
pub(super) fn json(audited: &Audited) -> Value {
    let findings = &audited.findings;
    json!({
        "clean": findings.is_clean(),
        "waited_s": audited.waited.as_secs_f64(),
        "checks": findings.checks,
        "counts": findings.counts,
    })
}

/// The findings as a table, with every difference that was kept below it.
pub(super) fn text(audited: &Audited) -> String {
    let findings = &audited.findings;
    let mut text = format!("{:<52} {:>10} {:>8}\n", "audit", "examined", "differ");
    for check in &findings.checks {
        let examined = check
            .examined
            .map_or_else(|| "not known".to_owned(), |examined| examined.to_string());
        let _ = writeln!(
            text,
            "{:<52} {examined:>10} {:>8}",
            check.about, check.differing
        );
    }
    text.push('\n');
    counts(&findings.counts, &mut text);
    if findings.is_clean() {
        let _ = writeln!(
            text,
            "CLEAN: nothing lost, nothing twice (looked for {:.1} s)",
            audited.waited.as_secs_f64()
        );
        return text;
    }
    for check in findings.checks.iter().filter(|check| check.differing > 0) {
        differences(check, &mut text);
    }
    let _ = writeln!(
        text,
        "DIFFERS: {} differences (looked for {:.1} s)",
        findings.differing(),
        audited.waited.as_secs_f64()
    );
    text
}

fn counts(counts: &Counts, text: &mut String) {
    let states: Vec<String> = counts
        .by_status
        .iter()
        .map(|(status, count)| format!("{count} {status}"))
        .collect();
    let _ = writeln!(
        text,
        "{} orders acknowledged; the shop has {} since the run began ({})",
        counts.acknowledged,
        counts.in_shop,
        states.join(", ")
    );
    for (count, what) in [
        (
            counts.nobody_was_told,
            "orders nobody was told of: their clients gave up waiting, or they came from elsewhere",
        ),
        (
            counts.awaiting_shopper,
            "orders wait for their shopper to pay",
        ),
        (
            counts.second_charges_returned,
            "second charges of an order were given back",
        ),
        (
            counts.unreadable_promises,
            "lines of orders.jsonl could not be read",
        ),
    ] {
        if count > 0 {
            let _ = writeln!(text, "{count} {what}");
        }
    }
    for (what, sums) in [
        ("taken and kept", &counts.kept_minor),
        ("given back", &counts.returned_minor),
    ] {
        for (currency, minor) in sums {
            let _ = writeln!(text, "{} {what}", money(*minor, currency));
        }
    }
    text.push('\n');
}

fn differences(check: &Check, text: &mut String) {
    let _ = writeln!(text, "not so: {}", check.about);
    for difference in &check.differences {
        let _ = writeln!(text, "  {difference}");
    }
    let untold = check.differing - check.differences.len() as u64;
    if untold > 0 {
        let _ = writeln!(text, "  and {untold} more");
    }
}

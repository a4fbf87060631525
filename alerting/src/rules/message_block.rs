//! Messages: conditional blocks are known and closed.

use super::finding::Finding;
use super::message::{MATCHING, tokens};
use super::rule::{Check, Rule};
use super::view::{Everything, MonitorView};

pub(super) const RULE: Rule = Rule {
    name: "message-block",
    demands: "Conditional blocks of the message are known and closed.",
    waivable: true,
    check: Check::Monitor(check),
};

/// Blocks that show their text in one state or for one group alone.
const BLOCKS: &[&str] = &[
    "is_alert",
    "is_warning",
    "is_recovery",
    "is_no_data",
    "is_renotify",
    "is_priority",
    "is_alert_to_warning",
    "is_alert_recovery",
    "is_warning_recovery",
    "is_no_data_recovery",
    "is_alert_to_no_data",
    "is_no_data_to_alert",
    "is_warning_to_alert",
    "is_warning_to_no_data",
    "is_no_data_to_warning",
    "is_unknown",
    "is_unmatch",
    "is_match",
    "is_exact_match",
    "is_zero",
];

fn check(view: &MonitorView<'_>, _: &Everything<'_>) -> Vec<Finding> {
    let tokens = tokens(view.message());
    let mut findings = Vec::new();
    let mut find = |token: &str, message: String, help: &str| {
        findings.push(
            RULE.finding(view.place("message"), message)
                .containing(token)
                .help(help),
        );
    };
    let mut open: Vec<&str> = Vec::new();
    for token in &tokens {
        if let Some(opening) = token.strip_prefix(['#', '^']) {
            let name = opening.split_whitespace().next().unwrap_or_default();
            if !BLOCKS.contains(&name) {
                find(
                    token,
                    format!("there is no block `{name}`"),
                    "blocks: is_alert, is_warning, is_recovery, is_no_data, is_match …",
                );
            } else if MATCHING.contains(&name) && opening.split_whitespace().count() < 2 {
                find(
                    token,
                    format!("the block `{name}` compares with nothing"),
                    "write {{#is_match \"tag.name\" \"text\"}}",
                );
            }
            open.push(name);
        } else if let Some(name) = token.strip_prefix('/')
            && open.pop() != Some(name.trim())
        {
            find(
                token,
                format!("`{{{{/{name}}}}}` does not close the block that is open"),
                "close blocks in the reverse order of opening",
            );
        }
    }
    if let Some(name) = open.last() {
        find(
            name,
            format!("the block `{name}` is not closed"),
            &format!("add {{{{/{name}}}}}"),
        );
    }
    findings
}

//! Messages: what is said when all is well again.

use super::finding::Finding;
use super::message::tokens;
use super::rule::{Check, Rule};
use super::view::{Everything, MonitorView};
use crate::definition::MonitorType;

pub(super) const RULE: Rule = Rule {
    name: "message-recovery",
    demands: "The message has a text for recovery.",
    waivable: true,
    check: Check::Monitor(check),
};

fn check(view: &MonitorView<'_>, _: &Everything<'_>) -> Vec<Finding> {
    recovery(view, &tokens(view.message()))
        .into_iter()
        .collect()
}

fn recovery(view: &MonitorView<'_>, tokens: &[&str]) -> Option<Finding> {
    let has = tokens
        .iter()
        .any(|token| token.starts_with('#') && token.contains("recovery"))
        || tokens.contains(&"^is_alert");
    if has || view.definition.kind == MonitorType::Event {
        return None;
    }
    let message = "the message says nothing about recovery";
    let help = "add {{#is_recovery}}what is normal again{{/is_recovery}}";
    let finding = RULE.finding(view.place("message"), message);
    Some(finding.help(help).house())
}

//! Monitors that equal each other.

use std::collections::BTreeMap;

use super::finding::Finding;
use super::rule::{Check, Rule};
use super::view::Everything;
use crate::object::Kind;
use crate::set::item::{Item, text_at};

pub(super) const RULE: Rule = Rule {
    name: "duplicate-monitor",
    demands: "No two monitors have the same type, query and name.",
    waivable: true,
    check: Check::Set(check),
};

/// The API refuses a monitor that equals another one.
fn check(everything: &Everything<'_>) -> Vec<(usize, Finding)> {
    let items = everything.items;
    let mut seen: BTreeMap<(String, String, String), &Item> = BTreeMap::new();
    let mut findings = Vec::new();
    let monitors = items
        .iter()
        .enumerate()
        .filter(|(_, item)| item.object.kind == Kind::Monitor);
    for (index, item) in monitors {
        let payload = &item.object.payload;
        let identity = ["type", "query", "name"].map(|field| text_at(payload, field).to_owned());
        let other = seen.entry(identity.into()).or_insert(item);
        if other.place != item.place || other.file != item.file {
            let message = format!("Duplicate of an existing monitor: `{}`", other.name());
            let finding = RULE.finding(item.place.clone(), message).on_key();
            let origin = &other.object.origin;
            findings.push((
                index,
                finding.help(format!(
                    "change the name or remove one; the other is in {}:{}",
                    origin.file, origin.line
                )),
            ));
        }
    }
    findings
}

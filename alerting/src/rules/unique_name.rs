//! Names across files: each once per kind.

use std::collections::BTreeMap;

use super::finding::Finding;
use super::rule::{Check, Rule};
use super::view::Everything;
use crate::object::Link;
use crate::set::item::Item;

pub(super) const RULE: Rule = Rule {
    name: "unique-name",
    demands: "A logical name is defined once per kind.",
    waivable: false,
    check: Check::Set(check),
};

fn check(everything: &Everything<'_>) -> Vec<(usize, Finding)> {
    let items = everything.items;
    let mut first: BTreeMap<Link, &Item> = BTreeMap::new();
    let mut findings = Vec::new();
    for (index, item) in items.iter().enumerate() {
        if let Some(other) = first.get(&item.link()) {
            let origin = &other.object.origin;
            let message = format!("{} `{}` is defined twice", item.object.kind, item.name());
            let finding = RULE
                .finding(item.place.clone(), message)
                .on_key()
                .help(format!(
                    "the other one is in {}:{}; rename one",
                    origin.file, origin.line
                ));
            findings.push((index, finding));
        } else {
            first.insert(item.link(), item);
        }
    }
    findings
}

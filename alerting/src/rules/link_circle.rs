//! Links between definitions: something can be created first.

use std::collections::{BTreeMap, BTreeSet};

use super::finding::Finding;
use super::rule::{Check, Rule};
use super::view::Everything;
use crate::object::Link;
use crate::plan::circle;

pub(super) const RULE: Rule = Rule {
    name: "link-circle",
    demands: "Links do not go in a circle.",
    waivable: false,
    check: Check::Set(check),
};

fn check(everything: &Everything<'_>) -> Vec<(usize, Finding)> {
    let items = everything.items;
    let needs: BTreeMap<Link, Vec<Link>> = items
        .iter()
        .map(|item| (item.link(), item.object.links()))
        .collect();
    let mut waiting: BTreeSet<&Link> = needs.keys().collect();
    // Each round settles at least one object or ends.
    loop {
        let free: Vec<&Link> = waiting
            .iter()
            .filter(|link| needs[**link].iter().all(|needed| !waiting.contains(needed)))
            .copied()
            .collect();
        if free.is_empty() {
            break;
        }
        waiting.retain(|link| !free.contains(link));
    }
    if waiting.is_empty() {
        return Vec::new();
    }
    let path = circle(&waiting, &needs);
    let member = items
        .iter()
        .position(|item| path.first() == Some(&format!("{} {}", item.object.kind, item.name())));
    let finding = |index: usize| {
        let message = format!("links go in a circle: {}", path.join(" → "));
        let finding = RULE.finding(items[index].place.clone(), message);
        (
            index,
            finding
                .on_key()
                .help("none of them can be created first; remove one of the links"),
        )
    };
    member.map(finding).into_iter().collect()
}

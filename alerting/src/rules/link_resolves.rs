//! Links between definitions: what they name is defined.

use std::collections::BTreeSet;

use super::finding::Finding;
use super::rule::{Check, Rule};
use super::view::Everything;
use crate::object::Link;
use crate::set::item::Item;

pub(super) const RULE: Rule = Rule {
    name: "link-resolves",
    demands: "A linked monitor or SLO is defined.",
    waivable: false,
    check: Check::Set(check),
};

fn check(everything: &Everything<'_>) -> Vec<(usize, Finding)> {
    let known: BTreeSet<Link> = everything.items.iter().map(Item::link).collect();
    let items = everything.items.iter().enumerate();
    items
        .flat_map(|(index, item)| {
            let findings = unresolved(item, &known).into_iter();
            findings.map(move |finding| (index, finding))
        })
        .collect()
}

fn unresolved(item: &Item, known: &BTreeSet<Link>) -> Vec<Finding> {
    let missing = item
        .object
        .links()
        .into_iter()
        .filter(|link| !known.contains(link));
    missing
        .map(|link| {
            let names = known
                .iter()
                .filter(|known| known.kind == link.kind)
                .map(|known| known.name.as_str());
            let close = checked_yaml::did_you_mean(&link.name, names);
            let finding = RULE
                .finding(
                    item.place.clone(),
                    format!("there is no {} `{}`", link.kind, link.name),
                )
                .containing(&link.to_string())
                .containing(&link.name)
                .help("define it, correct the name, or write the id of one that is kept elsewhere");
            close.into_iter().fold(finding, Finding::help)
        })
        .collect()
}

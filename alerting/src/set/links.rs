//! Names across files: each once, each link to something that exists, no circles.

use std::collections::{BTreeMap, BTreeSet};

use super::{Definition, Item};
use crate::object::{Kind, Link};
use crate::plan::circle;
use crate::rules::Finding;

pub(super) fn check(items: &[Item]) -> Vec<(usize, Finding)> {
    let mut findings = twice(items);
    let known: BTreeSet<Link> = items.iter().map(link_to).collect();
    for (index, item) in items.iter().enumerate() {
        findings.extend(
            unresolved(item, &known)
                .into_iter()
                .map(|finding| (index, finding)),
        );
    }
    findings.extend(circles(items));
    findings
}

fn twice(items: &[Item]) -> Vec<(usize, Finding)> {
    let mut first: BTreeMap<Link, &Item> = BTreeMap::new();
    let mut findings = Vec::new();
    for (index, item) in items.iter().enumerate() {
        if let Some(other) = first.get(&link_to(item)) {
            let origin = &other.object.origin;
            let message = format!("{} `{}` is defined twice", item.object.kind, item.name());
            let finding = Finding::new("unique-name", item.place.clone(), message)
                .on_key()
                .help(format!(
                    "the other one is in {}:{}; rename one",
                    origin.file, origin.line
                ));
            findings.push((index, finding));
        } else {
            first.insert(link_to(item), item);
        }
    }
    findings
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
            let finding = Finding::new(
                "link-resolves",
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

fn circles(items: &[Item]) -> Vec<(usize, Finding)> {
    let needs: BTreeMap<Link, Vec<Link>> = items
        .iter()
        .map(|item| (link_to(item), item.object.links()))
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
        let finding = Finding::new("link-circle", items[index].place.clone(), message);
        (
            index,
            finding
                .on_key()
                .help("none of them can be created first; remove one of the links"),
        )
    };
    member.map(finding).into_iter().collect()
}

fn link_to(item: &Item) -> Link {
    let kind = match item.definition {
        Definition::Monitor(_) => Kind::Monitor,
        Definition::Slo(_) => Kind::Slo,
        Definition::Dashboard(_) => Kind::Dashboard,
    };
    Link {
        kind,
        name: item.name().to_owned(),
    }
}

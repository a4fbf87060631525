//! The order of operations: deletes first and from the outside in, then what others need before those who need it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Action, Operation, Refusal};
use crate::object::{Kind, Link, Object};

pub(super) fn order(
    operations: Vec<Operation>,
    local: &[Object],
) -> Result<Vec<Operation>, Vec<Refusal>> {
    let ranks = ranks(local)?;
    let (mut deletes, mut others): (Vec<_>, Vec<_>) = operations
        .into_iter()
        .partition(|operation| operation.action == Action::Delete);
    deletes.sort_by_key(|operation| (std::cmp::Reverse(operation.kind), operation.key.clone()));
    others.sort_by_key(|operation| {
        let link = Link {
            kind: operation.kind,
            name: operation.key.name.clone(),
        };
        (
            ranks.get(&link).copied().unwrap_or_default(),
            operation.kind,
            operation.key.clone(),
        )
    });
    deletes.append(&mut others);
    Ok(deletes)
}

/// How many layers must exist before each object; dashboards come after everything else.
fn ranks(local: &[Object]) -> Result<BTreeMap<Link, usize>, Vec<Refusal>> {
    let needs: BTreeMap<Link, Vec<Link>> = local
        .iter()
        .map(|object| (link_to(object), object.links()))
        .collect();
    let mut ranks: BTreeMap<Link, usize> = BTreeMap::new();
    let mut waiting: BTreeSet<&Link> = needs.keys().collect();
    // Each round settles at least one object or ends: at most as many rounds as objects.
    while !waiting.is_empty() {
        let ready: Vec<(&Link, usize)> = waiting
            .iter()
            .filter_map(|link| Some((*link, rank(link, &needs, &ranks)?)))
            .collect();
        if ready.is_empty() {
            return Err(vec![Refusal::Cycle(circle(&waiting, &needs))]);
        }
        for (link, rank) in ready {
            waiting.remove(link);
            ranks.insert(link.clone(), rank);
        }
    }
    let last = ranks.values().max().map_or(0, |rank| rank + 1);
    for (link, rank) in &mut ranks {
        if link.kind == Kind::Dashboard {
            *rank = last;
        }
    }
    Ok(ranks)
}

/// A plain SLO still comes after every plain monitor, so that the order reads as documented.
fn rank(
    link: &Link,
    needs: &BTreeMap<Link, Vec<Link>>,
    ranks: &BTreeMap<Link, usize>,
) -> Option<usize> {
    let floor = usize::from(link.kind == Kind::Slo);
    let known = needs
        .get(link)?
        .iter()
        .filter(|needed| needs.contains_key(*needed));
    known
        .map(|needed| ranks.get(needed).map(|rank| rank + 1))
        .try_fold(floor, |most, rank| Some(most.max(rank?)))
}

/// One circle among the objects that wait for each other, its first member repeated at the end.
pub(crate) fn circle(waiting: &BTreeSet<&Link>, needs: &BTreeMap<Link, Vec<Link>>) -> Vec<String> {
    let mut path: Vec<&Link> = Vec::new();
    let mut next = waiting.iter().next().copied();
    while let Some(link) = next {
        if let Some(start) = path.iter().position(|seen| *seen == link) {
            return path[start..]
                .iter()
                .chain([&link])
                .map(|link| format!("{} {}", link.kind, link.name))
                .collect();
        }
        path.push(link);
        next = needs
            .get(link)
            .and_then(|needs| needs.iter().find(|needed| waiting.contains(needed)));
    }
    path.iter()
        .map(|link| format!("{} {}", link.kind, link.name))
        .collect()
}

fn link_to(object: &Object) -> Link {
    Link {
        kind: object.kind,
        name: object.key.name.clone(),
    }
}

//! The order of operations: deletes first and from the outside in, then what others need before those who need it. A
//! delete of something that this plan's own updates still refer to waits for them: nothing is ever deleted by force,
//! so the server, which sees every referrer in the org, has the last word.

use std::collections::{BTreeMap, BTreeSet};

use super::operation::{Action, Operation, Refusal};
use super::users::{Id, users};
use crate::object::{Kind, Link, Object, Remote};

pub(super) fn order(
    operations: Vec<Operation>,
    local: &[Object],
    remote: &[Remote],
) -> Result<Vec<Operation>, Vec<Refusal>> {
    let ranks = ranks(local)?;
    let (mut deletes, mut others): (Vec<_>, Vec<_>) = operations
        .into_iter()
        .partition(|operation| operation.action == Action::Delete);
    let first = stage_deletes(&mut deletes, &others, remote);
    for operation in &mut others {
        let link = Link {
            kind: operation.kind,
            name: operation.key.name.clone(),
        };
        operation.stage = first + ranks.get(&link).copied().unwrap_or_default();
    }
    deletes.append(&mut others);
    deletes.sort_by_key(|operation| {
        // Among deletes of a stage dashboards come first, elsewhere last.
        let kind = operation.kind as isize;
        let delete = operation.action == Action::Delete;
        let kind = if delete { -kind } else { kind };
        (operation.stage, kind, operation.key.clone())
    });
    Ok(deletes)
}

/// Gives the deletes their stages and returns the stage at which everything else begins.
fn stage_deletes(deletes: &mut [Operation], others: &[Operation], remote: &[Remote]) -> usize {
    let users = users(remote);
    let id = |operation: &Operation| Some((operation.kind, operation.id.clone()?));
    let changed: BTreeSet<Id> = others.iter().filter_map(id).collect();
    let gone: BTreeSet<Id> = deletes.iter().filter_map(id).collect();
    let mut depths = BTreeMap::new();
    for one in &gone {
        depth(one, &users, &gone, &mut depths, gone.len());
    }
    let late: BTreeSet<Id> = gone
        .iter()
        .filter(|one| waits(one, &users, &changed, &gone))
        .cloned()
        .collect();
    let depth_of = |one: &Id| depths.get(one).copied().unwrap_or_default();
    let first = gone.difference(&late).map(|one| depth_of(one) + 1).max();
    let first = first.unwrap_or_default();
    for operation in deletes {
        let Some(one) = id(operation) else { continue };
        // Later than any rank of the objects that are made or changed.
        let after = if late.contains(&one) { LAST } else { 0 };
        operation.stage = after + depth_of(&one);
    }
    first
}

/// A stage after every create and update.
const LAST: usize = usize::MAX / 2;

/// How many deletes in a row must come before this one: those of its users, of theirs, and so on. A circle ends where
/// it is met, `left` bounds the walk.
fn depth(
    one: &Id,
    users: &BTreeMap<Id, Vec<Id>>,
    gone: &BTreeSet<Id>,
    depths: &mut BTreeMap<Id, usize>,
    left: usize,
) -> usize {
    if let Some(known) = depths.get(one) {
        return *known;
    }
    depths.insert(one.clone(), 0);
    let mut most = 0;
    for user in users.get(one).into_iter().flatten() {
        if left > 0 && gone.contains(user) {
            most = most.max(depth(user, users, gone, depths, left - 1) + 1);
        }
    }
    depths.insert(one.clone(), most);
    most
}

/// Whether an update of this plan has to let go of the object first, or of one of its users that goes too.
fn waits(
    one: &Id,
    users: &BTreeMap<Id, Vec<Id>>,
    changed: &BTreeSet<Id>,
    gone: &BTreeSet<Id>,
) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = vec![one];
    while let Some(next) = open.pop() {
        for user in users.get(next).into_iter().flatten() {
            if changed.contains(user) {
                return true;
            }
            if gone.contains(user) && seen.insert(user) {
                open.push(user);
            }
        }
    }
    false
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

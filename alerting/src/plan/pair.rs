//! Which local object is which remote one. Decides identity and nothing else: by mark, then by `adopt`, then by equal
//! title where one would be deleted and the other created.

use std::collections::BTreeMap;

use serde_json::Value;

use super::operation::Refusal;
use crate::object::{Key, Kind, Object, Remote};

pub(super) struct Pair<'a> {
    pub(super) local: &'a Object,
    pub(super) remote: Option<&'a Remote>,
    pub(super) note: Option<String>,
}

pub(super) struct Pairs<'a> {
    pub(super) wanted: Vec<Pair<'a>>,
    /// Marked as ours and not defined any more, with the key on it and the reason if there is a special one.
    pub(super) unwanted: Vec<(&'a Remote, Key, Option<String>)>,
    /// How many marked objects of the namespace exist.
    pub(super) managed: usize,
}

pub(super) fn pair<'a>(
    local: &'a [Object],
    remote: &'a [Remote],
    namespace: &str,
) -> Result<Pairs<'a>, Vec<Refusal>> {
    let marked = by_key(remote, namespace);
    let managed = marked.values().map(Vec::len).sum();
    let own = |object: &Object| {
        marked
            .get(&(object.kind, object.key.clone()))?
            .iter()
            .copied()
            .find(|remote| same_type(object, remote))
    };
    let mut taken = Taken::new();
    for object in local {
        taken.extend(own(object).map(|remote| ((remote.kind, remote.id.as_str()), &object.key)));
    }
    let mut wanted = Vec::with_capacity(local.len());
    let mut refusals = Vec::new();
    for object in local {
        let mut found = own(object);
        if let (None, Some(id)) = (found, &object.adopt) {
            match adopted(object, id, remote, namespace, &taken) {
                Ok(remote) => {
                    taken.insert((remote.kind, remote.id.as_str()), &object.key);
                    found = Some(remote);
                }
                Err(refusal) => refusals.push(refusal),
            }
        }
        wanted.push(Pair {
            local: object,
            remote: found,
            note: None,
        });
    }
    if !refusals.is_empty() {
        return Err(refusals);
    }
    let unwanted = leftovers(local, &marked, &taken);
    let unwanted = reuse_equal_titles(&mut wanted, unwanted);
    Ok(Pairs {
        wanted,
        unwanted,
        managed,
    })
}

/// Which definition each remote object belongs to already.
type Taken<'a> = BTreeMap<(Kind, &'a str), &'a Key>;
type Marked<'a> = BTreeMap<(Kind, Key), Vec<&'a Remote>>;

/// Marked objects of the namespace; of several with one key the oldest comes first.
fn by_key<'a>(remote: &'a [Remote], namespace: &str) -> Marked<'a> {
    let mut marked: Marked<'a> = BTreeMap::new();
    for remote in remote {
        if let Some(key) = remote.key().filter(|key| key.namespace == namespace) {
            marked.entry((remote.kind, key)).or_default().push(remote);
        }
    }
    for found in marked.values_mut() {
        found.sort_by_key(|remote| (remote.id.len(), remote.id.clone()));
    }
    marked
}

fn adopted<'a>(
    object: &Object,
    id: &str,
    remote: &'a [Remote],
    namespace: &str,
    taken: &Taken<'_>,
) -> Result<&'a Remote, Refusal> {
    let (kind, file, line) = (object.kind, object.origin.file.clone(), object.origin.line);
    let found = remote
        .iter()
        .find(|remote| remote.kind == kind && remote.id == id);
    let Some(found) = found else {
        return Err(Refusal::AdoptMissing {
            kind,
            id: id.to_owned(),
            file,
            line,
        });
    };
    let elsewhere = found.key().filter(|key| key.namespace != namespace);
    match taken
        .get(&(kind, id))
        .map(|key| (*key).clone())
        .or(elsewhere)
    {
        Some(owner) => Err(Refusal::AdoptOwned {
            kind,
            id: id.to_owned(),
            owner,
            file,
            line,
        }),
        None => Ok(found),
    }
}

/// The API does not change the type of an object, so one of another type is not the same object.
fn same_type(local: &Object, remote: &Remote) -> bool {
    let family = |value: &Value| match value.get("type").and_then(Value::as_str) {
        Some("metric alert") => "query alert".to_owned(),
        other => other.unwrap_or_default().to_owned(),
    };
    local.kind == Kind::Dashboard || family(&local.payload) == family(&remote.value)
}

fn leftovers<'a>(
    local: &[Object],
    marked: &Marked<'a>,
    taken: &Taken<'_>,
) -> Vec<(&'a Remote, Key, Option<String>)> {
    let mut unwanted = Vec::new();
    for ((kind, key), found) in marked {
        let kept = found
            .iter()
            .find(|remote| taken.contains_key(&(*kind, remote.id.as_str())));
        for remote in found
            .iter()
            .filter(|remote| !taken.contains_key(&(*kind, remote.id.as_str())))
        {
            let note = match kept {
                Some(kept) => Some(format!("a duplicate of {kind} {}, which stays", kept.id)),
                None => retyped(local, remote, key),
            };
            unwanted.push((*remote, key.clone(), note));
        }
    }
    unwanted
}

fn retyped(local: &[Object], remote: &Remote, key: &Key) -> Option<String> {
    let same = |object: &&Object| object.kind == remote.kind && object.key == *key;
    local
        .iter()
        .find(same)
        .map(|_| "its type changes, so it is created anew".to_owned())
}

/// A renamed key would delete and create the same thing and lose its history: update it in place instead.
fn reuse_equal_titles<'a>(
    wanted: &mut [Pair<'a>],
    unwanted: Vec<(&'a Remote, Key, Option<String>)>,
) -> Vec<(&'a Remote, Key, Option<String>)> {
    let mut gone = Vec::new();
    for (remote, key, note) in unwanted {
        let twin = wanted.iter_mut().find(|pair| {
            pair.remote.is_none()
                && pair.local.kind == remote.kind
                && pair.local.title.trim() == remote.title().trim()
                && same_type(pair.local, remote)
        });
        match twin {
            Some(pair) if note.is_none() => {
                pair.remote = Some(remote);
                pair.note = Some(format!("was {key}"));
            }
            _ => gone.push((remote, key, note)),
        }
    }
    gone
}

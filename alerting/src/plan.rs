//! From what the files want and what the server has to the ordered operations that make them equal. Pure: the caller
//! fetches, asks and executes. Only objects that carry a mark of this namespace are ever updated or deleted.

mod guard;
mod operation;
mod order;
mod pair;
mod render;
mod users;

use serde_json::Value;

pub use guard::{DELETE_PERCENT_MAX, FREE_DELETES, Guard};
pub use operation::{Action, Operation, Plan, Refusal};
pub(crate) use order::circle;
pub use render::{markdown, text};
pub use users::name_foreign_users;

use crate::object::{self, Ids, Key, Link, Object, Remote};
use crate::update::Update;
use pair::{Pair, Pairs};

/// What to plan for.
#[derive(Debug, Clone)]
pub struct Options {
    /// Objects marked with another namespace are not touched.
    pub namespace: String,
    /// Name patterns with `*`; empty means everything.
    pub only: Vec<String>,
    /// What keeps a slip from deleting everything.
    pub guard: Guard,
}

impl Options {
    /// Everything in a namespace, with the usual guard.
    pub fn new(namespace: impl Into<String>) -> Self {
        Self {
            namespace: namespace.into(),
            only: Vec::new(),
            guard: Guard::default(),
        }
    }

    fn selects(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|pattern| matches(pattern, name))
    }
}

/// Plans. `local` must be complete for the namespace: what is missing there is deleted.
///
/// # Errors
///
/// Every reason for refusing, see [`Refusal`].
pub fn plan(local: &[Object], remote: &[Remote], options: &Options) -> Result<Plan, Vec<Refusal>> {
    let pairs = pair::pair(local, remote, &options.namespace)?;
    let ids = ids_of(&pairs);
    let mut unchanged = 0;
    let mut operations = Vec::new();
    for pair in pairs
        .wanted
        .iter()
        .filter(|pair| options.selects(&pair.local.key.name))
    {
        match wanted(pair, &ids) {
            Some(operation) => operations.push(operation),
            None => unchanged += 1,
        }
    }
    let leftovers = pairs
        .unwanted
        .iter()
        .filter(|(_, key, _)| options.selects(&key.name));
    operations.extend(leftovers.map(|(remote, key, note)| delete(remote, key, note.clone())));
    options
        .guard
        .check(&operations, local.len(), pairs.managed, &options.namespace)?;
    let operations = order::order(operations, local, remote)?;
    Ok(Plan {
        namespace: options.namespace.clone(),
        operations,
        unchanged,
        ids,
    })
}

fn ids_of(pairs: &Pairs<'_>) -> Ids {
    let known = pairs
        .wanted
        .iter()
        .filter_map(|pair| Some((pair.local, pair.remote?)));
    known
        .map(|(local, remote)| {
            (
                Link {
                    kind: local.kind,
                    name: local.key.name.clone(),
                },
                remote.id.clone(),
            )
        })
        .collect()
}

fn wanted(pair: &Pair<'_>, ids: &Ids) -> Option<Operation> {
    let local = pair.local;
    let operation = |action, id, changes, payload, note| Operation {
        action,
        kind: local.kind,
        key: local.key.clone(),
        title: local.title.clone(),
        id,
        changes,
        payload: Some(payload),
        wanted: Some(local.payload.clone()),
        note,
        stage: 0,
    };
    let Some(remote) = pair.remote else {
        return Some(operation(
            Action::Create,
            None,
            Vec::new(),
            local.payload.clone(),
            None,
        ));
    };
    let desired = object::resolve(&local.payload, ids).0;
    let update = Update::new(local.kind, &remote.value, &desired);
    if update.changes.is_empty() {
        return None;
    }
    let action = if remote.key().is_none() && differs_in_mark_alone(&desired, remote) {
        Action::Adopt
    } else {
        Action::Update
    };
    Some(operation(
        action,
        Some(remote.id.clone()),
        update.changes,
        update.body,
        pair.note.clone(),
    ))
}

/// Whether what is wanted would change nothing if it had no mark.
fn differs_in_mark_alone(desired: &Value, remote: &Remote) -> bool {
    let unmarked = without_mark(desired);
    Update::new(remote.kind, &remote.value, &unmarked)
        .changes
        .is_empty()
}

fn without_mark(value: &Value) -> Value {
    let mut value = value.clone();
    if let Some(Value::Array(tags)) = value.get_mut("tags") {
        tags.retain(|tag| {
            tag.as_str()
                .is_none_or(|tag| tag != object::MANAGED_TAG && !tag.starts_with(object::KEY_TAG))
        });
    }
    if let Some(Value::String(description)) = value.get_mut("description") {
        *description = crate::normal::without_marker(description);
    }
    value
}

fn delete(remote: &Remote, key: &Key, note: Option<String>) -> Operation {
    Operation {
        action: Action::Delete,
        kind: remote.kind,
        key: key.clone(),
        title: remote.title().to_owned(),
        id: Some(remote.id.clone()),
        changes: Vec::new(),
        payload: None,
        wanted: None,
        note,
        stage: 0,
    }
}

/// Whether a name fits a pattern in which `*` stands for anything. Linear: each part is sought after the one before it.
pub fn matches(pattern: &str, name: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(mut name) = name.strip_prefix(head) else {
        return false;
    };
    let Some((middle, tail)) = rest.rsplit_once('*') else {
        return name.ends_with(rest);
    };
    for part in middle.split('*') {
        match name.find(part) {
            Some(at) => name = &name[at + part.len()..],
            None => return false,
        }
    }
    name.ends_with(tail)
}

//! From what the files want and what the server has to the ordered operations that make them equal. Pure: the caller
//! fetches, asks and executes. Only objects that carry a mark of this namespace are ever updated or deleted.

mod guard;
mod order;
mod pair;
mod render;
mod users;

use serde::Serialize;
use serde_json::Value;
use thiserror::Error;

pub use guard::{DELETE_PERCENT_MAX, FREE_DELETES, Guard};
pub(crate) use order::circle;
pub use render::{markdown, text};
pub use users::name_foreign_users;

use crate::diff::Change;
use crate::object::{self, Ids, Key, Kind, Link, Object, Remote};
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

/// What one operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// A new object.
    Create,
    /// An existing one gets other attributes.
    Update,
    /// An existing one already is as wanted and gets the mark alone.
    Adopt,
    /// An existing one goes.
    Delete,
}

/// One request to the server.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Operation {
    /// What to do.
    pub action: Action,
    /// With what kind of object.
    pub kind: Kind,
    /// Its identity.
    pub key: Key,
    /// Its name or title.
    pub title: String,
    /// The server's id; absent for a create.
    pub id: Option<String>,
    /// What the request changes, all of it; empty for create and delete.
    pub changes: Vec<Change>,
    /// What to send, complete, links to what does not exist yet as `${…}`; absent for a delete. Give it to
    /// [`object::resolve`] first.
    pub payload: Option<Value>,
    /// What the files want, links as `${…}`; absent for a delete. An [`Update`] merges it over what the server has at
    /// the moment of sending.
    #[serde(skip)]
    pub wanted: Option<Value>,
    /// Why, where the action alone does not say.
    pub note: Option<String>,
    /// Operations of one stage do not need each other; those of an earlier stage come first.
    #[serde(skip)]
    pub stage: usize,
}

/// The ordered operations.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// The namespace planned for.
    pub namespace: String,
    /// In the order of execution.
    pub operations: Vec<Operation>,
    /// Objects that already are as wanted.
    pub unchanged: usize,
    /// Ids of the objects that exist already, to resolve links with.
    #[serde(skip)]
    pub ids: Ids,
}

impl Plan {
    /// How many operations do this.
    pub fn count(&self, action: Action) -> usize {
        self.operations
            .iter()
            .filter(|operation| operation.action == action)
            .count()
    }

    /// Whether an apply would send anything; an adoption adds a mark, which is a change too.
    pub fn has_changes(&self) -> bool {
        !self.operations.is_empty()
    }
}

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Nothing is defined, something exists.
    #[error(
        "no definition was found, but {existing} objects of namespace {namespace} exist: applying would delete them \
         all; check the folder and the environment, or pass --allow-delete-all if that is meant"
    )]
    Empty {
        /// The namespace.
        namespace: String,
        /// Managed objects on the server.
        existing: usize,
    },
    /// Too large a share would go.
    #[error(
        "the plan deletes {deletes} of {existing} objects, more than the share of {percent} % that is allowed; check \
         the folder and the environment, or raise --max-delete-percent if that is meant"
    )]
    TooManyDeletes {
        /// Deletes planned.
        deletes: usize,
        /// Managed objects on the server.
        existing: usize,
        /// The limit.
        percent: u8,
    },
    /// An id in `adopt:` does not exist.
    #[error(
        "{file}:{line}: adopt: there is no {kind} with id {id}; correct the id or remove `adopt`"
    )]
    AdoptMissing {
        /// What was to be adopted.
        kind: Kind,
        /// The id given.
        id: String,
        /// Definition file.
        file: String,
        /// Its line.
        line: usize,
    },
    /// An id in `adopt:` is already someone else's.
    #[error(
        "{file}:{line}: adopt: {kind} {id} already belongs to {owner}; remove it there first, or remove `adopt`"
    )]
    AdoptOwned {
        /// What was to be adopted.
        kind: Kind,
        /// The id given.
        id: String,
        /// The key on the object.
        owner: Key,
        /// Definition file.
        file: String,
        /// Its line.
        line: usize,
    },
    /// Objects need each other first.
    #[error("these objects link to each other in a circle: {}; break it at one of them", .0.join(" → "))]
    Cycle(Vec<String>),
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

//! What a plan is made of. Plain data; must not know how it is made or shown.

use serde::Serialize;
use serde_json::Value;
use thiserror::Error;

use crate::diff::Change;
use crate::object::{Ids, Key, Kind};

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
    /// [`resolve`](crate::object::resolve) first.
    pub payload: Option<Value>,
    /// What the files want, links as `${…}`; absent for a delete. An [`Update`](crate::update::Update) merges it over what the server has at
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

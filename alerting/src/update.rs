//! What an update sends and what it changes. The body is the server's own object with the definition's fields merged
//! over it, so that what definitions cannot say survives by construction; the changes are the difference between the
//! two, so that a plan can neither hide nor invent one. Must not know which fields a definition file has: it sees the
//! API's JSON on both sides.

mod dashboard;
mod deep;
mod monitor;
mod slo;

use serde_json::{Map, Value};

use crate::diff::{Change, diff};
use crate::normal;
use crate::object::Kind;

/// An update of one object.
#[derive(Debug, Clone, PartialEq)]
pub struct Update {
    /// What to send.
    pub body: Value,
    /// What that changes on the server; empty when nothing needs to be sent.
    pub changes: Vec<Change>,
}

impl Update {
    /// From what the server has and what the files want, links resolved as far as their ids are known.
    pub fn new(kind: Kind, remote: &Value, wanted: &Value) -> Self {
        let (mut current, wanted) = (fields(remote), fields(wanted));
        current.retain(|name, _| !read_only(kind).contains(&name.as_str()));
        let merged = match kind {
            Kind::Monitor => monitor::merge(&current, &wanted),
            Kind::Slo => slo::merge(&mut current, &wanted),
            Kind::Dashboard => dashboard::merge(&current, &wanted),
        };
        let changes = diff(
            &Value::Object(current.clone()),
            &Value::Object(merged.clone()),
        );
        let body = match kind {
            Kind::Monitor => monitor::body(merged, &current, &wanted),
            Kind::Slo => merged,
            Kind::Dashboard => dashboard::body(merged),
        };
        Self {
            body: Value::Object(body),
            changes,
        }
    }
}

/// What the server alone sets. Everything else of an object is the client's, known to this tool or not.
fn read_only(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Monitor => monitor::READ_ONLY,
        Kind::Slo => slo::READ_ONLY,
        Kind::Dashboard => dashboard::READ_ONLY,
    }
}

fn fields(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

/// A field after the merge: as the server has it where both say the same, so that not even its spelling changes.
/// `differs` says what to do where they do not; what the files leave out goes.
fn field(
    kind: Kind,
    name: &str,
    merged: &mut Map<String, Value>,
    wanted: Option<&Value>,
    differs: impl FnOnce(&Value, &Value) -> Value,
) {
    let have = merged.get(name);
    if normal::same_field(kind, name, have, wanted) {
        return;
    }
    match wanted {
        Some(wanted) => {
            let value = differs(have.unwrap_or(&Value::Null), wanted);
            merged.insert(name.to_owned(), value);
        }
        None => {
            merged.shift_remove(name);
        }
    }
}

/// A list whose order means nothing: what stays keeps its place, what is new comes last.
fn merge_set(have: &Value, wanted: &Value) -> Value {
    let (Some(have), Some(wanted)) = (have.as_array(), wanted.as_array()) else {
        return wanted.clone();
    };
    let stays = have.iter().filter(|item| wanted.contains(item));
    let added = wanted.iter().filter(|item| !have.contains(item));
    stays.chain(added).cloned().collect()
}

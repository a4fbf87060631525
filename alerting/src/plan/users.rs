//! Who uses what on the server: composites and SLO alerts, SLOs, widgets. Knows ids and the fields that hold them.

use std::collections::BTreeMap;

use serde_json::Value;

use super::operation::{Action, Plan};
use crate::object::{Kind, Remote};

/// What an id means depends on the kind.
pub(super) type Id = (Kind, String);

/// Says with each delete who else uses the object. `everything` is the org as far as it can stand in the way of a
/// delete; what this plan changes or deletes itself does not count.
pub fn name_foreign_users(plan: &mut Plan, everything: &[Remote]) {
    let users = users(everything);
    let touched: Vec<Id> = plan
        .operations
        .iter()
        .filter_map(|operation| Some((operation.kind, operation.id.clone()?)))
        .collect();
    for operation in &mut plan.operations {
        let (Action::Delete, Some(id)) = (operation.action, &operation.id) else {
            continue;
        };
        let found = users
            .get(&(operation.kind, id.clone()))
            .into_iter()
            .flatten();
        let names: Vec<String> = found
            .filter(|user| !touched.contains(user))
            .filter_map(|user| {
                let of = |remote: &&Remote| (remote.kind, &remote.id) == (user.0, &user.1);
                let remote = everything.iter().find(of)?;
                Some(format!(
                    "{} {} [{}]",
                    remote.kind,
                    remote.title(),
                    remote.id
                ))
            })
            .collect();
        if !names.is_empty() {
            let used = format!("used by {}: the API will keep it", names.join(", "));
            let note = operation.note.take().into_iter().chain([used]);
            operation.note = Some(note.collect::<Vec<_>>().join("; "));
        }
    }
}

/// Who refers to what, by the ids on the server.
pub(super) fn users(remote: &[Remote]) -> BTreeMap<Id, Vec<Id>> {
    let mut users: BTreeMap<Id, Vec<Id>> = BTreeMap::new();
    for remote in remote {
        let user = (remote.kind, remote.id.clone());
        for used in references(remote) {
            users.entry(used).or_default().push(user.clone());
        }
    }
    users
}

/// What an object on the server refers to.
fn references(remote: &Remote) -> Vec<Id> {
    let mut found = Vec::new();
    match remote.kind {
        Kind::Monitor => {
            let query = remote.value.get("query").and_then(Value::as_str);
            let words = query
                .unwrap_or_default()
                .split(|c: char| !c.is_ascii_alphanumeric())
                .filter(|word| !word.is_empty());
            let kind = |word: &str| {
                let number = word.bytes().all(|byte| byte.is_ascii_digit());
                if number { Kind::Monitor } else { Kind::Slo }
            };
            found.extend(words.map(|word| (kind(word), word.to_owned())));
        }
        Kind::Slo | Kind::Dashboard => collect(&remote.value, &mut found),
    }
    found
}

/// The fields in which SLOs and widgets name monitors and SLOs.
fn collect(value: &Value, found: &mut Vec<Id>) {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Value::Object(map) => {
            for (name, item) in map {
                match (name.as_str(), item) {
                    ("alert_id", item) => found.push((Kind::Monitor, text(item))),
                    ("slo_id", item) => found.push((Kind::Slo, text(item))),
                    ("monitor_ids", Value::Array(ids)) => {
                        found.extend(ids.iter().map(|id| (Kind::Monitor, text(id))));
                    }
                    _ => collect(item, found),
                }
            }
        }
        _ => {}
    }
}

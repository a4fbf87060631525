//! Which operations of an ordered plan may run side by side. Pure.

use std::collections::BTreeSet;

use alerting::object::{Kind, Link, links_in};
use alerting::plan::{Action, Operation};
use serde_json::Value;

/// Cuts the plan into stages: within one nothing depends on anything else, and the plan's order of deletes before
/// everything else and of kinds among deletes is kept.
pub(super) fn stages(operations: Vec<Operation>) -> Vec<Vec<Operation>> {
    let mut stages: Vec<Vec<Operation>> = Vec::new();
    let mut made: BTreeSet<Link> = BTreeSet::new();
    let mut class = None;
    for operation in operations {
        let next = class_of(&operation);
        let waits = operation
            .payload
            .as_ref()
            .is_some_and(|payload| uses(payload, &made));
        if class != Some(next) || waits || stages.is_empty() {
            stages.push(Vec::new());
            made.clear();
            class = Some(next);
        }
        made.insert(Link {
            kind: operation.kind,
            name: operation.key.name.clone(),
        });
        if let Some(stage) = stages.last_mut() {
            stage.push(operation);
        }
    }
    stages
}

/// Deletes go kind by kind: what refers goes before what is referred to.
fn class_of(operation: &Operation) -> Option<Kind> {
    (operation.action == Action::Delete).then_some(operation.kind)
}

fn uses(payload: &Value, made: &BTreeSet<Link>) -> bool {
    match payload {
        Value::String(text) => links_in(text).iter().any(|(_, link)| made.contains(link)),
        Value::Array(items) => items.iter().any(|item| uses(item, made)),
        Value::Object(map) => map.values().any(|item| uses(item, made)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use alerting::object::Key;
    use serde_json::json;

    use super::*;

    fn operation(action: Action, kind: Kind, name: &str, payload: Value) -> Operation {
        Operation {
            action,
            kind,
            key: Key::new("n", name),
            title: name.to_owned(),
            id: None,
            changes: Vec::new(),
            payload: (action != Action::Delete).then_some(payload),
            force: false,
            note: None,
        }
    }

    #[test]
    fn a_link_to_something_in_the_stage_begins_the_next() {
        let plan = vec![
            operation(Action::Delete, Kind::Dashboard, "x", json!({})),
            operation(Action::Delete, Kind::Monitor, "y", json!({})),
            operation(Action::Create, Kind::Monitor, "a", json!({})),
            operation(Action::Update, Kind::Monitor, "b", json!({})),
            operation(
                Action::Create,
                Kind::Slo,
                "s",
                json!({ "monitor_ids": ["${monitor:a}"] }),
            ),
            operation(
                Action::Create,
                Kind::Monitor,
                "burn",
                json!({ "query": "burn_rate(\"${slo:s}\")" }),
            ),
            operation(
                Action::Create,
                Kind::Dashboard,
                "d",
                json!({ "alert_id": "${monitor:a}" }),
            ),
        ];
        let sizes: Vec<usize> = stages(plan).iter().map(Vec::len).collect();
        assert_eq!(sizes, [1, 1, 2, 1, 2]);
    }
}

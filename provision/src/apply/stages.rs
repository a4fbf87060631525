//! Which operations of an ordered plan may run side by side. Pure.

use alerting::plan::Operation;

/// Cuts the plan where its stages end.
pub(super) fn stages(operations: Vec<Operation>) -> Vec<Vec<Operation>> {
    let mut stages: Vec<Vec<Operation>> = Vec::new();
    for operation in operations {
        match stages.last_mut() {
            Some(stage) if stage.iter().all(|other| other.stage == operation.stage) => {
                stage.push(operation);
            }
            _ => stages.push(vec![operation]),
        }
    }
    stages
}

#[cfg(test)]
mod tests {
    use alerting::object::{Key, Kind};
    use alerting::plan::Action;

    use super::*;

    #[test]
    fn operations_of_a_stage_run_side_by_side() {
        let plan = [0, 1, 1, 4, 4, 4].map(|stage| Operation {
            action: Action::Delete,
            kind: Kind::Monitor,
            key: Key::new("n", "a"),
            title: String::new(),
            id: None,
            changes: Vec::new(),
            payload: None,
            wanted: None,
            note: None,
            stage,
        });
        let sizes: Vec<usize> = stages(plan.to_vec()).iter().map(Vec::len).collect();
        assert_eq!(sizes, [1, 2, 3]);
    }
}

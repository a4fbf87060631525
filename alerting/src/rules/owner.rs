//! The team that owns a definition.

use super::finding::Finding;
use super::rule::{Check, Rule};
use super::view::{Everything, ItemView};

pub(super) const RULE: Rule = Rule {
    name: "owner",
    demands: "A definition names the team that owns it.",
    waivable: true,
    check: Check::Item(check),
};

fn check(view: &ItemView<'_>, _: &Everything<'_>) -> Vec<Finding> {
    let item = view.item;
    if view.tags().any(|tag| tag.starts_with("team:")) {
        return Vec::new();
    }
    let finding = RULE.finding(
        item.place.clone(),
        format!("the {} has no owner", item.object.kind),
    );
    vec![
        finding
            .help("add `team: <team>` here or under `defaults`")
            .house(),
    ]
}

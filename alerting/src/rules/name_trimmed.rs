//! The name that people will see in an alert.

use super::finding::Finding;
use super::rule::{Check, Rule};
use super::view::{Everything, ItemView};
use crate::object::Kind;
use crate::set::item::text_at;

pub(super) const RULE: Rule = Rule {
    name: "name-trimmed",
    demands: "Names are not empty and have no white space around them.",
    waivable: true,
    check: Check::Item(check),
};

fn check(view: &ItemView<'_>, _: &Everything<'_>) -> Vec<Finding> {
    let item = view.item;
    let field = if item.object.kind == Kind::Dashboard {
        "title"
    } else {
        "name"
    };
    let title = text_at(&item.object.payload, field);
    let wrong = if title.trim().is_empty() {
        Some((
            "the name is empty",
            "give it the name that people will see in an alert",
        ))
    } else if title != title.trim() {
        let help = "the API trims it, and every plan would show a difference";
        Some(("the name has white space around it", help))
    } else {
        None
    };
    let finding = |(message, help)| RULE.finding(item.place.key(field), message).help(help);
    wrong.map(finding).into_iter().collect()
}

//! Logical names: what becomes part of a tag.

use super::finding::Finding;
use super::rule::{Check, Rule};
use super::view::{Everything, ItemView};

pub(super) const RULE: Rule = Rule {
    name: "logical-name",
    demands: "A logical name has lower-case letters, digits, `-` and `_` only.",
    waivable: false,
    check: Check::Item(check),
};

fn check(view: &ItemView<'_>, _: &Everything<'_>) -> Vec<Finding> {
    let item = view.item;
    let sound = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    if !item.name().is_empty() && item.name().chars().all(sound) {
        return Vec::new();
    }
    let message = format!("`{}` cannot be a logical name", item.name());
    let finding = RULE.finding(item.place.clone(), message).on_key();
    let help = "it becomes part of a tag: use lower-case letters, digits, `-` and `_`";
    vec![finding.help(help)]
}

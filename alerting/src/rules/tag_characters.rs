//! Tags: what the API keeps unchanged.

use super::finding::Finding;
use super::rule::{Check, Rule};
use super::view::{Everything, ItemView};
use crate::object::KEY_TAG;

pub(super) const RULE: Rule = Rule {
    name: "tag-characters",
    demands: "Tags start with a letter and hold what the API keeps unchanged.",
    waivable: true,
    check: Check::Item(check),
};

/// Longest tag that is kept whole.
const TAG_CHARACTERS_MAX: usize = 200;

fn check(view: &ItemView<'_>, _: &Everything<'_>) -> Vec<Finding> {
    let item = view.item;
    let kept = |c: char| c.is_alphanumeric() && !c.is_uppercase() || "_-:./".contains(c);
    let sound = |tag: &str| {
        tag.starts_with(char::is_alphabetic)
            && tag.chars().all(kept)
            && !tag.ends_with(':')
            && tag.chars().count() <= TAG_CHARACTERS_MAX
    };
    // The mark is made of a name that has a rule of its own.
    let odd = view
        .tags()
        .filter(|tag| !sound(tag) && !tag.starts_with(KEY_TAG));
    odd.map(|tag| {
        let finding = RULE.finding(item.place.clone(), format!("the tag `{tag}` would not be kept as it is"));
        let value = tag.split_once(':').map_or(tag, |(_, value)| value);
        finding
            .containing(tag)
            .containing(value)
            .help("start with a letter; use lower-case letters, digits and `_ - : . /`, at most 200 characters")
    })
    .collect()
}

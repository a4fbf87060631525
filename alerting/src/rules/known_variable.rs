//! Variables `${name}` in a definition: what was misspelt, what is not set.

use std::collections::BTreeMap;

use checked_yaml::{Kind, Node, Place};

use super::finding::Finding;
use super::rule::{Check, Rule};
use super::view::{Everything, ItemView};
use crate::set::placeholders::{BUILT_IN, substitute, uses};

pub(super) const RULE: Rule = Rule {
    name: "known-variable",
    demands: "A variable exists.",
    waivable: false,
    check: Check::Item(check),
};

/// The uses of variables that hold nothing here, in the file's own text.
fn check(view: &ItemView<'_>, everything: &Everything<'_>) -> Vec<Finding> {
    let item = view.item;
    let mut found = Vec::new();
    let node = everything.documents[item.file].node(&item.place);
    walk(node, &item.place, &item.values, &mut found);
    found
}

fn walk(node: &Node, place: &Place, values: &BTreeMap<String, String>, found: &mut Vec<Finding>) {
    match &node.kind {
        Kind::Map(entries) => {
            for entry in entries {
                walk(&entry.value, &place.key(&entry.key), values, found);
            }
        }
        Kind::List(items) => {
            for (at, child) in items.iter().enumerate() {
                walk(child, &place.index(at), values, found);
            }
        }
        Kind::Text(text, _) => {
            let wrong = uses(text)
                .into_iter()
                .filter_map(|(range, name)| Some(unset(name, place, values)?.within(range)));
            found.extend(wrong);
        }
        _ => {}
    }
}

/// What is wrong with a use of a variable: nobody knows it, it is not set here, or what it stands for is not.
fn unset(name: &str, place: &Place, values: &BTreeMap<String, String>) -> Option<Finding> {
    let finding = |message: String| RULE.finding(place.clone(), message);
    if let Some(value) = values.get(name) {
        let text = substitute(value, values);
        // One that holds itself is cut off, which shows.
        let (_, missing) = uses(&text).into_iter().find(|(_, other)| *other != name)?;
        let message =
            format!("`${{{name}}}` stands for `{text}`, and there is no variable `{missing}`");
        let help = match missing {
            "site" => {
                "set DD_SITE, or `site` under `variables` in the project file, like https://app.datadoghq.eu"
            }
            "runbooks" => {
                "set `runbooks` under `variables` in the project file: the address of the folder of runbooks"
            }
            _ => "set it in the project file, under the environment, or with --var",
        };
        return Some(finding(message).help(help));
    }
    if BUILT_IN.iter().any(|(known, _)| *known == name) {
        let help = match name {
            "critical" | "warning" => format!("add it to `thresholds`: `{{ {name}: … }}`"),
            _ => format!("add `{name}: …` to the definition or under `defaults`"),
        };
        return Some(finding(format!("`${{{name}}}` is not set for this definition")).help(help));
    }
    let known = values
        .keys()
        .map(String::as_str)
        .chain(BUILT_IN.iter().map(|(name, _)| *name));
    let close = checked_yaml::did_you_mean(name, known);
    let finding = finding(format!("there is no variable `{name}`")).help(
        "set it in the project file, under the environment, or with --var; write `$${` for a plain `${`",
    );
    Some(close.into_iter().fold(finding, Finding::help))
}

//! The tag `service`: among those that the project lists.

use super::finding::Finding;
use super::rule::{Check, Rule};
use super::view::{Everything, ItemView};

pub(super) const RULE: Rule = Rule {
    name: "known-service",
    demands: "A service is among those that the project lists.",
    waivable: true,
    check: Check::Item(check),
};

fn check(view: &ItemView<'_>, everything: &Everything<'_>) -> Vec<Finding> {
    unknown(view, everything.services).into_iter().collect()
}

fn unknown(view: &ItemView<'_>, known: &[String]) -> Option<Finding> {
    let service = view.tags().find_map(|tag| tag.strip_prefix("service:"))?;
    if known.is_empty() || known.iter().any(|name| name == service) {
        return None;
    }
    let finding = RULE.finding(
        view.item.place.key("service"),
        format!("there is no service `{service}`"),
    );
    let close = checked_yaml::did_you_mean(service, known.iter().map(String::as_str));
    let finding = finding.help("list it under `services` in the project file, or correct the name");
    Some(close.into_iter().fold(finding, Finding::help))
}

//! Waivers themselves, looked at when all other rules have been.

use checked_yaml::Place;

use super::finding::Finding;
use super::rule::{Check, Rule};
use crate::definition::Waiver;

pub(super) const RULE: Rule = Rule {
    name: "waiver",
    demands: "A waiver names a waivable rule that is broken here, and says why.",
    waivable: false,
    check: Check::Waivers(check),
};

fn check(waiver: &Waiver, used: bool, place: Place, rules: &[Rule]) -> Option<Finding> {
    let name = &waiver.rule;
    let finding = |field: &str, message: String| RULE.finding(place.key(field), message);
    match rules.iter().find(|rule| rule.name == name) {
        None => {
            let close = checked_yaml::did_you_mean(name, rules.iter().map(|rule| rule.name));
            let finding = finding("rule", format!("there is no rule `{name}`"));
            Some(close.into_iter().fold(
                finding.help("`monitors check --rules` lists them"),
                Finding::help,
            ))
        }
        Some(rule) if !rule.waivable => Some(
            finding("rule", format!("the rule `{name}` cannot be waived"))
                .help("without it an apply could not work; correct the definition"),
        ),
        Some(_) if waiver.reason.trim().is_empty() => Some(
            finding("reason", "the waiver has no reason".to_owned())
                .help("say why the rule may be broken here"),
        ),
        Some(_) if !used => Some(
            finding("rule", format!("the waiver of `{name}` is not used"))
                .help("the rule is kept here; remove the waiver"),
        ),
        Some(_) => None,
    }
}

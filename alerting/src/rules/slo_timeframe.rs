//! Time frames of SLOs: there, and each once.

use super::finding::Finding;
use super::rule::{Check, Rule};
use super::view::ItemView;
use crate::definition::Slo;

pub(super) const RULE: Rule = Rule {
    name: "slo-timeframe",
    demands: "Time frames are there, each once.",
    waivable: false,
    check: Check::Slo(check),
};

fn check(view: &ItemView<'_>, slo: &Slo) -> Vec<Finding> {
    let place = view.item.place.key("thresholds");
    let mut findings = Vec::new();
    if slo.thresholds.is_empty() {
        let finding = RULE.finding(place.clone(), "the SLO has no target");
        findings.push(finding.help("add `- { timeframe: 30d, target: 99.9 }`"));
    }
    for (index, target) in slo.thresholds.iter().enumerate() {
        let here = place.index(index);
        if slo.thresholds[..index]
            .iter()
            .any(|other| other.timeframe == target.timeframe)
        {
            let finding = RULE.finding(
                here.key("timeframe"),
                "this time frame has a target already",
            );
            findings.push(finding.help("keep one target per time frame"));
        }
    }
    findings
}

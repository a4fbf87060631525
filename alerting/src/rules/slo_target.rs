//! Targets of SLOs: they can be kept and missed.

use super::finding::Finding;
use super::rule::{Check, Rule};
use super::view::ItemView;
use crate::definition::Slo;

pub(super) const RULE: Rule = Rule {
    name: "slo-target",
    demands: "A target is above 0 and below 100, its warning between target and 100.",
    waivable: false,
    check: Check::Slo(check),
};

fn check(view: &ItemView<'_>, slo: &Slo) -> Vec<Finding> {
    let place = view.item.place.key("thresholds");
    let mut findings = Vec::new();
    for (index, target) in slo.thresholds.iter().enumerate() {
        let here = place.index(index);
        if !(target.target > 0.0 && target.target < 100.0) {
            let message = format!(
                "a target of {} % cannot be kept or cannot be missed",
                target.target
            );
            findings.push(
                RULE.finding(here.key("target"), message)
                    .help("use per cent above 0 and below 100"),
            );
        }
        if let Some(warning) = target
            .warning
            .filter(|warning| *warning <= target.target || *warning >= 100.0)
        {
            let message = format!(
                "the warning at {warning} % does not come before the target of {} %",
                target.target
            );
            let help = "use a number between the target and 100";
            findings.push(RULE.finding(here.key("warning"), message).help(help));
        }
    }
    findings
}

//! What an SLO measures: what its type needs, and nothing else.

use super::finding::Finding;
use super::rule::{Check, Rule};
use super::view::ItemView;
use crate::definition::{Slo, SloType};

pub(super) const RULE: Rule = Rule {
    name: "slo-shape",
    demands: "An SLO has what its type needs and nothing else.",
    waivable: false,
    check: Check::Slo(check),
};

fn check(view: &ItemView<'_>, slo: &Slo) -> Vec<Finding> {
    let item = view.item;
    // A metric SLO says what it counts in one of two ways.
    let counts = slo.kind == SloType::Metric && slo.query.is_none();
    let specified = slo.sli_specification.is_some();
    let parts = [
        (
            "query",
            SloType::Metric,
            slo.query.is_some() || counts && specified,
        ),
        (
            "sli_specification",
            if counts {
                SloType::Metric
            } else {
                SloType::TimeSlice
            },
            specified || counts,
        ),
        ("monitor_ids", SloType::Monitor, !slo.monitor_ids.is_empty()),
    ];
    let mut findings = Vec::new();
    for (field, kind, present) in parts {
        if kind == slo.kind && !present {
            let message = format!("Invalid payload: must specify {field}");
            let finding = RULE.finding(item.place.clone(), message);
            findings.push(finding.help(format!("add `{field}`, which this type of SLO measures")));
        } else if kind != slo.kind && present {
            let message = format!("this type of SLO does not use `{field}`");
            findings.push(
                RULE.finding(item.place.key(field), message)
                    .on_key()
                    .help("remove it, or correct the type"),
            );
        }
    }
    if !slo.groups.is_empty() && slo.kind == SloType::Monitor && slo.monitor_ids.len() != 1 {
        let message = "groups can be chosen of one monitor only";
        let finding = RULE.finding(item.place.key("groups"), message);
        findings.push(finding.help("name one monitor in monitor_ids, or remove the groups"));
    }
    findings
}

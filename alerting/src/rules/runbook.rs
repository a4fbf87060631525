//! Runbooks: named, there, and linked to.

use super::finding::Finding;
use super::rule::{Check, Rule};
use super::view::{Everything, MonitorView};

pub(super) const RULE: Rule = Rule {
    name: "runbook",
    demands: "A monitor names a runbook that exists, and its message links to it.",
    waivable: true,
    check: Check::Monitor(check),
};

fn check(view: &MonitorView<'_>, everything: &Everything<'_>) -> Vec<Finding> {
    runbook(view, everything).into_iter().collect()
}

fn runbook(view: &MonitorView<'_>, everything: &Everything<'_>) -> Option<Finding> {
    let item = view.item;
    let Some(runbook) = view
        .definition
        .runbook
        .as_deref()
        .or(item.runbook.as_deref())
    else {
        let finding = RULE.finding(item.place.clone(), "the monitor names no runbook");
        let help = "add `runbook: <file>`: a file of docs/runbooks without .md";
        return Some(finding.help(help).house());
    };
    if let Some(known) = everything.runbooks
        && !known.iter().any(|name| name == runbook)
    {
        let close = checked_yaml::did_you_mean(runbook, known.iter().map(String::as_str));
        let finding = RULE.finding(
            view.place("runbook"),
            format!("there is no runbook `{runbook}`"),
        );
        let finding = finding.help(format!(
            "write docs/runbooks/{runbook}.md, or correct the name"
        ));
        return Some(close.into_iter().fold(finding, Finding::help));
    }
    if view.message().contains(&format!("{runbook}.md")) {
        return None;
    }
    let message = "the message does not link to the runbook";
    Some(
        RULE.finding(view.place("message"), message)
            .help("write `${runbook}` where the reader needs it")
            .house(),
    )
}

//! Rules on what the on-call person reads.

use super::Finding;
use super::view::{Everything, MonitorView};
use crate::definition::MonitorType;
use crate::query::tree::{Alert, texts};

/// Blocks that show their text in one state or for one group alone.
const BLOCKS: &[&str] = &[
    "is_alert",
    "is_warning",
    "is_recovery",
    "is_no_data",
    "is_renotify",
    "is_priority",
    "is_alert_to_warning",
    "is_alert_recovery",
    "is_warning_recovery",
    "is_no_data_recovery",
    "is_alert_to_no_data",
    "is_no_data_to_alert",
    "is_warning_to_alert",
    "is_warning_to_no_data",
    "is_no_data_to_warning",
    "is_unknown",
    "is_unmatch",
    "is_match",
    "is_exact_match",
    "is_zero",
];

/// Blocks that take arguments.
const MATCHING: &[&str] = &["is_match", "is_exact_match", "is_zero", "is_priority"];

/// Template variables that every monitor has.
const COMMON: &[&str] = &[
    "value",
    "threshold",
    "warn_threshold",
    "ok_threshold",
    "alert_recovery_threshold",
    "warn_recovery_threshold",
    "comparator",
    "first_triggered_at",
    "first_triggered_at_epoch",
    "last_triggered_at",
    "last_triggered_at_epoch",
    "triggered_duration_sec",
    "check_message",
    "last_updated_at",
    "snapshot",
    "else",
];

/// First words of variables that events, logs and the like bring.
const EVENT_ROOTS: &[&str] = &[
    "log",
    "event",
    "issue",
    "span",
    "rum",
    "audit",
    "cipipeline",
    "citest",
    "synthetics",
    "slo",
];

/// Keys of which any use is filled when the monitor is grouped by host.
const HOST_METADATA: &str = "host.";

pub(super) fn check(view: &MonitorView<'_>, everything: &Everything<'_>) -> Vec<Finding> {
    let tokens = tokens(view.message());
    let mut findings = blocks(view, &tokens);
    findings.extend(variables(view, &tokens));
    findings.extend(recovery(view, &tokens));
    findings.extend(runbook(view, everything));
    findings.extend(dashboard(view));
    findings
}

/// What stands between `{{` and `}}`, trimmed.
fn tokens(message: &str) -> Vec<&str> {
    message
        .split("{{")
        .skip(1)
        .filter_map(|rest| rest.split_once("}}"))
        .map(|(inner, _)| inner.trim())
        .collect()
}

fn blocks(view: &MonitorView<'_>, tokens: &[&str]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut find = |token: &str, message: String, help: &str| {
        findings.push(
            Finding::new("message-block", view.place("message"), message)
                .containing(token)
                .help(help),
        );
    };
    let mut open: Vec<&str> = Vec::new();
    for token in tokens {
        if let Some(opening) = token.strip_prefix(['#', '^']) {
            let name = opening.split_whitespace().next().unwrap_or_default();
            if !BLOCKS.contains(&name) {
                find(
                    token,
                    format!("there is no block `{name}`"),
                    "blocks: is_alert, is_warning, is_recovery, is_no_data, is_match …",
                );
            } else if MATCHING.contains(&name) && opening.split_whitespace().count() < 2 {
                find(
                    token,
                    format!("the block `{name}` compares with nothing"),
                    "write {{#is_match \"tag.name\" \"text\"}}",
                );
            }
            open.push(name);
        } else if let Some(name) = token.strip_prefix('/')
            && open.pop() != Some(name.trim())
        {
            find(
                token,
                format!("`{{{{/{name}}}}}` does not close the block that is open"),
                "close blocks in the reverse order of opening",
            );
        }
    }
    if let Some(name) = open.last() {
        find(
            name,
            format!("the block `{name}` is not closed"),
            &format!("add {{{{/{name}}}}}"),
        );
    }
    findings
}

fn variables(view: &MonitorView<'_>, tokens: &[&str]) -> Vec<Finding> {
    // Composites see the variables of their members, which may be kept elsewhere.
    if matches!(
        view.alert(),
        None | Some(Alert::Composite(_) | Alert::Slo(_))
    ) {
        return Vec::new();
    }
    let groups = groups(view);
    let names = tokens.iter().filter_map(|token| variable(token));
    names
        .filter(|name| !is_filled(name, &groups))
        .map(|name| {
            let message = format!("the message uses `{name}`, which this monitor does not fill");
            let help = match groups.as_slice() {
                [] => "the query groups by nothing; add `by {…}` or remove the variable".to_owned(),
                groups => format!(
                    "the query groups by {}; variables are written {{{{key.name}}}}",
                    groups.join(", ")
                ),
            };
            Finding::new("message-variable", view.place("message"), message)
                .containing(name)
                .help(help)
        })
        .collect()
}

/// The variable that a token is about: itself, or what a matching block compares.
fn variable(token: &str) -> Option<&str> {
    if let Some(opening) = token.strip_prefix(['#', '^']) {
        let (name, rest) = opening.split_once(char::is_whitespace)?;
        let quoted = rest.trim().strip_prefix('"')?.split('"').next()?;
        return (MATCHING.contains(&name) && name != "is_priority").then_some(quoted);
    }
    let plain = !token.starts_with('/') && !token.starts_with('!') && !token.is_empty();
    // Functions and comments of the template language are left alone.
    let call = [
        "eval",
        "urlencode",
        "local_time",
        "array",
        "comment",
        "math",
        "override_priority",
    ];
    let first = token.split_whitespace().next().unwrap_or_default();
    (plain && !call.iter().any(|name| first.starts_with(name))).then_some(token)
}

fn is_filled(name: &str, groups: &[String]) -> bool {
    let bare = name.trim_matches(['[', ']']);
    let root = bare.split('.').next().unwrap_or_default();
    let grouped = groups.iter().any(|key| {
        let key = key.trim_start_matches('@');
        let bare = bare.trim_start_matches('@');
        bare.strip_prefix(key)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', ']']))
    });
    COMMON.contains(&bare)
        || EVENT_ROOTS.contains(&root)
        || grouped
        || groups.iter().any(|key| key == "*")
        || (bare.starts_with(HOST_METADATA) && groups.iter().any(|key| key == "host"))
}

/// The keys by which a monitor makes groups.
pub(super) fn groups(view: &MonitorView<'_>) -> Vec<String> {
    let of_chain = |chain| {
        texts(chain, "by")
            .unwrap_or_default()
            .into_iter()
            .map(str::to_owned)
            .collect()
    };
    match view.alert() {
        Some(Alert::Metric(metric)) => {
            let mut keys: Vec<String> = metric
                .expr
                .metrics()
                .iter()
                .flat_map(|query| query.by.clone())
                .collect();
            keys.sort();
            keys.dedup();
            keys
        }
        Some(Alert::Check(check)) => of_chain(&check.chain),
        Some(Alert::Search(search)) => of_chain(&search.chain),
        Some(Alert::Formula(_)) => formula_groups(view),
        _ => Vec::new(),
    }
}

/// A formula's groups stand in the variables of the options.
fn formula_groups(view: &MonitorView<'_>) -> Vec<String> {
    let variables = view.definition.options.variables.iter().flatten();
    let lists = variables.filter_map(|variable| variable.get("group_by")?.as_array());
    let facets = lists
        .flatten()
        .filter_map(|group| group.get("facet")?.as_str());
    let searched = facets.map(str::to_owned);
    let queries = view
        .definition
        .options
        .variables
        .iter()
        .flatten()
        .filter_map(|variable| variable.get("query")?.as_str());
    let parsed = queries.filter_map(|query| crate::query::Expression::parse(query).ok());
    let grouped = parsed.flat_map(|query| {
        query
            .metrics()
            .iter()
            .flat_map(|metric| metric.by.clone())
            .collect::<Vec<_>>()
    });
    searched.chain(grouped).collect()
}

fn recovery(view: &MonitorView<'_>, tokens: &[&str]) -> Option<Finding> {
    let has = tokens
        .iter()
        .any(|token| token.starts_with('#') && token.contains("recovery"))
        || tokens.contains(&"^is_alert");
    if has || view.definition.kind == MonitorType::Event {
        return None;
    }
    let message = "the message says nothing about recovery";
    let help = "add {{#is_recovery}}what is normal again{{/is_recovery}}";
    let finding = Finding::new("message-recovery", view.place("message"), message);
    Some(finding.help(help).house())
}

fn runbook(view: &MonitorView<'_>, everything: &Everything<'_>) -> Option<Finding> {
    let item = view.item;
    let Some(runbook) = view
        .definition
        .runbook
        .as_deref()
        .or(item.runbook.as_deref())
    else {
        let finding = Finding::new(
            "runbook",
            item.place.clone(),
            "the monitor names no runbook",
        );
        let help = "add `runbook: <file>`: a file of docs/runbooks without .md";
        return Some(finding.help(help).house());
    };
    if let Some(known) = everything.runbooks
        && !known.iter().any(|name| name == runbook)
    {
        let close = checked_yaml::did_you_mean(runbook, known.iter().map(String::as_str));
        let finding = Finding::new(
            "runbook",
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
        Finding::new("runbook", view.place("message"), message)
            .help("write `${runbook}` where the reader needs it")
            .house(),
    )
}

fn dashboard(view: &MonitorView<'_>) -> Option<Finding> {
    if view.message().contains("/dashboard/") {
        return None;
    }
    let message = "the message links to no dashboard";
    let help = "name one with `dashboard: <name>` and write `${dashboard}` in the message";
    let finding = Finding::new("dashboard-link", view.place("message"), message);
    Some(finding.help(help).house())
}

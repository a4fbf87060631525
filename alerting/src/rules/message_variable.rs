//! Messages: template variables are filled.

use super::finding::Finding;
use super::message::{MATCHING, tokens};
use super::rule::{Check, Rule};
use super::view::{Everything, MonitorView};
use crate::query::tree::{Alert, texts};

pub(super) const RULE: Rule = Rule {
    name: "message-variable",
    demands: "A template variable in the message is filled for this monitor.",
    waivable: true,
    check: Check::Monitor(check),
};

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

fn check(view: &MonitorView<'_>, _: &Everything<'_>) -> Vec<Finding> {
    let tokens = tokens(view.message());
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
            RULE.finding(view.place("message"), message)
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
fn groups(view: &MonitorView<'_>) -> Vec<String> {
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

//! The table of rules: names, demands, and which may be waived. Documentation is made from it; must not know how a rule
//! is checked.

/// A rule's name and what it demands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// As shown with problems and written in waivers.
    pub name: &'static str,
    /// In one sentence.
    pub demands: &'static str,
    /// Whether a definition may be exempted.
    pub waivable: bool,
}

const fn rule(name: &'static str, demands: &'static str) -> Rule {
    Rule {
        name,
        demands,
        waivable: true,
    }
}

const fn firm(name: &'static str, demands: &'static str) -> Rule {
    Rule {
        name,
        demands,
        waivable: false,
    }
}

/// Every rule.
pub const RULES: &[Rule] = &[
    firm("unique-name", "A logical name is defined once per kind."),
    firm("link-resolves", "A linked monitor or SLO is defined."),
    firm(
        "logical-name",
        "A logical name has lower-case letters, digits, `-` and `_` only.",
    ),
    firm("link-circle", "Links do not go in a circle."),
    firm("known-variable", "A variable exists."),
    firm(
        "waiver",
        "A waiver names a waivable rule that is broken here, and says why.",
    ),
    rule("query-syntax", "A query is of the grammar."),
    rule("query-line", "A monitor's query stands on one line."),
    rule("query-type", "The query's kind fits the monitor's type."),
    rule(
        "duplicate-monitor",
        "No two monitors have the same type, query and name.",
    ),
    firm("threshold-number", "A threshold is a number."),
    rule(
        "threshold-critical",
        "An alert with a comparison has a critical threshold.",
    ),
    firm(
        "threshold-matches-query",
        "The critical threshold is the query's number.",
    ),
    firm(
        "threshold-order",
        "The warning threshold is reached before the critical one.",
    ),
    firm(
        "recovery-side",
        "A recovery threshold is on the good side of its threshold.",
    ),
    rule(
        "window",
        "Windows are of a length and unit that the API takes for this kind of query.",
    ),
    rule(
        "duration",
        "Durations and counts in the options are within the API's bounds.",
    ),
    rule(
        "anomaly-windows",
        "An anomaly monitor sets its trigger window like its alert window, and a recovery window.",
    ),
    rule(
        "known-metric",
        "A metric is in the catalogue or the table of provided metrics.",
    ),
    rule(
        "known-tag",
        "A tag key in a scope or group exists on the metric.",
    ),
    rule(
        "percentile-of-distribution",
        "A percentile is asked of a distribution only.",
    ),
    rule(
        "as-count-sum",
        "Counts are summed over the window: `as_count` goes with `sum` and `sum(last_…)`.",
    ),
    rule(
        "full-window-sparse",
        "A sparse metric does not require a full window.",
    ),
    rule(
        "evaluation-delay-cloud",
        "A cloud metric is evaluated with a delay of at least 900 s.",
    ),
    rule(
        "missing-data",
        "The options about missing data go together.",
    ),
    rule(
        "check-by",
        "A service check has `.by(…)`, `.last(…)` and enough answers for its thresholds.",
    ),
    rule(
        "message-variable",
        "A template variable in the message is filled for this monitor.",
    ),
    rule(
        "message-block",
        "Conditional blocks of the message are known and closed.",
    ),
    rule("message-recovery", "The message has a text for recovery."),
    rule(
        "runbook",
        "A monitor names a runbook that exists, and its message links to it.",
    ),
    rule(
        "dashboard-link",
        "The message links to the dashboard to look at first.",
    ),
    rule(
        "known-service",
        "A service is among those that the project lists.",
    ),
    rule("owner", "A definition names the team that owns it."),
    rule(
        "labels",
        "A monitor has the tags service, env and severity.",
    ),
    rule(
        "priority",
        "A monitor has a priority, an integer from 1 to 5.",
    ),
    rule(
        "tag-characters",
        "Tags start with a letter and hold what the API keeps unchanged.",
    ),
    rule(
        "name-trimmed",
        "Names are not empty and have no white space around them.",
    ),
    rule(
        "renotify",
        "Options about repeated notifications go together.",
    ),
    rule(
        "composite-members",
        "A composite combines 2 to 10 different monitors, none of them a composite.",
    ),
    firm(
        "burn-rate-threshold",
        "A burn rate can be reached: at most 1 / (1 − target).",
    ),
    firm(
        "burn-rate-windows",
        "A burn rate's windows are legal and the long one is not shorter than the short one.",
    ),
    firm(
        "budget-threshold",
        "An error budget alert is above 0 and at most 100 %.",
    ),
    firm(
        "slo-target",
        "A target is above 0 and below 100, its warning between target and 100.",
    ),
    firm("slo-timeframe", "Time frames are there, each once."),
    firm(
        "slo-shape",
        "An SLO has what its type needs and nothing else.",
    ),
    rule(
        "slo-ratio",
        "Both sides of a metric SLO are counts of the same groups.",
    ),
    firm(
        "dashboard-shape",
        "A dashboard has a known layout and widgets with a type.",
    ),
    firm("dashboard-tags", "A dashboard has `team:` tags alone."),
    rule(
        "dashboard-variable",
        "A template variable in a widget's query is defined.",
    ),
];

/// Finds a rule by name.
pub fn find(name: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.name == name)
}

//! The offline rules: everything about a definition that can be known to be wrong without asking the API. Each rule
//! has a name and may be waived where it is broken, with a reason. Must not know files; it sees items and names places.

mod composite;
mod dashboard;
mod labels;
mod message;
mod metrics;
mod missing_data;
mod query;
mod slo;
mod slo_alert;
mod thresholds;
mod view;
mod windows;

use std::ops::Range;

use checked_yaml::{Document, Place, Problem};

use crate::definition::Waiver;
use crate::set::{Definition, Item};
pub use metrics::{Known, known_metric};
use view::{Everything, MonitorView};

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
    rule("query-type", "The query's kind fits the monitor's type."),
    rule(
        "duplicate-monitor",
        "No two monitors have the same type, query and name.",
    ),
    firm("threshold-number", "A threshold is a number."),
    firm(
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

/// One breach of a rule.
#[derive(Debug, Clone)]
pub struct Finding {
    rule: &'static str,
    place: Place,
    on_key: bool,
    range: Option<Range<usize>>,
    needles: Vec<String>,
    message: String,
    help: Vec<String>,
}

impl Finding {
    /// A breach at a place.
    pub(crate) fn new(rule: &'static str, place: Place, message: impl Into<String>) -> Self {
        debug_assert!(find(rule).is_some(), "{rule} is not in the table");
        let message = message.into();
        Self {
            rule,
            place,
            on_key: false,
            range: None,
            needles: Vec::new(),
            message,
            help: Vec::new(),
        }
    }

    /// Adds a line of advice.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// Points at a stretch of the text at the place.
    pub(crate) fn within(mut self, range: Range<usize>) -> Self {
        self.range = Some(range);
        self
    }

    /// Points at the key and not at the value.
    pub(crate) fn on_key(mut self) -> Self {
        self.on_key = true;
        self
    }

    /// Points at the first text below the place that contains this.
    pub(crate) fn containing(mut self, needle: &str) -> Self {
        self.needles.push(needle.to_owned());
        self
    }

    pub(crate) fn into_problem(self, document: &Document, item: &Item) -> Problem {
        let place = self
            .needles
            .iter()
            .find_map(|needle| place_of(document, &self.place, needle));
        let (place, range) = place.map_or((self.place, self.range), |(place, range)| {
            (place, Some(range))
        });
        // Where the file has no such field, the name of the definition stands for it.
        let exists = exists(document, &place);
        let span = match range {
            _ if !exists => document.key_span(&item.place),
            Some(range) => document.span_within(&place, range),
            None if self.on_key || place == item.place => document.key_span(&place),
            None => document.span(&place),
        };
        let message = format!("{} [{}]", self.message, self.rule);
        let problem = document.problem(&place, message);
        let problem = Problem { span, ..problem }.label(item.name());
        self.help.into_iter().fold(problem, Problem::help)
    }
}

fn exists(document: &Document, place: &Place) -> bool {
    let mut node = document.root();
    for segment in place.segments() {
        match node.child(&segment) {
            Some(child) => node = child,
            None => return false,
        }
    }
    true
}

fn place_of(document: &Document, place: &Place, needle: &str) -> Option<(Place, Range<usize>)> {
    match &document.node(place).kind {
        checked_yaml::Kind::Text(text, _) => {
            let at = text.find(needle)?;
            Some((place.clone(), at..at + needle.len()))
        }
        checked_yaml::Kind::Map(entries) => entries
            .iter()
            .find_map(|entry| place_of(document, &place.key(&entry.key), needle)),
        checked_yaml::Kind::List(items) => {
            (0..items.len()).find_map(|index| place_of(document, &place.index(index), needle))
        }
        _ => None,
    }
}

/// Everything that any rule finds, with the index of the item it is about.
pub(crate) fn check(items: &[Item], runbooks: Option<&[String]>) -> Vec<(usize, Finding)> {
    let everything = Everything { items, runbooks };
    let mut findings = Vec::new();
    for (index, item) in items.iter().enumerate() {
        findings.extend(
            check_item(item, &everything)
                .into_iter()
                .map(|finding| (index, finding)),
        );
    }
    findings.extend(labels::duplicates(items));
    findings
}

fn check_item(item: &Item, everything: &Everything<'_>) -> Vec<Finding> {
    let mut findings = labels::check(item);
    match &item.definition {
        Definition::Monitor(definition) => {
            let (view, syntax) = MonitorView::new(item, definition);
            findings.extend(syntax);
            for rules in MONITOR_RULES {
                findings.extend(rules(&view, everything));
            }
        }
        Definition::Slo(definition) => findings.extend(slo::check(item, definition)),
        Definition::Dashboard(definition) => findings.extend(dashboard::check(item, definition)),
    }
    findings
}

type MonitorRules = fn(&MonitorView<'_>, &Everything<'_>) -> Vec<Finding>;

const MONITOR_RULES: &[MonitorRules] = &[
    query::check,
    thresholds::check,
    windows::check,
    metrics::check,
    missing_data::check,
    message::check,
    composite::check,
    slo_alert::check,
];

/// Takes out what is waived, and adds what is wrong with the waivers.
pub(crate) fn waive(items: &[Item], findings: Vec<(usize, Finding)>) -> Vec<(usize, Finding)> {
    let mut left = Vec::new();
    let mut used: Vec<Vec<bool>> = items
        .iter()
        .map(|item| vec![false; waivers(item).len()])
        .collect();
    for (index, finding) in findings {
        let waiver = waivers(&items[index])
            .iter()
            .position(|waiver| waiver.rule == finding.rule);
        match waiver.filter(|_| find(finding.rule).is_some_and(|rule| rule.waivable)) {
            Some(waiver) => used[index][waiver] = true,
            None => left.push((index, finding)),
        }
    }
    for (index, item) in items.iter().enumerate() {
        let places = waivers(item).iter().enumerate();
        for (at, waiver) in places {
            let place = item.place.key("waive").index(at);
            left.extend(
                waiver_problem(waiver, used[index][at], place).map(|finding| (index, finding)),
            );
        }
    }
    left
}

fn waivers(item: &Item) -> &[Waiver] {
    match &item.definition {
        Definition::Monitor(monitor) => &monitor.waive,
        Definition::Slo(slo) => &slo.waive,
        Definition::Dashboard(dashboard) => &dashboard.waive,
    }
}

fn waiver_problem(waiver: &Waiver, used: bool, place: Place) -> Option<Finding> {
    let name = &waiver.rule;
    let finding = |field: &str, message: String| Finding::new("waiver", place.key(field), message);
    match find(name) {
        None => {
            let close = checked_yaml::did_you_mean(name, RULES.iter().map(|rule| rule.name));
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

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
mod table;
mod thresholds;
mod view;
mod windows;

use std::ops::Range;

use checked_yaml::{Document, Place, Problem};

use crate::catalogue::Catalogue;
use crate::definition::Waiver;
use crate::set::{Definition, Item};
pub use table::{RULES, Rule, find};
use view::{Everything, MonitorView};

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
    /// Good practice, and no mistake: only projects with the house profile hear of it.
    house: bool,
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
            house: false,
        }
    }

    /// Only for projects with the house profile.
    pub(crate) fn house(mut self) -> Self {
        self.house = true;
        self
    }

    pub(crate) fn is_house(&self) -> bool {
        self.house
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
pub(crate) fn check(
    items: &[Item],
    runbooks: Option<&[String]>,
    catalogue: &Catalogue,
    services: &[String],
) -> Vec<(usize, Finding)> {
    let everything = Everything {
        items,
        runbooks,
        catalogue,
        services,
    };
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
    let mut findings = labels::check(item, everything);
    match &item.definition {
        Definition::Monitor(definition) => {
            let (view, syntax) = MonitorView::new(item, definition);
            findings.extend(syntax);
            for rules in MONITOR_RULES {
                findings.extend(rules(&view, everything));
            }
        }
        Definition::Slo(definition) => findings.extend(slo::check(item, definition, everything)),
        Definition::Dashboard(definition) => {
            findings.extend(dashboard::check(item, definition, everything));
        }
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

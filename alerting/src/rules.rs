//! The offline rules: everything about a definition that can be known to be wrong without asking the API. Each rule
//! is a file of its own – its name, what it demands, how it is checked – and a line of [`RULES`]; it may be waived where
//! it is broken, with a reason. Must not know files; it sees items and names places.

mod anomaly_windows;
mod as_count_sum;
mod budget_threshold;
mod burn_rate_threshold;
mod burn_rate_windows;
mod check_by;
mod composite_members;
mod dashboard_link;
mod dashboard_shape;
mod dashboard_tags;
mod dashboard_variable;
mod duplicate_monitor;
mod duration;
mod evaluation_delay_cloud;
mod finding;
mod full_window_sparse;
mod known_metric;
mod known_service;
mod known_tag;
mod known_variable;
mod labels;
mod link_circle;
mod link_resolves;
mod logical_name;
mod message;
mod message_block;
mod message_recovery;
mod message_variable;
mod missing_data;
mod name_trimmed;
mod owner;
mod percentile_of_distribution;
mod priority;
mod query_line;
mod query_syntax;
mod query_type;
mod recovery_side;
mod renotify;
mod rule;
mod runbook;
mod slo_alert;
mod slo_ratio;
mod slo_shape;
mod slo_target;
mod slo_timeframe;
mod tag_characters;
mod threshold_critical;
mod threshold_matches_query;
mod threshold_number;
mod threshold_order;
mod thresholds;
mod unique_name;
mod view;
mod waiver;
mod window;

use crate::definition::Waiver;
use crate::set::item::{Definition, Item};
pub(crate) use finding::Finding;
use rule::Check;
pub use rule::Rule;
pub(crate) use view::Everything;
use view::{ItemView, MonitorView};

/// Every rule, in the order in which documentation lists them.
pub const RULES: &[Rule] = &[
    unique_name::RULE,
    link_resolves::RULE,
    logical_name::RULE,
    link_circle::RULE,
    known_variable::RULE,
    waiver::RULE,
    query_syntax::RULE,
    query_line::RULE,
    query_type::RULE,
    duplicate_monitor::RULE,
    threshold_number::RULE,
    threshold_critical::RULE,
    threshold_matches_query::RULE,
    threshold_order::RULE,
    recovery_side::RULE,
    window::RULE,
    duration::RULE,
    anomaly_windows::RULE,
    known_metric::RULE,
    known_tag::RULE,
    percentile_of_distribution::RULE,
    as_count_sum::RULE,
    full_window_sparse::RULE,
    evaluation_delay_cloud::RULE,
    missing_data::RULE,
    check_by::RULE,
    message_variable::RULE,
    message_block::RULE,
    message_recovery::RULE,
    runbook::RULE,
    dashboard_link::RULE,
    known_service::RULE,
    owner::RULE,
    labels::RULE,
    priority::RULE,
    tag_characters::RULE,
    name_trimmed::RULE,
    renotify::RULE,
    composite_members::RULE,
    burn_rate_threshold::RULE,
    burn_rate_windows::RULE,
    budget_threshold::RULE,
    slo_target::RULE,
    slo_timeframe::RULE,
    slo_shape::RULE,
    slo_ratio::RULE,
    dashboard_shape::RULE,
    dashboard_tags::RULE,
    dashboard_variable::RULE,
];

/// Finds a rule by name.
pub fn find(name: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.name == name)
}

/// Everything that any rule finds, with the index of the item it is about.
pub(crate) fn check(everything: &Everything<'_>) -> Vec<(usize, Finding)> {
    let mut findings = Vec::new();
    for (index, item) in everything.items.iter().enumerate() {
        let found = check_item(item, everything).into_iter();
        findings.extend(found.map(|finding| (index, finding)));
    }
    findings.extend(RULES.iter().flat_map(|rule| match rule.check {
        Check::Set(check) => check(everything),
        _ => Vec::new(),
    }));
    findings
}

fn check_item(item: &Item, everything: &Everything<'_>) -> Vec<Finding> {
    let view = ItemView::new(item);
    RULES
        .iter()
        .flat_map(|rule| match (rule.check, &item.definition) {
            (Check::Item(check), _) => check(&view, everything),
            (Check::Metric(check), _) => view
                .metrics()
                .flat_map(|(place, query)| check(query, place, everything))
                .collect(),
            (Check::Monitor(check), Definition::Monitor(monitor)) => {
                check(&MonitorView::new(&view, monitor), everything)
            }
            (Check::Slo(check), Definition::Slo(slo)) => check(&view, slo),
            (Check::Dashboard(check), Definition::Dashboard(dashboard)) => check(&view, dashboard),
            _ => Vec::new(),
        })
        .collect()
}

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
            .position(|waiver| waiver.rule == finding.rule());
        match waiver.filter(|_| find(finding.rule()).is_some_and(|rule| rule.waivable)) {
            Some(waiver) => used[index][waiver] = true,
            None => left.push((index, finding)),
        }
    }
    for (index, item) in items.iter().enumerate() {
        let places = waivers(item).iter().enumerate();
        for (at, waiver) in places {
            let place = item.place.key("waive").index(at);
            let findings = RULES.iter().filter_map(|rule| match rule.check {
                Check::Waivers(check) => check(waiver, used[index][at], place.clone(), RULES),
                _ => None,
            });
            left.extend(findings.map(|finding| (index, finding)));
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

//! Rules on service level objectives.

use checked_yaml::Place;

use super::Finding;
use super::metrics;
use super::view::{Everything, syntax};
use crate::definition::{Slo, SloType};
use crate::query::Expression;
use crate::query::tree::MethodName;
use crate::set::Item;

pub(super) fn check(item: &Item, slo: &Slo, everything: &Everything<'_>) -> Vec<Finding> {
    let mut findings = targets(item, slo);
    findings.extend(shape(item, slo));
    let (expressions, mut wrong) = queries(item, slo);
    findings.append(&mut wrong);
    for (place, expression) in &expressions {
        findings.extend(metrics::check_metrics(
            &expression.metrics(),
            place,
            everything.catalogue,
        ));
    }
    if let [(place, good), (_, all)] = expressions.as_slice()
        && slo.query.is_some()
    {
        findings.extend(ratio(place, good, all));
    }
    findings
}

fn targets(item: &Item, slo: &Slo) -> Vec<Finding> {
    let place = item.place.key("thresholds");
    let mut findings = Vec::new();
    if slo.thresholds.is_empty() {
        let finding = Finding::new("slo-timeframe", place.clone(), "the SLO has no target");
        findings.push(finding.help("add `- { timeframe: 30d, target: 99.9 }`"));
    }
    for (index, target) in slo.thresholds.iter().enumerate() {
        let here = place.index(index);
        if slo.thresholds[..index]
            .iter()
            .any(|other| other.timeframe == target.timeframe)
        {
            let finding = Finding::new(
                "slo-timeframe",
                here.key("timeframe"),
                "this time frame has a target already",
            );
            findings.push(finding.help("keep one target per time frame"));
        }
        if !(target.target > 0.0 && target.target < 100.0) {
            let message = format!(
                "a target of {} % cannot be kept or cannot be missed",
                target.target
            );
            findings.push(
                Finding::new("slo-target", here.key("target"), message)
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
            findings.push(Finding::new("slo-target", here.key("warning"), message).help(help));
        }
    }
    findings
}

fn shape(item: &Item, slo: &Slo) -> Vec<Finding> {
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
            let finding = Finding::new("slo-shape", item.place.clone(), message);
            findings.push(finding.help(format!("add `{field}`, which this type of SLO measures")));
        } else if kind != slo.kind && present {
            let message = format!("this type of SLO does not use `{field}`");
            findings.push(
                Finding::new("slo-shape", item.place.key(field), message)
                    .on_key()
                    .help("remove it, or correct the type"),
            );
        }
    }
    if !slo.groups.is_empty() && slo.kind == SloType::Monitor && slo.monitor_ids.len() != 1 {
        let message = "groups can be chosen of one monitor only";
        let finding = Finding::new("slo-shape", item.place.key("groups"), message);
        findings.push(finding.help("name one monitor in monitor_ids, or remove the groups"));
    }
    findings
}

/// The queries of a metric or time-slice SLO, parsed.
fn queries(item: &Item, slo: &Slo) -> (Vec<(Place, Expression)>, Vec<Finding>) {
    let payload = &item.object.payload;
    let mut texts: Vec<(Place, &str)> = Vec::new();
    if slo.query.is_some() {
        let place = item.place.key("query");
        let text = |side: &str| payload["query"][side].as_str().unwrap_or_default();
        texts.push((place.key("numerator"), text("numerator")));
        texts.push((place.key("denominator"), text("denominator")));
    }
    let specification = item.place.key("sli_specification");
    for (form, at) in [("time_slice", "/time_slice/query"), ("count", "/count")] {
        let here = specification.key(form);
        let here = if form == "count" {
            here
        } else {
            here.key("query")
        };
        let found = payload["sli_specification"].pointer(at);
        let found = found.and_then(|found| found["queries"].as_array());
        let metrics = found.into_iter().flatten().enumerate();
        for (index, query) in metrics.filter(|(_, query)| query["data_source"] == "metrics") {
            let text = query["query"].as_str().unwrap_or_default();
            texts.push((here.key("queries").index(index).key("query"), text));
        }
    }
    let mut parsed = Vec::new();
    let mut findings = Vec::new();
    for (place, text) in texts {
        match Expression::parse(text) {
            Ok(expression) => parsed.push((place, expression)),
            Err(error) => findings.push(syntax(place, &error, text, text)),
        }
    }
    (parsed, findings)
}

fn ratio(place: &Place, good: &Expression, all: &Expression) -> Option<Finding> {
    let groups = |side: &Expression| {
        let mut keys: Vec<String> = side
            .metrics()
            .iter()
            .flat_map(|query| query.by.clone())
            .collect();
        keys.sort();
        keys.dedup();
        keys
    };
    let metrics: Vec<_> = good.metrics().into_iter().chain(all.metrics()).collect();
    let message = if let Some(rate) = metrics.iter().find(|query| !query.has(MethodName::AsCount)) {
        format!("`{}` is not counted with `as_count`", rate.name)
    } else if groups(good) != groups(all) {
        "numerator and denominator group by different keys".to_owned()
    } else {
        return None;
    };
    Some(
        Finding::new("slo-ratio", place.clone(), message)
            .help("write sum:….as_count() on both sides, with the same `by`"),
    )
}

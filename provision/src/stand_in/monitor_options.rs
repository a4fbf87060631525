//! The options of a monitor: what the API refuses, in its words, and what it makes of them. Must not know HTTP.

use alerting::query::Query;
use alerting::query::tree::{Alert, Comparison, Operand};
use serde_json::{Map, Value, json};

use super::answer::Refused;

/// The options of a monitor of a kind, checked and normalised.
pub(super) fn accept_options(
    mut options: Map<String, Value>,
    kind: &str,
    query: Option<&Query>,
) -> Result<Map<String, Value>, Refused> {
    check_forms(&options)?;
    let mut thresholds = match options.shift_remove("thresholds") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(thresholds)) => thresholds,
        Some(_) => return Err(Refused::invalid("options.thresholds")),
    };
    thresholds.retain(|_, value| !value.is_null());
    for (name, value) in &mut thresholds {
        // A threshold may be a query of its own.
        if !(name.ends_with("_query") && value.is_string()) {
            let number = value
                .as_f64()
                .ok_or_else(|| Refused::invalid("options.thresholds"))?;
            *value = json!(number);
        }
    }
    check_kind(&thresholds, kind, query)?;
    if let Some(comparison) = query.and_then(comparison) {
        check_thresholds(&thresholds, comparison)?;
    }
    if !thresholds.is_empty() {
        options.insert("thresholds".into(), Value::Object(thresholds));
    }
    Ok(options)
}

/// Options that are numbers.
const NUMBERS: &[&str] = &[
    "evaluation_delay",
    "min_failure_duration",
    "min_location_failed",
    "new_group_delay",
    "new_host_delay",
    "no_data_timeframe",
    "renotify_interval",
    "renotify_occurrences",
    "timeout_h",
];
/// Options that are true or false.
const SWITCHES: &[&str] = &[
    "enable_logs_sample",
    "enable_samples",
    "groupby_simple_monitor",
    "include_tags",
    "locked",
    "notify_audit",
    "notify_no_data",
    "require_full_window",
];
/// Options that are lists.
const LISTS: &[&str] = &["notify_by", "renotify_statuses", "variables"];

fn check_forms(options: &Map<String, Value>) -> Result<(), Refused> {
    for (name, value) in options.iter().filter(|(_, value)| !value.is_null()) {
        let name = name.as_str();
        let fits = (!NUMBERS.contains(&name) || value.is_u64() || value.is_f64())
            && (!SWITCHES.contains(&name) || value.is_boolean())
            && (!LISTS.contains(&name) || value.is_array());
        if !fits {
            return Err(Refused::invalid(&format!("options.{name}")));
        }
    }
    Ok(())
}

/// What a kind of monitor asks of its thresholds.
fn check_kind(
    thresholds: &Map<String, Value>,
    kind: &str,
    query: Option<&Query>,
) -> Result<(), Refused> {
    let get = |name: &str| thresholds.get(name).and_then(Value::as_f64);
    if get("warning").is_some()
        && get("critical").is_none()
        && !thresholds.contains_key("critical_query")
    {
        return Err(Refused::bad(
            "Critical threshold is required when a warning threshold is given.",
        ));
    }
    let recovers = thresholds.keys().any(|name| name.contains("_recovery"));
    if kind == "event-v2 alert" && recovers {
        return Err(Refused::bad(
            "Recovery thresholds are not supported for this type of monitor.",
        ));
    }
    if let Some(Alert::Check(check)) = query.map(|query| &query.alert) {
        let most = ["critical", "warning", "ok"]
            .iter()
            .filter_map(|name| get(name));
        let most = most.fold(0.0, f64::max);
        let last = check.chain.iter().find(|link| link.name == "last");
        let last = last.and_then(|link| match link.args.first() {
            Some(Operand::Number(last)) => Some(*last),
            _ => None,
        });
        if last.is_some_and(|last| last < most) {
            return Err(Refused::bad(
                "The value provided for parameter 'query' is invalid: the count must be at least the highest threshold",
            ));
        }
    }
    Ok(())
}

fn check_thresholds(
    thresholds: &Map<String, Value>,
    comparison: &Comparison,
) -> Result<(), Refused> {
    let get = |name: &str| thresholds.get(name).and_then(Value::as_f64);
    let (up, sign) = (
        comparison.comparator.is_above(),
        comparison.comparator.text(),
    );
    let critical = get("critical").unwrap_or(comparison.threshold);
    if critical != comparison.threshold {
        return Err(Refused::bad(format!(
            "Alert threshold ({critical}) does not match that used in the query ({}).",
            comparison.threshold
        )));
    }
    if let Some(warning) = get("warning")
        && (if up {
            warning >= critical
        } else {
            warning <= critical
        })
    {
        let order = if up { "less" } else { "greater" };
        return Err(Refused::bad(format!(
            "Warning threshold ({warning:?}) must be {order} than the alert threshold ({critical:?}) with {sign} comparison."
        )));
    }
    let wrong_side = |recovery: f64, limit: f64| {
        if up {
            recovery >= limit
        } else {
            recovery <= limit
        }
    };
    if get("critical_recovery").is_some_and(|recovery| wrong_side(recovery, critical)) {
        return Err(Refused::bad(
            "alert and alert recovery criteria are such that the monitor can be simultaneously in alert and alert recovery states",
        ));
    }
    if let (Some(recovery), Some(warning)) = (get("warning_recovery"), get("warning"))
        && wrong_side(recovery, warning)
    {
        return Err(Refused::bad(
            "warning and warning recovery criteria are such that the monitor can be simultaneously in warning and warning recovery states",
        ));
    }
    Ok(())
}

fn comparison(query: &Query) -> Option<&Comparison> {
    match &query.alert {
        Alert::Metric(alert) => Some(&alert.comparison),
        Alert::Search(alert) => Some(&alert.comparison),
        Alert::Formula(alert) => Some(&alert.comparison),
        Alert::Slo(alert) => Some(&alert.comparison),
        Alert::Check(_) | Alert::Composite(_) => None,
    }
}

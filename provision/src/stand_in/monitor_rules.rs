//! What the API refuses in a monitor, in its words, and what it makes of one that it takes. Must not know HTTP.

use alerting::definition::MonitorType;
use alerting::query::Query;
use alerting::query::tree::{Alert, Reference};
use serde_json::{Map, Value, json};

use super::answer::Refused;
use super::monitor_options::accept_options;
use super::org::Org;

/// What a client may set; anything else is the server's own and ignored.
pub(super) const SETTABLE: &[&str] = &[
    "name",
    "type",
    "query",
    "message",
    "tags",
    "options",
    "priority",
    "restricted_roles",
    "restriction_policy",
    "draft_status",
    "assets",
];

/// Types whose monitors the server groups into one alert unless told otherwise.
const LOG_LIKE: &[&str] = &[
    "log alert",
    "rum alert",
    "event-v2 alert",
    "trace-analytics alert",
    "audit alert",
    "ci-pipelines alert",
    "ci-tests alert",
    "error-tracking alert",
    "database-monitoring alert",
    "llm-observability alert",
];

/// The settable fields of a monitor, checked and normalised.
pub(super) fn accept(sent: Map<String, Value>, org: &Org) -> Result<Map<String, Value>, Refused> {
    let mut monitor: Map<String, Value> = sent
        .into_iter()
        .filter(|(field, _)| SETTABLE.contains(&field.as_str()))
        .collect();
    for field in ["name", "message", "query"] {
        trim(&mut monitor, field)?;
    }
    let kind = required(&monitor, "type")?;
    if serde_json::from_value::<MonitorType>(json!(kind)).is_err() {
        return Err(Refused::invalid("type"));
    }
    let query = required(&monitor, "query")?;
    let parsed = parse(&kind, &query)?;
    if let Some(query) = &parsed {
        check_references(query, org)?;
    }
    priority(&mut monitor)?;
    tags(&mut monitor)?;
    let options = match monitor.get("options") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(options)) => options.clone(),
        Some(_) => return Err(Refused::invalid("options")),
    };
    let options = accept_options(options, &kind, parsed.as_ref())?;
    monitor.insert("options".into(), Value::Object(options));
    if kind_family(&kind) == "query alert" {
        let kind = metric_kind(parsed.as_ref());
        monitor.insert("type".into(), json!(kind));
    }
    Ok(monitor)
}

/// The API makes one of its two words for metric monitors of both.
fn metric_kind(query: Option<&Query>) -> &'static str {
    match query.map(|query| &query.alert) {
        Some(Alert::Formula(_)) => "metric alert",
        _ => "query alert",
    }
}

/// Searches have words of their own for every product, so what this grammar does not know is taken as it is there.
fn parse(kind: &str, query: &str) -> Result<Option<Query>, Refused> {
    const STRICT: &[&str] = &[
        "metric alert",
        "query alert",
        "service check",
        "composite",
        "slo alert",
    ];
    if query.contains(['\n', '\r']) {
        return Err(Refused::invalid("query"));
    }
    match Query::parse(query) {
        Ok(parsed) => Ok(Some(parsed)),
        Err(error) if STRICT.contains(&kind) => Err(Refused::bad(format!(
            "The value provided for parameter 'query' is invalid: {error}"
        ))),
        Err(_) if !query.contains(['<', '>']) => Err(Refused::bad(
            "The value provided for parameter 'query' is invalid: invalid operator specified: ",
        )),
        Err(_) => Ok(None),
    }
}

fn required(monitor: &Map<String, Value>, field: &str) -> Result<String, Refused> {
    match monitor.get(field) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text.clone()),
        Some(_) => Err(Refused::invalid(field)),
        None => Err(Refused::bad(format!(
            "Missing required attribute '{field}'"
        ))),
    }
}

fn trim(monitor: &mut Map<String, Value>, field: &str) -> Result<(), Refused> {
    match monitor.get_mut(field) {
        None | Some(Value::Null) => Ok(()),
        Some(Value::String(text)) => {
            *text = text.trim().to_owned();
            Ok(())
        }
        Some(_) => Err(Refused::invalid(field)),
    }
}

fn priority(monitor: &mut Map<String, Value>) -> Result<(), Refused> {
    let Some(priority) = monitor.get("priority").filter(|value| !value.is_null()) else {
        return Ok(());
    };
    match priority.as_u64() {
        Some(0) => {
            monitor.insert("priority".into(), Value::Null);
            Ok(())
        }
        Some(1..=5) => Ok(()),
        _ => Err(Refused::invalid("priority")),
    }
}

fn tags(monitor: &mut Map<String, Value>) -> Result<(), Refused> {
    match monitor.get("tags") {
        None | Some(Value::Null) => Ok(()),
        Some(Value::Array(tags)) if tags.iter().all(Value::is_string) => Ok(()),
        Some(_) => Err(Refused::invalid("tags")),
    }
}

fn check_references(query: &Query, org: &Org) -> Result<(), Refused> {
    let composite = matches!(query.alert, Alert::Composite(_));
    for reference in query.references() {
        let Reference::Id(id) = reference else {
            return Err(Refused::invalid("query"));
        };
        if composite && org.monitors.get(id).is_none() {
            return Err(Refused::bad(format!(
                "The value provided for parameter 'query' is invalid: monitor {id} not found"
            )));
        }
        if !composite && org.slos.get(id).is_none() {
            return Err(Refused::bad(format!("SLO {id} not found")));
        }
    }
    Ok(())
}

/// What the server adds to a monitor that it took.
pub(super) fn complete(monitor: &mut Map<String, Value>) {
    let kind = monitor
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    let empty = [
        ("name", json!("")),
        ("message", json!("")),
        ("tags", json!([])),
        ("priority", Value::Null),
        ("restricted_roles", Value::Null),
        ("restriction_policy", Value::Null),
        ("draft_status", json!("published")),
        ("assets", json!([])),
    ];
    for (field, value) in empty {
        let field = monitor.entry(field).or_insert(Value::Null);
        if field.is_null() {
            *field = value;
        }
    }
    let Some(Value::Object(options)) = monitor.get_mut("options") else {
        return;
    };
    let always = [
        ("silenced", json!({})),
        ("notify_audit", json!(false)),
        ("include_tags", json!(true)),
    ];
    for (name, value) in always {
        options.entry(name).or_insert(value);
    }
    if kind != "composite" && kind != "slo alert" {
        if !options.contains_key("on_missing_data") {
            options.entry("notify_no_data").or_insert(json!(false));
        }
        options.entry("new_host_delay").or_insert(json!(300));
    }
    if LOG_LIKE.contains(&kind.as_str()) {
        options
            .entry("groupby_simple_monitor")
            .or_insert(json!(false));
    }
    // It takes effect and is not shown.
    if options.get("on_missing_data").and_then(Value::as_str) == Some("default") {
        options.shift_remove("on_missing_data");
    }
}

/// Whether the monitor alerts per group.
pub(super) fn is_multi(monitor: &Map<String, Value>) -> bool {
    let text = |field: &str| {
        monitor
            .get(field)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let query = text("query");
    match text("type") {
        "composite" | "slo alert" => false,
        "service check" => query.contains(".by("),
        _ => query.contains(" by {") || query.contains(".by("),
    }
}

/// Two spellings of one type count as one; other types cannot become each other.
pub(super) fn kind_family(kind: &str) -> &str {
    if kind == "metric alert" {
        "query alert"
    } else {
        kind
    }
}

/// The ids in a composite's or an SLO alert's query.
pub(super) fn references(query: &str) -> Vec<String> {
    let Ok(query) = Query::parse(query) else {
        return Vec::new();
    };
    let ids = query
        .references()
        .into_iter()
        .filter_map(|reference| match reference {
            Reference::Id(id) => Some(id.clone()),
            Reference::Key(_) => None,
        });
    ids.collect()
}

/// Whether everything that a client can set is equal: the API then calls the second one a duplicate.
pub(super) fn same(existing: &Value, new: &Map<String, Value>) -> bool {
    let mut new = new.clone();
    complete(&mut new);
    let of = |value: &Value| {
        let mut object = value.as_object().cloned().unwrap_or_default();
        object.retain(|field, _| SETTABLE.contains(&field.as_str()));
        if let Some(Value::Object(options)) = object.get_mut("options") {
            options.shift_remove("silenced");
        }
        object
    };
    of(existing) == of(&Value::Object(new))
}

//! A definition becomes the API's JSON, and back for import. Knows the names of the API's fields; must not know what
//! makes them right or wrong.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::item::{Definition, text_at};
use super::placeholders::{substitute, substitute_all};
use super::variables::Variables;
use crate::definition::{Dashboard, Defaults, Monitor, MonitorId, Quantity, Slo};
use crate::object::{self, Key, Kind, Object, Origin, Remote};

pub(super) fn object(
    name: &str,
    definition: &Definition,
    defaults: &Defaults,
    variables: &Variables,
) -> (Object, BTreeMap<String, String>) {
    let mut values = variables.with(name, definition, defaults);
    let key = Key::new(&variables.namespace, name);
    let (kind, payload, adopt) = match definition {
        Definition::Monitor(definition) => {
            let thresholds = thresholds(definition, &mut values);
            (
                Kind::Monitor,
                monitor(definition, defaults, thresholds, &key),
                definition.adopt.map(|id| id.to_string()),
            )
        }
        Definition::Slo(definition) => (
            Kind::Slo,
            slo(definition, defaults, &key),
            definition.adopt.clone(),
        ),
        Definition::Dashboard(definition) => (
            Kind::Dashboard,
            dashboard(definition, defaults, &key),
            definition.adopt.clone(),
        ),
    };
    let payload = substitute_all(payload, &values);
    let title = text_at(
        &payload,
        if kind == Kind::Dashboard {
            "title"
        } else {
            "name"
        },
    )
    .to_owned();
    let object = Object {
        kind,
        key,
        title,
        payload,
        adopt,
        origin: Origin::default(),
    };
    (object, values)
}

/// The numbers, variables put in; they become variables themselves, for the query. What is no number stays a text,
/// to be reported.
fn thresholds(monitor: &Monitor, values: &mut BTreeMap<String, String>) -> Map<String, Value> {
    let mut numbers = Map::new();
    for (name, quantity) in monitor.thresholds.each() {
        let Some(quantity) = quantity else { continue };
        let (text, number) = match quantity {
            Quantity::Number(number) => (number.to_string(), Value::from(*number)),
            Quantity::Variable(text) => {
                let text = substitute(text, values);
                let number = text
                    .trim()
                    .parse::<f64>()
                    .ok()
                    .filter(|number| number.is_finite());
                (
                    text.clone(),
                    number.map_or(Value::String(text), Value::from),
                )
            }
        };
        values.insert(name.to_owned(), text);
        numbers.insert(name.to_owned(), number);
    }
    numbers
}

fn monitor(
    monitor: &Monitor,
    defaults: &Defaults,
    thresholds: Map<String, Value>,
    key: &Key,
) -> Value {
    let mut options = match serde_json::to_value(&monitor.options) {
        Ok(Value::Object(options)) => options,
        _ => Map::new(),
    };
    if !thresholds.is_empty() {
        options.insert("thresholds".into(), Value::Object(thresholds));
    }
    let mut tags = Tags::of(defaults, &monitor.tags);
    tags.set("team", monitor.team.as_ref().or(defaults.team.as_ref()));
    tags.set(
        "service",
        monitor.service.as_ref().or(defaults.service.as_ref()),
    );
    tags.set(
        "severity",
        monitor.severity.as_ref().or(defaults.severity.as_ref()),
    );
    let mut payload = json!({
        "name": monitor.name,
        "type": monitor.kind,
        "query": monitor.query.trim(),
        "message": monitor.message.trim(),
        "tags": tags.marked(key),
        "options": options,
    });
    if let Some(priority) = monitor.priority.as_ref().or(defaults.priority.as_ref()) {
        payload["priority"] = priority.clone();
    }
    payload
}

fn slo(slo: &Slo, defaults: &Defaults, key: &Key) -> Value {
    let mut tags = Tags::of(defaults, &slo.tags);
    tags.set("team", slo.team.as_ref().or(defaults.team.as_ref()));
    tags.set(
        "service",
        slo.service.as_ref().or(defaults.service.as_ref()),
    );
    let mut payload = json!({
        "name": slo.name,
        "type": slo.kind,
        "description": slo.description.as_deref().unwrap_or_default().trim(),
        "thresholds": slo.thresholds,
        "tags": tags.marked(key),
    });
    if let Some(query) = &slo.query {
        payload["query"] = json!(query);
    }
    if let Some(specification) = &slo.sli_specification {
        payload["sli_specification"] = json!(specification);
    }
    if !slo.monitor_ids.is_empty() {
        payload["monitor_ids"] = slo.monitor_ids.iter().map(monitor_id).collect();
    }
    if !slo.groups.is_empty() {
        payload["groups"] = json!(slo.groups);
    }
    payload
}

fn monitor_id(id: &MonitorId) -> Value {
    match id {
        MonitorId::Id(id) => Value::from(*id),
        MonitorId::Name(name) => Value::String(format!("${{monitor:{name}}}")),
    }
}

fn dashboard(dashboard: &Dashboard, defaults: &Defaults, key: &Key) -> Value {
    let mut payload = match serde_json::to_value(dashboard) {
        Ok(Value::Object(payload)) => payload,
        _ => Map::new(),
    };
    for own in ["adopt", "waive", "team"] {
        payload.shift_remove(own);
    }
    let text = dashboard.description.as_deref().unwrap_or_default().trim();
    let separator = if text.is_empty() { "" } else { "\n\n" };
    payload.insert(
        "description".into(),
        Value::String(format!("{text}{separator}{}", key.marker_line())),
    );
    let team = dashboard
        .team
        .as_ref()
        .or(defaults.team.as_ref())
        .map(|team| format!("team:{team}"));
    let tags: Vec<&String> = dashboard.tags.iter().chain(team.as_ref()).collect();
    if !tags.is_empty() {
        payload.insert("tags".into(), json!(tags));
    }
    Value::Object(payload)
}

struct Tags(Vec<String>);

impl Tags {
    fn of(defaults: &Defaults, own: &[String]) -> Self {
        Self(own.iter().chain(&defaults.tags).cloned().collect())
    }

    /// A field becomes a tag unless the definition wrote that tag itself.
    fn set(&mut self, key: &str, value: Option<&String>) {
        let prefix = format!("{key}:");
        if let Some(value) = value.filter(|_| !self.0.iter().any(|tag| tag.starts_with(&prefix))) {
            self.0.push(format!("{prefix}{value}"));
        }
    }

    fn marked(mut self, key: &Key) -> Vec<String> {
        self.0.extend([object::MANAGED_TAG.to_owned(), key.tag()]);
        let mut seen = std::collections::BTreeSet::new();
        self.0.retain(|tag| seen.insert(tag.clone()));
        self.0
    }
}

/// An existing monitor as a definition that plans to no change. `links` gives names to ids.
///
/// # Errors
///
/// What the shape of definitions does not cover.
pub fn monitor_file(
    remote: &Remote,
    links: &BTreeMap<String, String>,
) -> Result<Monitor, serde_json::Error> {
    let mut fields = normal_fields(remote);
    let options = fields.remove("options").unwrap_or_else(|| json!({}));
    let mut options = options.as_object().cloned().unwrap_or_default();
    // Without that option it says nothing, and the server fills it in by itself.
    if options.get("notify_no_data").is_none() {
        options.shift_remove("no_data_timeframe");
    }
    if let Some(thresholds) = options.shift_remove("thresholds") {
        fields.insert("thresholds".into(), thresholds);
    }
    fields.insert("options".into(), Value::Object(options));
    fields
        .entry("message")
        .or_insert_with(|| Value::String(String::new()));
    if let Some(Value::String(query)) = fields.get_mut("query") {
        *query = link_query(query, links);
    }
    if let Ok(id) = remote.id.parse::<u64>() {
        fields.insert("adopt".into(), Value::from(id));
    }
    serde_json::from_value(Value::Object(fields))
}

/// An existing SLO as a definition that plans to no change. `links` gives names to ids.
///
/// # Errors
///
/// What the shape of definitions does not cover.
pub fn slo_file(
    remote: &Remote,
    links: &BTreeMap<String, String>,
) -> Result<Slo, serde_json::Error> {
    let mut fields = normal_fields(remote);
    // The server writes the ratio of a specification out as a query.
    if fields.contains_key("sli_specification") {
        fields.shift_remove("query");
    }
    if let Some(Value::Array(ids)) = fields.get_mut("monitor_ids") {
        for id in ids {
            if let Some(name) = links.get(&id.to_string()) {
                *id = Value::String(name.clone());
            }
        }
    }
    fields.insert("adopt".into(), Value::String(remote.id.clone()));
    serde_json::from_value(Value::Object(fields))
}

/// An existing dashboard as a definition that plans to no change. `links` gives names to ids.
///
/// # Errors
///
/// What the shape of definitions does not cover.
pub fn dashboard_file(
    remote: &Remote,
    links: &BTreeMap<String, String>,
) -> Result<Dashboard, serde_json::Error> {
    let mut fields = normal_fields(remote);
    if let Some(widgets) = fields.get_mut("widgets") {
        link_widgets(widgets, links);
    }
    fields.insert("adopt".into(), Value::String(remote.id.clone()));
    serde_json::from_value(Value::Object(fields))
}

/// The normalised object without marks, its texts escaped.
fn normal_fields(remote: &Remote) -> Map<String, Value> {
    let mut normal = escape(crate::normal::remote(remote));
    if let Some(Value::Array(tags)) = normal.get_mut("tags") {
        tags.retain(|tag| {
            tag.as_str()
                .is_none_or(|tag| tag != object::MANAGED_TAG && !tag.starts_with(object::KEY_TAG))
        });
    }
    if let Some(Value::String(description)) = normal.get_mut("description") {
        let lines: Vec<&str> = description
            .lines()
            .filter(|line| object::marker_key(line).is_none())
            .collect();
        *description = lines.join("\n").trim_end().to_owned();
    }
    normal.as_object().cloned().unwrap_or_default()
}

fn escape(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(text.replace("${", "$${")),
        Value::Array(items) => items.into_iter().map(escape).collect(),
        Value::Object(map) => map
            .into_iter()
            .map(|(name, item)| (name, escape(item)))
            .collect(),
        other => other,
    }
}

/// Ids in a composite or an SLO alert become links; other queries are left alone.
fn link_query(query: &str, links: &BTreeMap<String, String>) -> String {
    use crate::query::Query;
    use crate::query::tree::Reference;
    let Ok(mut parsed) = Query::parse(query) else {
        return query.to_owned();
    };
    parsed.each_reference(&mut |reference| {
        if let Reference::Id(id) = reference
            && let Some(name) = links.get(id.as_str())
        {
            *reference = Reference::Key(name.clone());
        }
    });
    parsed.to_string()
}

fn link_widgets(value: &mut Value, links: &BTreeMap<String, String>) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| link_widgets(item, links)),
        Value::Object(map) => {
            for (field, item) in map.iter_mut() {
                match (field.as_str(), &mut *item) {
                    ("alert_id", Value::String(id)) => link(id, "monitor", links),
                    ("slo_id", Value::String(id)) => link(id, "slo", links),
                    ("monitor_ids", Value::Array(ids)) => {
                        ids.iter_mut().for_each(|id| link_number(id, links))
                    }
                    _ => link_widgets(item, links),
                }
            }
        }
        _ => {}
    }
}

fn link(id: &mut String, word: &str, links: &BTreeMap<String, String>) {
    if let Some(name) = links.get(id.as_str()) {
        *id = format!("${{{word}:{name}}}");
    }
}

fn link_number(id: &mut Value, links: &BTreeMap<String, String>) {
    if let Some(name) = links.get(&id.to_string()) {
        *id = Value::String(format!("${{monitor:{name}}}"));
    }
}

//! What the API refuses in a dashboard, in its words. Must not know HTTP.

use serde_json::{Map, Value};

use super::answer::Refused;

/// Most tags on a dashboard.
const TAGS_MAX: usize = 5;

/// The kinds of widget that exist.
const WIDGETS: &[&str] = &[
    "alert_graph",
    "alert_value",
    "bar_chart",
    "change",
    "check_status",
    "cohort",
    "distribution",
    "event_stream",
    "event_timeline",
    "free_text",
    "funnel",
    "geomap",
    "group",
    "heatmap",
    "hostmap",
    "iframe",
    "image",
    "list_stream",
    "log_stream",
    "manage_status",
    "note",
    "point_plot",
    "powerpack",
    "query_table",
    "query_value",
    "retention_curve",
    "run_workflow",
    "sankey",
    "scatterplot",
    "servicemap",
    "slo",
    "slo_list",
    "split_group",
    "sunburst",
    "timeseries",
    "toplist",
    "topology_map",
    "trace_service",
    "trace_stream",
    "treemap",
    "wildcard",
];

pub(super) fn check(sent: &Map<String, Value>) -> Result<(), Refused> {
    if sent.get("title").and_then(Value::as_str).is_none() {
        return Err(Refused::bad("'title' is a required property"));
    }
    let layout = sent.get("layout_type").and_then(Value::as_str);
    if !matches!(layout, Some("ordered" | "free")) {
        return Err(Refused::bad(
            "'layout_type' must be one of ['ordered', 'free']",
        ));
    }
    variables(sent)?;
    presets(sent)?;
    let Some(Value::Array(list)) = sent.get("widgets") else {
        return Err(Refused::bad("'widgets' is a required property"));
    };
    widgets(list)?;
    tags(sent)
}

fn widgets(list: &[Value]) -> Result<(), Refused> {
    for (at, widget) in list.iter().enumerate() {
        let wrong = |kind: &str, why: &str| {
            Refused::bad(format!(
                "Invalid widget definition at position {at} of type {kind}. Error: {why}"
            ))
        };
        let definition = &widget["definition"];
        match definition["type"].as_str() {
            None => return Err(wrong("unknown", "'type' is a required property.")),
            Some(kind) if !WIDGETS.contains(&kind) => {
                return Err(wrong(kind, "The widget type is not supported."));
            }
            Some("group") => widgets(
                definition["widgets"]
                    .as_array()
                    .map(Vec::as_slice)
                    .unwrap_or_default(),
            )?,
            Some(_) => {}
        }
    }
    Ok(())
}

fn list<'v>(sent: &'v Map<String, Value>, field: &str) -> Result<&'v [Value], Refused> {
    match sent.get(field) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(items)) => Ok(items),
        Some(_) => Err(Refused::bad(format!("'{field}' is invalid"))),
    }
}

/// A variable has one default in the older form, or some in the newer one.
fn variables(sent: &Map<String, Value>) -> Result<(), Refused> {
    for variable in list(sent, "template_variables")? {
        let older = variable
            .get("default")
            .is_some_and(|default| !default.is_null());
        let newer = variable.get("defaults").and_then(Value::as_array);
        if older && newer.is_some() || variable["name"].as_str().is_none() {
            return Err(Refused::bad("'template_variables' is invalid"));
        }
        if newer.is_some_and(|newer| newer.iter().any(|one| one == "")) {
            return Err(Refused::bad(
                "Minimum length of parameter 'defaults' should be 1",
            ));
        }
    }
    Ok(())
}

fn presets(sent: &Map<String, Value>) -> Result<(), Refused> {
    for preset in list(sent, "template_variable_presets")? {
        let chosen = preset.get("template_variables").and_then(Value::as_array);
        for variable in chosen.into_iter().flatten() {
            let values = variable.get("values").and_then(Value::as_array);
            let single = variable.get("value").is_some_and(|value| !value.is_null());
            if single && values.is_some() {
                return Err(Refused::bad(format!(
                    "'template_variables' value '{}' is invalid",
                    python(variable)
                )));
            }
            if values.is_some_and(Vec::is_empty) {
                return Err(Refused::bad(
                    "Minimum number of elements in parameter 'values' should be 1",
                ));
            }
        }
    }
    Ok(())
}

/// A value as the server's own language shows it.
fn python(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::String(text) => format!("'{text}'"),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(python).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(map) => {
            let fields: Vec<String> = map
                .iter()
                .map(|(name, item)| format!("'{name}': {}", python(item)))
                .collect();
            format!("{{{}}}", fields.join(", "))
        }
        Value::Number(number) => number.to_string(),
    }
}

fn tags(sent: &Map<String, Value>) -> Result<(), Refused> {
    let tags = list(sent, "tags")?;
    let allowed = |tag: &Value| tag.as_str().is_some_and(|tag| tag.starts_with("team:"));
    if !tags.iter().all(allowed) {
        return Err(Refused::bad(
            "Invalid tag format. Valid tag keys are: team.",
        ));
    }
    if tags.len() > TAGS_MAX {
        return Err(Refused::bad(format!(
            "Maximum number of elements in parameter 'tags' should be {TAGS_MAX}"
        )));
    }
    Ok(())
}

//! Monitors: `/api/v1/monitor…`.

use axum::extract::{Path, Query, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::answer::{Answer, Params, Refused, force, has_tags, number, object, text};
use super::downtimes_v1;
use super::monitor_rules as rules;
use super::org::{ORG_ID, Org, Shared, creator, now_seconds, now_text};

/// Most monitors in a page.
const PAGE_MAX: usize = 1000;
/// How many monitors a page has when the client does not say.
const PAGE_DEFAULT: usize = 100;

pub(super) fn router() -> Router<Shared> {
    Router::new()
        .route("/api/v1/monitor", get(list).post(create))
        .route("/api/v1/monitor/can_delete", get(can_delete))
        .route("/api/v1/monitor/validate", post(validate))
        .route("/api/v1/monitor/{id}", get(read).put(update).delete(delete))
        .route("/api/v1/monitor/{id}/validate", post(validate_existing))
        .route("/api/v1/monitor/{id}/mute", post(mute))
        .route("/api/v1/monitor/{id}/unmute", post(unmute))
}

async fn list(State(org): State<Shared>, Query(params): Query<Params>) -> Answer {
    const STATES: [&str; 5] = ["all", "alert", "warn", "no data", "ok"];
    let states = params.get("group_states").map(String::as_str);
    let mut states = states.into_iter().flat_map(|states| states.split(','));
    if !states.all(|state| STATES.contains(&state.trim())) {
        return Err(Refused::bad("Invalid group_state filters."));
    }
    let (page, size) = (number(&params, "page")?, number(&params, "page_size")?);
    let offset: u64 = number(&params, "id_offset")?.unwrap_or_default() as u64;
    let wanted = |monitor: &&Value| {
        monitor["id"].as_u64() > Some(offset)
            && params
                .get("name")
                .is_none_or(|name| text(monitor, "name").contains(name.as_str()))
            && params
                .get("monitor_tags")
                .is_none_or(|tags| has_tags(monitor, tags))
    };
    let org = org.lock();
    let found = org.monitors.values().filter(wanted).cloned();
    let monitors: Vec<Value> = match (page, size) {
        (None, None) => found.collect(),
        _ => {
            let size = size.unwrap_or(PAGE_DEFAULT).min(PAGE_MAX);
            let skipped = page.unwrap_or_default().saturating_mul(size);
            found.skip(skipped).take(size).collect()
        }
    };
    Ok(Json(Value::Array(monitors)))
}

async fn create(State(org): State<Shared>, body: Bytes) -> Answer {
    let mut org = org.lock();
    let mut monitor = rules::accept(object(&body)?, &org)?;
    if let Some(twin) = org
        .monitors
        .values()
        .find(|other| rules::same(other, &monitor))
    {
        let id = &twin["id"];
        return Err(Refused::bad(format!(
            "Duplicate of an existing monitor_id:{id} org_id:{ORG_ID}"
        )));
    }
    let id = org.next_number()?;
    rules::complete(&mut monitor);
    stamp_new(&mut monitor, id);
    let monitor = Value::Object(monitor);
    org.monitors.put(&id.to_string(), monitor.clone())?;
    Ok(Json(monitor))
}

fn stamp_new(monitor: &mut Map<String, Value>, id: u64) {
    let now = now_text();
    let multi = rules::is_multi(monitor);
    let added = [
        ("id", json!(id)),
        ("org_id", json!(ORG_ID)),
        ("created", json!(now)),
        ("created_at", json!(now_seconds() * 1000)),
        ("modified", json!(now)),
        ("deleted", Value::Null),
        ("creator", creator()),
        ("multi", json!(multi)),
        ("overall_state", json!("No Data")),
        ("overall_state_modified", Value::Null),
    ];
    for (field, value) in added {
        monitor.insert(field.to_owned(), value);
    }
    stamp_assets(monitor, id);
}

/// Links know the monitor that they belong to.
fn stamp_assets(monitor: &mut Map<String, Value>, id: u64) {
    let assets = monitor.get_mut("assets").and_then(Value::as_array_mut);
    for asset in assets.into_iter().flatten() {
        if let Some(asset) = asset.as_object_mut() {
            asset.insert("monitor_id".into(), json!(id));
            for empty in ["template_variables", "options"] {
                asset.entry(empty).or_insert(json!({}));
            }
        }
    }
}

async fn read(
    State(org): State<Shared>,
    Path(id): Path<String>,
    Query(params): Query<Params>,
) -> Answer {
    let org = org.lock();
    let mut monitor = find(&org, &id)?.clone();
    if params
        .get("with_downtimes")
        .is_some_and(|with| with == "true")
    {
        monitor["matching_downtimes"] = json!(downtimes_v1::matching(&org, &monitor));
    }
    Ok(Json(monitor))
}

fn find<'o>(org: &'o Org, id: &str) -> Result<&'o Value, Refused> {
    let found = org.monitors.get(id);
    found.ok_or_else(|| Refused::not_found("Monitor not found"))
}

/// Merges at the top level, replaces what is below: a client that leaves an option out removes it.
async fn update(State(org): State<Shared>, Path(id): Path<String>, body: Bytes) -> Answer {
    let mut org = org.lock();
    let old = find(&org, &id)?.clone();
    let sent = object(&body)?;
    let monitor = merged(&old, sent, &org)?;
    let monitor = Value::Object(monitor);
    org.monitors.put(&id, monitor.clone())?;
    Ok(Json(monitor))
}

fn merged(old: &Value, sent: Map<String, Value>, org: &Org) -> Result<Map<String, Value>, Refused> {
    let mut whole = old.as_object().cloned().unwrap_or_default();
    let replaced = sent
        .into_iter()
        .filter(|(field, _)| rules::SETTABLE.contains(&field.as_str()));
    whole.extend(replaced);
    if rules::kind_family(text(old, "type")) != rules::kind_family(kind_of(&whole)) {
        return Err(Refused::bad("Monitor type cannot be changed"));
    }
    let mut accepted = rules::accept(whole.clone(), org)?;
    rules::complete(&mut accepted);
    whole.extend(accepted);
    if let Some(id) = whole.get("id").and_then(Value::as_u64) {
        stamp_assets(&mut whole, id);
    }
    let multi = rules::is_multi(&whole);
    whole.insert("multi".into(), json!(multi));
    whole.insert("modified".into(), json!(now_text()));
    Ok(whole)
}

fn kind_of(monitor: &Map<String, Value>) -> &str {
    monitor
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

async fn delete(
    State(org): State<Shared>,
    Path(id): Path<String>,
    Query(params): Query<Params>,
) -> Answer {
    let mut org = org.lock();
    let monitor = find(&org, &id)?;
    if !force(&params) {
        let slos = slos_with(&org, &id);
        if !slos.is_empty() {
            let text = referenced(monitor, &slos);
            return Err(Refused::new(StatusCode::UNAUTHORIZED, text));
        }
        let composites = composites_with(&org, &id);
        if !composites.is_empty() {
            return Err(Refused::bad(format!(
                "Monitor is part of the following composite monitors: {}",
                composites.join(", ")
            )));
        }
    }
    let number = monitor["id"].clone();
    org.monitors.remove(&id)?;
    Ok(Json(json!({ "deleted_monitor_id": number })))
}

fn referenced(monitor: &Value, slos: &[String]) -> String {
    let (id, name) = (&monitor["id"], text(monitor, "name"));
    format!(
        "monitor [{id},{name}] is referenced in slos: {}",
        slos.join(", ")
    )
}

fn slos_with(org: &Org, id: &str) -> Vec<String> {
    let using = org.slos.values().filter(|slo| {
        let ids = slo.get("monitor_ids").and_then(Value::as_array);
        ids.is_some_and(|ids| ids.iter().any(|own| is_number(own, id)))
    });
    using
        .map(|slo| format!("[{},{}]", text(slo, "id"), text(slo, "name")))
        .collect()
}

/// Whether a number is what this text says.
pub(super) fn is_number(value: &Value, text: &str) -> bool {
    value.as_u64().is_some() && value.as_u64() == text.parse().ok()
}

fn composites_with(org: &Org, id: &str) -> Vec<String> {
    let using = org.monitors.values().filter(|monitor| {
        text(monitor, "type") == "composite"
            && rules::references(text(monitor, "query"))
                .iter()
                .any(|own| own == id)
    });
    using
        .map(|monitor| format!("[{},{}]", monitor["id"], text(monitor, "name")))
        .collect()
}

async fn can_delete(State(org): State<Shared>, Query(params): Query<Params>) -> Answer {
    let asked = params
        .get("monitor_ids")
        .map(String::as_str)
        .unwrap_or_default();
    let org = org.lock();
    let (mut free, mut bound) = (Vec::new(), Map::new());
    for id in asked.split(',').map(str::trim).filter(|id| !id.is_empty()) {
        let monitor = find(&org, id)?;
        let (slos, composites) = (slos_with(&org, id), composites_with(&org, id));
        let mut reasons = Vec::new();
        if !slos.is_empty() {
            reasons.push(referenced(monitor, &slos));
        }
        if !composites.is_empty() {
            let name = text(monitor, "name");
            reasons.push(format!(
                "monitor [{id},{name}] is referenced in composite monitors: {}",
                composites.join(", ")
            ));
        }
        if reasons.is_empty() {
            free.push(monitor["id"].clone());
        } else {
            bound.insert(id.to_owned(), json!(reasons));
        }
    }
    if bound.is_empty() {
        return Ok(Json(json!({ "data": { "ok": free }, "errors": null })));
    }
    let body = json!({ "data": { "ok": free }, "errors": bound });
    Err(Refused {
        status: StatusCode::CONFLICT,
        body,
    })
}

async fn validate(State(org): State<Shared>, body: Bytes) -> Answer {
    rules::accept(object(&body)?, &org.lock())?;
    Ok(Json(json!({})))
}

async fn validate_existing(
    State(org): State<Shared>,
    Path(id): Path<String>,
    body: Bytes,
) -> Answer {
    let org = org.lock();
    merged(find(&org, &id)?, object(&body)?, &org)?;
    Ok(Json(json!({})))
}

async fn mute(
    State(org): State<Shared>,
    Path(id): Path<String>,
    Query(params): Query<Params>,
    body: Bytes,
) -> Answer {
    let sent = if body.is_empty() {
        Map::new()
    } else {
        object(&body)?
    };
    let scope = sent.get("scope").and_then(Value::as_str).map(str::to_owned);
    let scope = scope
        .or_else(|| params.get("scope").cloned())
        .unwrap_or_else(|| "*".to_owned());
    let end = sent.get("end").cloned().unwrap_or(Value::Null);
    silence(&org, &id, |silenced| {
        silenced.insert(scope, end);
    })
}

async fn unmute(State(org): State<Shared>, Path(id): Path<String>) -> Answer {
    silence(&org, &id, Map::clear)
}

fn silence(org: &Shared, id: &str, change: impl FnOnce(&mut Map<String, Value>)) -> Answer {
    let mut org = org.lock();
    let mut monitor = find(&org, id)?.clone();
    if let Some(silenced) = monitor["options"]["silenced"].as_object_mut() {
        change(silenced);
    }
    org.monitors.put(id, monitor.clone())?;
    Ok(Json(monitor))
}

//! Service level objectives: `/api/v1/slo…`.

use axum::extract::{Path, Query, State};
use axum::routing::get;
use axum::{Json, Router};
use bytes::Bytes;
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::answer::{Answer, Params, Refused, force, has_tags, number, object, text};
use super::monitor_rules::references;
use super::org::{Org, Shared, creator, now_seconds};

/// Most SLOs in a page.
const PAGE_MAX: usize = 1000;

/// What a client may set. Unlike a monitor's, a PUT replaces all of them.
const SETTABLE: &[&str] = &[
    "name",
    "description",
    "type",
    "thresholds",
    "tags",
    "query",
    "monitor_ids",
    "groups",
    "sli_specification",
];

/// The types with the numbers that the API gives them.
const TYPES: &[(&str, u8)] = &[("monitor", 0), ("metric", 1), ("time_slice", 2)];

pub(super) fn router() -> Router<Shared> {
    Router::new()
        .route("/api/v1/slo", get(list).post(create))
        .route("/api/v1/slo/can_delete", get(can_delete))
        .route("/api/v1/slo/{id}", get(read).put(update).delete(delete))
}

async fn list(State(org): State<Shared>, Query(params): Query<Params>) -> Answer {
    let size = number(&params, "limit")?.unwrap_or(PAGE_MAX).min(PAGE_MAX);
    let offset = number(&params, "offset")?.unwrap_or_default();
    let wanted = |slo: &&Value| {
        params
            .get("tags_query")
            .is_none_or(|tags| has_tags(slo, tags))
            && params
                .get("query")
                .is_none_or(|name| text(slo, "name").contains(name.as_str()))
            && params
                .get("ids")
                .is_none_or(|ids| ids.split(',').any(|id| id == text(slo, "id")))
    };
    let org = org.lock();
    let found: Vec<&Value> = org.slos.values().filter(wanted).collect();
    let page: Vec<&Value> = found.iter().skip(offset).take(size).copied().collect();
    Ok(Json(json!({
        "data": page,
        "errors": [],
        "metadata": {
            "page": { "total_count": org.slos.len(), "total_filtered_count": found.len() },
        },
    })))
}

async fn create(State(org): State<Shared>, body: Bytes) -> Answer {
    let mut org = org.lock();
    let mut slo = accept(object(&body)?, &org)?;
    let id = org.next_hex()?;
    let now = now_seconds();
    slo.insert("id".into(), json!(id));
    slo.insert("created_at".into(), json!(now));
    slo.insert("modified_at".into(), json!(now));
    slo.insert("creator".into(), creator());
    let slo = Value::Object(slo);
    org.slos.put(&id, slo.clone())?;
    Ok(Json(json!({ "data": [slo], "error": null })))
}

async fn read(State(org): State<Shared>, Path(id): Path<String>) -> Answer {
    let org = org.lock();
    Ok(Json(json!({ "data": find(&org, &id)?, "errors": [] })))
}

fn find<'o>(org: &'o Org, id: &str) -> Result<&'o Value, Refused> {
    org.slos
        .get(id)
        .ok_or_else(|| Refused::not_found("SLO not found"))
}

async fn update(State(org): State<Shared>, Path(id): Path<String>, body: Bytes) -> Answer {
    let mut org = org.lock();
    let old = find(&org, &id)?.clone();
    let mut slo = accept(object(&body)?, &org)?;
    if slo["type"] != old["type"] {
        return Err(Refused::bad("SLO type cannot be changed"));
    }
    for kept in ["id", "created_at", "creator"] {
        slo.insert(kept.to_owned(), old[kept].clone());
    }
    slo.insert("modified_at".into(), json!(now_seconds()));
    let slo = Value::Object(slo);
    org.slos.put(&id, slo.clone())?;
    Ok(Json(json!({ "data": [slo], "error": null })))
}

async fn delete(
    State(org): State<Shared>,
    Path(id): Path<String>,
    Query(params): Query<Params>,
) -> Answer {
    let mut org = org.lock();
    find(&org, &id)?;
    let users = used_by(&org, &id);
    if !force(&params) && !users.is_empty() {
        let mut errors = Map::new();
        errors.insert(id, json!(users.join("; ")));
        let body = json!({ "data": null, "errors": errors });
        return Err(Refused {
            status: StatusCode::CONFLICT,
            body,
        });
    }
    org.slos.remove(&id)?;
    Ok(Json(json!({ "data": [id], "errors": {} })))
}

async fn can_delete(State(org): State<Shared>, Query(params): Query<Params>) -> Answer {
    let asked = params.get("ids").map(String::as_str).unwrap_or_default();
    let org = org.lock();
    let (mut free, mut errors) = (Vec::new(), Map::new());
    for id in asked.split(',').filter(|id| !id.is_empty()) {
        find(&org, id)?;
        let users = used_by(&org, id);
        if users.is_empty() {
            free.push(json!(id));
        } else {
            errors.insert(id.to_owned(), json!(users.join("; ")));
        }
    }
    if errors.is_empty() {
        return Ok(Json(json!({ "data": { "ok": free }, "errors": null })));
    }
    let body = json!({ "data": { "ok": free }, "errors": errors });
    Err(Refused {
        status: StatusCode::CONFLICT,
        body,
    })
}

fn used_by(org: &Org, id: &str) -> Vec<String> {
    let alerts = org.monitors.values().filter(|monitor| {
        text(monitor, "type") == "slo alert"
            && references(text(monitor, "query"))
                .iter()
                .any(|own| own == id)
    });
    let alerts = alerts.map(|monitor| {
        format!(
            "SLO {id} is referenced in monitor [{},{}]",
            monitor["id"],
            text(monitor, "name")
        )
    });
    let shown = org
        .dashboards
        .values()
        .filter(|dashboard| names_slo(&dashboard["widgets"], id));
    let shown = shown.map(|dashboard| {
        let (id_of, title) = (text(dashboard, "id"), text(dashboard, "title"));
        format!("SLO {id} is referenced in dashboard [{id_of},{title}]")
    });
    alerts.chain(shown).collect()
}

fn names_slo(value: &Value, id: &str) -> bool {
    match value {
        Value::Array(items) => items.iter().any(|item| names_slo(item, id)),
        Value::Object(map) => map.iter().any(|(field, item)| {
            (field == "slo_id" && item.as_str() == Some(id)) || names_slo(item, id)
        }),
        _ => false,
    }
}

/// A checked SLO with what the server adds to its fields.
fn accept(sent: Map<String, Value>, org: &Org) -> Result<Map<String, Value>, Refused> {
    let mut slo: Map<String, Value> = sent
        .into_iter()
        .filter(|(field, _)| SETTABLE.contains(&field.as_str()))
        .collect();
    let name = slo
        .get("name")
        .and_then(Value::as_str)
        .map(str::trim)
        .unwrap_or_default();
    if name.is_empty() {
        return Err(Refused::bad("Invalid payload: must specify name"));
    }
    let name = name.to_owned();
    slo.insert("name".into(), json!(name));
    let kind = slo
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    let number = TYPES.iter().find(|(known, _)| *known == kind);
    let (_, number) = number.ok_or_else(|| Refused::bad("Invalid payload: invalid type"))?;
    check_kind(&kind, &slo, org)?;
    let first = thresholds(&mut slo)?;
    slo.insert("type_id".into(), json!(number));
    slo.insert("monitor_tags".into(), json!([]));
    slo.extend(first);
    slo.entry("description").or_insert(Value::Null);
    tidy(&mut slo);
    Ok(slo)
}

fn check_kind(kind: &str, slo: &Map<String, Value>, org: &Org) -> Result<(), Refused> {
    match kind {
        "monitor" => {
            let ids = slo.get("monitor_ids").and_then(Value::as_array);
            let ids = ids.filter(|ids| !ids.is_empty());
            let ids =
                ids.ok_or_else(|| Refused::bad("Invalid payload: must specify monitor_ids"))?;
            match ids
                .iter()
                .find(|id| org.monitors.get(&id.to_string()).is_none())
            {
                Some(id) => Err(Refused::bad(format!(
                    "Invalid payload: monitor {id} not found"
                ))),
                None => Ok(()),
            }
        }
        "metric" => {
            let side = |side| slo.get("query").and_then(|query| query.get(side)?.as_str());
            match (side("numerator"), side("denominator")) {
                (Some(good), Some(all)) if !good.is_empty() && !all.is_empty() => Ok(()),
                _ => Err(Refused::bad("Invalid payload: must specify query")),
            }
        }
        _ => match slo
            .get("sli_specification")
            .and_then(|spec| spec.get("time_slice"))
        {
            Some(Value::Object(_)) => Ok(()),
            _ => Err(Refused::bad(
                "Invalid payload: must specify sli_specification",
            )),
        },
    }
}

/// Adds how the numbers are shown; gives back the fields that repeat the first target.
fn thresholds(slo: &mut Map<String, Value>) -> Result<Map<String, Value>, Refused> {
    let Some(Value::Array(thresholds)) = slo.get_mut("thresholds") else {
        return Err(Refused::bad("Invalid payload: must specify thresholds"));
    };
    let mut first = Map::new();
    for threshold in thresholds.iter_mut() {
        let invalid = || Refused::bad("Invalid payload: invalid thresholds");
        let target = threshold["target"].as_f64().ok_or_else(invalid)?;
        let frame = threshold["timeframe"]
            .as_str()
            .ok_or_else(invalid)?
            .to_owned();
        if target <= 0.0 || target >= 100.0 || !matches!(frame.as_str(), "7d" | "30d" | "90d") {
            return Err(invalid());
        }
        threshold["target"] = json!(target);
        threshold["target_display"] = json!(shown(target));
        if let Some(warning) = threshold.get("warning").and_then(Value::as_f64) {
            if warning <= target || warning >= 100.0 {
                return Err(Refused::bad(
                    "Invalid payload: warning must be greater than target",
                ));
            }
            threshold["warning"] = json!(warning);
            threshold["warning_display"] = json!(shown(warning));
        }
        if first.is_empty() {
            first.insert("timeframe".into(), json!(frame));
            first.insert("target_threshold".into(), json!(target));
            if let Some(warning) = threshold.get("warning").filter(|value| !value.is_null()) {
                first.insert("warning_threshold".into(), warning.clone());
            }
        }
    }
    if first.is_empty() {
        return Err(Refused::bad("Invalid payload: must specify thresholds"));
    }
    Ok(first)
}

fn shown(per_cent: f64) -> String {
    let text = per_cent.to_string();
    if text.contains('.') {
        text
    } else {
        format!("{text}.")
    }
}

/// Tags come back in an order of the server's own, an empty list of monitors not at all.
fn tidy(slo: &mut Map<String, Value>) {
    match slo.get_mut("tags") {
        Some(Value::Array(tags)) => tags.sort_by_key(|tag| std::cmp::Reverse(tag.to_string())),
        _ => {
            slo.insert("tags".into(), json!([]));
        }
    }
    for list in ["monitor_ids", "groups"] {
        if slo
            .get(list)
            .is_some_and(|list| list.as_array().is_none_or(Vec::is_empty))
        {
            slo.shift_remove(list);
        }
    }
    let slice = slo
        .get_mut("sli_specification")
        .and_then(|spec| spec.get_mut("time_slice"));
    if let Some(Value::Object(slice)) = slice {
        slice.entry("query_interval_seconds").or_insert(json!(300));
    }
}

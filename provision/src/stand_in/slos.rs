//! Service level objectives: `/api/v1/slo…`.

use axum::extract::{Path, Query, State};
use axum::routing::get;
use axum::{Json, Router};
use bytes::Bytes;
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::answer::{Answer, Params, Refused, force, has_tags, number, object, page, text};
use super::monitor_rules::references;
use super::org::{Org, Shared, creator, now_seconds};
use super::slo_rules::accept;

/// Most SLOs in a page.
const PAGE_MAX: usize = 1000;

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
    let mut answer = json!({ "data": page(&found, size, offset), "error": null });
    // Only who asks for pages is told how many there are.
    if params.contains_key("limit") || params.contains_key("offset") {
        let (all, shown) = (org.slos.len(), found.len().min(size));
        answer["metadata"] =
            json!({ "page": { "total_count": all, "total_filtered_count": shown } });
    }
    Ok(Json(answer))
}

async fn create(State(org): State<Shared>, body: Bytes) -> Answer {
    let mut org = org.lock();
    let mut slo = accept(object(&body)?, None, &org)?;
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
    Ok(Json(json!({ "data": find(&org, &id)?, "error": null })))
}

pub(super) fn find<'o>(org: &'o Org, id: &str) -> Result<&'o Value, Refused> {
    org.slos
        .get(id)
        .ok_or_else(|| Refused::not_found(format!("SLO not found: {id} not found")))
}

async fn update(State(org): State<Shared>, Path(id): Path<String>, body: Bytes) -> Answer {
    let mut org = org.lock();
    let old = find(&org, &id)?.clone();
    let mut slo = accept(object(&body)?, old["type"].as_str(), &org)?;
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
    Ok(Json(json!({ "data": [id], "error": null })))
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

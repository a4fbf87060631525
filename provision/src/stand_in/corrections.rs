//! Corrections of SLOs, times that do not count: `/api/v1/slo/correction…`.

use axum::extract::{Path, Query, State};
use axum::routing::get;
use axum::{Json, Router};
use bytes::Bytes;
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::answer::{Answer, Params, Refused, number, object, page, text};
use super::org::{Org, Shared, creator_resource, now_seconds};

/// Corrections in a page when the client does not say.
const PAGE_DEFAULT: usize = 25;
/// Most corrections in a page.
const PAGE_MAX: usize = 1000;
/// Corrections in a page of one SLO's.
const SLO_PAGE: usize = 10;

/// What a client may set.
const SETTABLE: &[&str] = &[
    "slo_id",
    "slo_query",
    "start",
    "end",
    "description",
    "category",
    "timezone",
    "rrule",
    "duration",
];
/// Why time is not counted.
const CATEGORIES: &[&str] = &[
    "Scheduled Maintenance",
    "Outside Business Hours",
    "Deployment",
    "Other",
];

pub(super) fn router() -> Router<Shared> {
    Router::new()
        .route("/api/v1/slo/correction", get(list).post(create))
        .route(
            "/api/v1/slo/correction/{id}",
            get(read).patch(update).delete(delete),
        )
        .route("/api/v1/slo/{id}/corrections", get(of_slo))
}

async fn list(State(org): State<Shared>, Query(params): Query<Params>) -> Answer {
    let limit = number(&params, "limit")?
        .unwrap_or(PAGE_DEFAULT)
        .min(PAGE_MAX);
    let offset = number(&params, "offset")?.unwrap_or_default();
    let org = org.lock();
    // The newest first.
    let found: Vec<&Value> = org.corrections.values().rev().collect();
    let shown = page(&found, limit, offset);
    let counts = json!({ "total_count": found.len(), "total_filtered_count": shown.len() });
    Ok(Json(json!({ "data": shown, "meta": { "page": counts } })))
}

async fn of_slo(State(org): State<Shared>, Path(id): Path<String>) -> Answer {
    let org = org.lock();
    super::slos::find(&org, &id)?;
    let of = |correction: &&Value| correction["attributes"]["slo_id"] == id.as_str();
    let found: Vec<&Value> = org.corrections.values().filter(of).collect();
    let here = format!("/api/v1/slo/{id}/corrections");
    let at = |offset: usize| format!("{here}?page[offset]={offset}&page[limit]={SLO_PAGE}");
    Ok(Json(json!({
        "data": page(&found, SLO_PAGE, 0),
        "meta": { "pagination": {
            "offset": 0, "first_offset": 0, "prev_offset": 0, "next_offset": SLO_PAGE, "last_offset": 0,
            "limit": SLO_PAGE, "type": "offset_limit", "total": found.len(),
        } },
        "links": { "self": here, "last": null, "next": at(SLO_PAGE), "prev": null, "first": at(0) },
    })))
}

async fn create(State(org): State<Shared>, body: Bytes) -> Answer {
    let sent = attributes(&body)?;
    let mut org = org.lock();
    let of = text_of(&sent, "slo_id");
    match (of, text_of(&sent, "slo_query")) {
        (Some(slo), _) if org.slos.get(slo).is_none() => {
            return Err(Refused::not_found(format!(
                "SLO not found: {slo} not found"
            )));
        }
        (None, None) => return Err(Refused::bad("Invalid payload: must specify slo_id")),
        _ => {}
    }
    let mut made = json!({
        "slo_id": null, "start": null, "end": null, "description": "", "category": null, "timezone": "UTC",
        "created_at": null, "modified_at": null, "rrule": null, "duration": null,
    });
    merge(&mut made, sent)?;
    made["creator"] = json!({ "data": creator_resource() });
    made["modifier"] = Value::Null;
    let id = org.next_uuid()?;
    let answer = json!({ "type": "correction", "id": id, "attributes": made });
    let mut kept = answer.clone();
    for field in ["created_at", "modified_at"] {
        kept["attributes"][field] = json!(now_seconds());
    }
    org.corrections.put(&id, kept)?;
    // The moment of creation is known from the next answer on.
    Ok(Json(json!({ "data": answer })))
}

fn attributes(body: &[u8]) -> Result<Map<String, Value>, Refused> {
    let sent = object(body)?;
    let attributes = sent.get("data").and_then(|data| data.get("attributes"));
    let attributes = attributes.and_then(Value::as_object).cloned();
    attributes.ok_or_else(|| Refused::bad("Invalid payload: must specify data.attributes"))
}

fn text_of<'m>(map: &'m Map<String, Value>, field: &str) -> Option<&'m str> {
    map.get(field).and_then(Value::as_str)
}

fn merge(correction: &mut Value, sent: Map<String, Value>) -> Result<(), Refused> {
    let known = |field: &str| SETTABLE.contains(&field);
    if let Some(correction) = correction.as_object_mut() {
        correction.extend(sent.into_iter().filter(|(field, _)| known(field)));
    }
    if !CATEGORIES.contains(&text(correction, "category")) {
        return Err(Refused::bad("Invalid payload: invalid category"));
    }
    let start = correction["start"].as_i64();
    let start = start.ok_or_else(|| Refused::bad("Invalid payload: must specify start"))?;
    let end = correction["end"].as_i64();
    let repeats = correction["rrule"].is_string() && correction["duration"].is_u64();
    match end {
        Some(end) if end <= start => Err(Refused::bad("Invalid payload: end must be after start")),
        None if !repeats => Err(Refused::bad("Invalid payload: must specify end")),
        _ => Ok(()),
    }
}

async fn read(State(org): State<Shared>, Path(id): Path<String>) -> Answer {
    Ok(Json(json!({ "data": find(&org.lock(), &id)? })))
}

fn find<'o>(org: &'o Org, id: &str) -> Result<&'o Value, Refused> {
    let found = org.corrections.get(id);
    found.ok_or_else(|| Refused::not_found(format!("SLO correction not found: {id} not found")))
}

async fn update(State(org): State<Shared>, Path(id): Path<String>, body: Bytes) -> Answer {
    let mut org = org.lock();
    let mut correction = find(&org, &id)?.clone();
    merge(&mut correction["attributes"], attributes(&body)?)?;
    correction["attributes"]["modified_at"] = json!(now_seconds());
    correction["attributes"]["modifier"] = json!({ "data": creator_resource() });
    org.corrections.put(&id, correction.clone())?;
    Ok(Json(json!({ "data": correction })))
}

async fn delete(State(org): State<Shared>, Path(id): Path<String>) -> Result<StatusCode, Refused> {
    let mut org = org.lock();
    find(&org, &id)?;
    org.corrections.remove(&id)?;
    Ok(StatusCode::NO_CONTENT)
}

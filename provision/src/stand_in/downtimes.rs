//! Downtimes: `/api/v2/downtime…`.

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};

use super::answer::{Answer, Refused, object};
use super::org::{Org, Shared, mix, now_text};

pub(super) fn router() -> Router<Shared> {
    Router::new()
        .route("/api/v2/downtime", get(list).post(create))
        .route(
            "/api/v2/downtime/{id}",
            get(read).patch(update).delete(cancel),
        )
}

async fn list(State(org): State<Shared>) -> Answer {
    let org = org.lock();
    let found: Vec<&Value> = org.downtimes.values().collect();
    let count = found.len();
    Ok(Json(
        json!({ "data": found, "meta": { "page": { "total_filtered_count": count } } }),
    ))
}

async fn create(State(org): State<Shared>, body: Bytes) -> Answer {
    let mut sent = object(&body)?;
    let attributes = sent
        .get_mut("data")
        .and_then(|data| data.get_mut("attributes"));
    let Some(Value::Object(mut attributes)) = attributes.map(Value::take) else {
        return Err(Refused::bad(
            "Invalid payload: must specify data.attributes",
        ));
    };
    for needed in ["scope", "monitor_identifier"] {
        if !attributes.contains_key(needed) {
            return Err(Refused::bad(format!(
                "Invalid payload: must specify {needed}"
            )));
        }
    }
    let mut org = org.lock();
    let id = downtime_id(&mut org)?;
    let now = now_text();
    let added = [
        ("status", json!("active")),
        ("created", json!(now)),
        ("modified", json!(now)),
        ("canceled", Value::Null),
        ("message", Value::Null),
        ("display_timezone", json!("UTC")),
        ("mute_first_recovery_notification", json!(false)),
        ("notify_end_states", json!(["alert", "no data", "warn"])),
        ("notify_end_types", json!(["expired"])),
        ("schedule", json!({ "start": now, "end": null })),
    ];
    for (field, value) in added {
        attributes.entry(field).or_insert(value);
    }
    let downtime = json!({ "type": "downtime", "id": id, "attributes": attributes });
    org.downtimes.put(&id, downtime.clone())?;
    Ok(Json(json!({ "data": downtime })))
}

fn downtime_id(org: &mut Org) -> std::io::Result<String> {
    let bits = mix(org.next_number()?);
    let (high, low) = (bits >> 32, bits & 0xffff_ffff);
    Ok(format!("{high:08x}-0000-11ef-8000-0000{low:08x}"))
}

async fn read(State(org): State<Shared>, Path(id): Path<String>) -> Answer {
    let org = org.lock();
    Ok(Json(json!({ "data": find(&org, &id)? })))
}

fn find<'o>(org: &'o Org, id: &str) -> Result<&'o Value, Refused> {
    org.downtimes
        .get(id)
        .ok_or_else(|| Refused::not_found("Downtime not found"))
}

async fn update(State(org): State<Shared>, Path(id): Path<String>, body: Bytes) -> Answer {
    let mut org = org.lock();
    let mut downtime = find(&org, &id)?.clone();
    let sent = object(&body)?;
    let changes = sent.get("data").and_then(|data| data.get("attributes"));
    let changes = changes
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    if let Some(attributes) = downtime["attributes"].as_object_mut() {
        attributes.extend(changes);
        attributes.insert("modified".into(), json!(now_text()));
    }
    org.downtimes.put(&id, downtime.clone())?;
    Ok(Json(json!({ "data": downtime })))
}

/// A cancelled downtime stays readable, so cancelling it again answers the same.
async fn cancel(State(org): State<Shared>, Path(id): Path<String>) -> impl IntoResponse {
    let mut org = org.lock();
    let mut downtime = find(&org, &id)?.clone();
    if downtime["attributes"]["canceled"].is_null() {
        downtime["attributes"]["canceled"] = json!(now_text());
        downtime["attributes"]["status"] = json!("canceled");
        org.downtimes.put(&id, downtime)?;
    }
    Ok::<_, Refused>(StatusCode::NO_CONTENT)
}

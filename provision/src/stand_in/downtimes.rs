//! Downtimes of the second version: `/api/v2/downtime…`.

use axum::extract::{Path, Query, State};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use bytes::Bytes;
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::answer::{Answer, Params, Refused, number, object, page, text};
use super::org::{CREATOR_UUID, Org, Shared, creator_resource, now_text};

/// Downtimes in a page when the client does not say.
const PAGE_DEFAULT: usize = 30;
/// Most downtimes in a page.
const PAGE_MAX: usize = 1000;

/// What a client may set.
const SETTABLE: &[&str] = &[
    "display_timezone",
    "message",
    "monitor_identifier",
    "mute_first_recovery_notification",
    "notify_end_states",
    "notify_end_types",
    "schedule",
    "scope",
];

pub(super) fn router() -> Router<Shared> {
    Router::new()
        .route("/api/v2/downtime", get(list).post(create))
        .route(
            "/api/v2/downtime/{id}",
            get(read).patch(update).delete(cancel),
        )
        .route("/api/v2/monitor/{id}/downtime_matches", get(matches))
}

async fn list(State(org): State<Shared>, Query(params): Query<Params>) -> Answer {
    let limit = number(&params, "page[limit]")?
        .unwrap_or(PAGE_DEFAULT)
        .min(PAGE_MAX);
    let offset = number(&params, "page[offset]")?.unwrap_or_default();
    let org = org.lock();
    let found: Vec<&Value> = org.downtimes.values().collect();
    let shown = page(&found, limit, offset);
    let counts = json!({ "total_filtered_count": found.len() });
    Ok(Json(json!({ "data": shown, "meta": { "page": counts } })))
}

async fn create(State(org): State<Shared>, body: Bytes) -> Answer {
    let mut attributes = attributes(&body)?;
    for needed in ["scope", "monitor_identifier"] {
        if !attributes.contains_key(needed) {
            return Err(Refused::bad(format!("'{needed}' is a required property")));
        }
    }
    let mut org = org.lock();
    check(&attributes, &org)?;
    let id = org.next_uuid()?;
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
    ];
    for (field, value) in added {
        attributes.entry(field).or_insert(value);
    }
    let schedule = attributes.get("schedule").cloned().unwrap_or_default();
    attributes.insert("schedule".into(), completed(schedule, &now));
    let downtime = json!({ "type": "downtime", "id": id, "attributes": attributes });
    org.downtimes.put(&id, downtime.clone())?;
    Ok(Json(with_people(downtime)))
}

fn attributes(body: &[u8]) -> Result<Map<String, Value>, Refused> {
    let sent = object(body)?;
    let attributes = sent.get("data").and_then(|data| data.get("attributes"));
    let attributes = attributes.and_then(Value::as_object).cloned();
    let attributes =
        attributes.ok_or_else(|| Refused::bad("'attributes' is a required property"))?;
    match attributes
        .keys()
        .find(|field| !SETTABLE.contains(&field.as_str()))
    {
        Some(field) => Err(Refused::bad(format!(
            "Additional properties are not allowed ('{field}' was unexpected)"
        ))),
        None => Ok(attributes),
    }
}

fn check(attributes: &Map<String, Value>, org: &Org) -> Result<(), Refused> {
    if let Some(scope) = attributes.get("scope") {
        let scope = scope
            .as_str()
            .ok_or_else(|| Refused::bad("Invalid scope"))?;
        let words = scope.split([' ', ',', '(', ')']);
        let mut values = words.filter(|word| !matches!(*word, "" | "AND" | "OR" | "NOT" | "*"));
        if !values.all(|word| word.contains(':')) {
            return Err(Refused::bad("All values must have a key"));
        }
    }
    if let Some(identifier) = attributes.get("monitor_identifier") {
        let tags = identifier["monitor_tags"].as_array();
        let known = |id: &Value| org.monitors.get(&id.to_string()).is_some();
        match identifier.get("monitor_id") {
            Some(id) if !known(id) => return Err(Refused::bad(format!("Monitor {id} not found"))),
            None if tags.is_none_or(Vec::is_empty) => {
                return Err(Refused::bad("Invalid monitor_identifier"));
            }
            _ => {}
        }
    }
    attributes.get("schedule").map_or(Ok(()), schedule)
}

/// One time from start to end, or recurrences with a duration and a rule.
fn schedule(schedule: &Value) -> Result<(), Refused> {
    let invalid = |why: &str| Err(Refused::bad(format!("Invalid schedule: {why}")));
    let moment = |value: &Value| -> Result<Option<time::OffsetDateTime>, Refused> {
        let Some(text) = value.as_str() else {
            return Ok(None);
        };
        let format = &time::format_description::well_known::Rfc3339;
        let read = time::OffsetDateTime::parse(text, format);
        read.map(Some)
            .map_err(|_| Refused::bad(format!("Invalid schedule: '{text}' is not a date-time")))
    };
    let Some(recurrences) = schedule.get("recurrences") else {
        let (start, end) = (moment(&schedule["start"])?, moment(&schedule["end"])?);
        return match (start, end) {
            (Some(start), Some(end)) if end <= start => invalid("end must be after start"),
            _ => Ok(()),
        };
    };
    let recurrences = recurrences
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    if recurrences.is_empty() {
        return invalid("recurrences must not be empty");
    }
    for recurrence in recurrences {
        if !text(recurrence, "rrule").contains("FREQ=") {
            return invalid("rrule is not a rule");
        }
        let duration = text(recurrence, "duration");
        let digits = duration.trim_end_matches(['m', 'h', 'd', 'w']);
        if digits.len() + 1 != duration.len() || digits.parse::<u32>().is_err() {
            return invalid("duration is not a duration");
        }
    }
    Ok(())
}

/// A start that was not sent is now; an end that was not sent never comes.
fn completed(schedule: Value, now: &str) -> Value {
    let mut schedule = schedule.as_object().cloned().unwrap_or_default();
    if schedule.contains_key("recurrences") {
        schedule.entry("timezone").or_insert(json!("UTC"));
        return Value::Object(schedule);
    }
    let start = schedule.entry("start").or_insert(Value::Null);
    if start.is_null() {
        *start = json!(now);
    }
    schedule.entry("end").or_insert(Value::Null);
    Value::Object(schedule)
}

/// What a write answers: who made it and which monitor it is for, the former whole.
fn with_people(mut downtime: Value) -> Value {
    let monitor = &downtime["attributes"]["monitor_identifier"]["monitor_id"];
    let monitor = match monitor {
        Value::Null => Value::Null,
        id => json!({ "type": "monitors", "id": id.to_string() }),
    };
    downtime["relationships"] = json!({
        "created_by": { "data": { "type": "users", "id": CREATOR_UUID } }, "monitor": { "data": monitor },
    });
    json!({ "data": downtime, "included": [creator_resource()] })
}

async fn read(
    State(org): State<Shared>,
    Path(id): Path<String>,
    Query(params): Query<Params>,
) -> Answer {
    let uuid = id.len() == 36 && id.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    if !uuid {
        return Err(Refused::bad(
            "Invalid URL param: downtime_id must be an uuid",
        ));
    }
    let downtime = find(&org.lock(), &id)?.clone();
    Ok(Json(if params.contains_key("include") {
        with_people(downtime)
    } else {
        json!({ "data": downtime })
    }))
}

fn find<'o>(org: &'o Org, id: &str) -> Result<&'o Value, Refused> {
    org.downtimes
        .get(id)
        .ok_or_else(|| Refused::not_found("Downtime not found"))
}

async fn update(State(org): State<Shared>, Path(id): Path<String>, body: Bytes) -> Answer {
    let mut org = org.lock();
    let mut downtime = find(&org, &id)?.clone();
    let mut changes = attributes(&body)?;
    check(&changes, &org)?;
    if let Some(schedule) = changes.get_mut("schedule") {
        *schedule = completed(schedule.take(), &now_text());
    }
    if let Some(attributes) = downtime["attributes"].as_object_mut() {
        attributes.extend(changes);
        attributes.insert("modified".into(), json!(now_text()));
    }
    org.downtimes.put(&id, downtime.clone())?;
    Ok(Json(with_people(downtime)))
}

/// A cancelled downtime stays readable, so cancelling it again answers the same.
async fn cancel(State(org): State<Shared>, Path(id): Path<String>) -> impl IntoResponse {
    let mut org = org.lock();
    let found = org.downtimes.get(&id).cloned();
    let mut downtime =
        found.ok_or_else(|| Refused::not_found(format!("Downtime {id} not found")))?;
    if downtime["attributes"]["canceled"].is_null() {
        downtime["attributes"]["canceled"] = json!(now_text());
        downtime["attributes"]["status"] = json!("canceled");
        org.downtimes.put(&id, downtime)?;
    }
    Ok::<_, Refused>(StatusCode::NO_CONTENT)
}

/// The downtimes that name this monitor, or one of its tags.
async fn matches(State(org): State<Shared>, Path(id): Path<String>) -> Answer {
    let org = org.lock();
    let monitor = org.monitors.get(&id);
    let monitor =
        monitor.ok_or_else(|| Refused::not_found(format!("Monitor with id {id} not found")))?;
    let own = monitor["tags"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let names = |downtime: &&Value| {
        let identifier = &downtime["attributes"]["monitor_identifier"];
        let tags = identifier["monitor_tags"].as_array().into_iter().flatten();
        let mut tags = tags.filter(|tag| *tag == "*" || own.contains(tag));
        downtime["attributes"]["canceled"].is_null()
            && (identifier["monitor_id"] == monitor["id"] || tags.next().is_some())
    };
    let found: Vec<Value> = org.downtimes.values().filter(names).map(matched).collect();
    let counts = json!({ "total_filtered_count": found.len() });
    Ok(Json(json!({ "data": found, "meta": { "page": counts } })))
}

fn matched(downtime: &Value) -> Value {
    let attributes = &downtime["attributes"];
    json!({ "type": "downtime_match", "id": downtime["id"], "attributes": {
        "groups": ["*"], "scope": attributes["scope"], "start": attributes["schedule"]["start"],
        "end": attributes["schedule"]["end"],
    } })
}

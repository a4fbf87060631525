//! Downtimes of the first version: `/api/v1/downtime…`. One that names a monitor shows in that monitor's `silenced`.

use axum::extract::{Path, Query, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::answer::{Answer, Params, Refused, object, text};
use super::org::{CREATOR_ID, ORG_ID, Org, Shared, creator, now_seconds};

/// Most tags of monitors that a downtime names.
const MONITOR_TAGS_MAX: usize = 32;

/// What a client may set.
const SETTABLE: &[&str] = &[
    "disabled",
    "end",
    "message",
    "monitor_id",
    "monitor_tags",
    "mute_first_recovery_notification",
    "notify_end_states",
    "notify_end_types",
    "recurrence",
    "scope",
    "start",
    "timezone",
];

pub(super) fn router() -> Router<Shared> {
    Router::new()
        .route("/api/v1/downtime", get(list).post(create))
        .route("/api/v1/downtime/cancel/by_scope", post(cancel_by_scope))
        .route(
            "/api/v1/downtime/{id}",
            get(read).put(update).delete(cancel),
        )
        .route("/api/v1/monitor/{id}/downtimes", get(of_monitor))
}

async fn list(State(org): State<Shared>, Query(params): Query<Params>) -> Answer {
    let active = params
        .get("current_only")
        .is_some_and(|only| only == "true");
    let creators = params
        .get("with_creator")
        .is_some_and(|with| with == "true");
    let org = org.lock();
    let found = org.downtimes_v1.values();
    let found = found.filter(|one| !active || one["active"] == true);
    let shown = found.map(|one| {
        let mut one = one.clone();
        if creators {
            one["creator"] = creator();
            one["creator"]["id"] = json!(CREATOR_ID);
        }
        one
    });
    Ok(Json(shown.collect()))
}

async fn create(State(org): State<Shared>, body: Bytes) -> Answer {
    let mut sent = settable(&body)?;
    let mut org = org.lock();
    check(&sent, &org)?;
    let now = now_seconds();
    let scope = scope_of(&sent)?;
    let recurrence = sent.get("recurrence").cloned().unwrap_or_default();
    sent.insert("scope".into(), json!(scope));
    sent.insert("recurrence".into(), recurrence_shown(&recurrence));
    let uuid = org.next_uuid()?;
    let id = org.next_number()?;
    let mut downtime = json!({
        "id": id, "monitor_id": null, "org_id": ORG_ID, "start": now, "end": null, "canceled": null, "created": now,
        "modified": now, "message": null, "active": true, "disabled": false, "recurrence": null, "timezone": "UTC",
        "parent_id": null, "child_id": null, "creator_id": CREATOR_ID, "updater_id": null,
        "downtime_type": kind(&scope), "status": "active", "monitor_tags": ["*"],
        "mute_first_recovery_notification": false, "notify_end_types": ["expired"],
        "notify_end_states": ["alert", "no data", "warn"], "uuid": uuid, "scope": scope,
    });
    if let Some(downtime) = downtime.as_object_mut() {
        downtime.extend(sent);
    }
    activity(&mut downtime);
    org.downtimes_v1.put(&id.to_string(), downtime.clone())?;
    silence(&mut org, &downtime)?;
    Ok(Json(downtime))
}

fn settable(body: &[u8]) -> Result<Map<String, Value>, Refused> {
    let mut sent = object(body)?;
    sent.retain(|field, value| SETTABLE.contains(&field.as_str()) && !value.is_null());
    Ok(sent)
}

/// Everything, a host, or anything else.
fn kind(scope: &[String]) -> u8 {
    match scope {
        [one] if one == "*" => 0,
        [one] if one.starts_with("host:") => 1,
        _ => 2,
    }
}

fn scope_of(sent: &Map<String, Value>) -> Result<Vec<String>, Refused> {
    let invalid = || Refused::bad("Invalid scope parameter");
    let scope: Vec<String> = match sent.get("scope") {
        Some(Value::String(scope)) => vec![scope.clone()],
        Some(Value::Array(scope)) => scope
            .iter()
            .map(|one| one.as_str().map(str::to_owned))
            .collect::<Option<_>>()
            .ok_or_else(invalid)?,
        _ => Vec::new(),
    };
    if scope.is_empty() {
        return Err(invalid());
    }
    Ok(scope)
}

fn check(sent: &Map<String, Value>, org: &Org) -> Result<(), Refused> {
    let number = |field: &str| match sent.get(field) {
        None => Ok(None),
        Some(value) => value
            .as_i64()
            .map(Some)
            .ok_or_else(|| Refused::bad(format!("Invalid {field} parameter"))),
    };
    if let (Some(start), Some(end)) = (number("start")?, number("end")?)
        && end <= start
    {
        return Err(Refused::bad("Downtime end must be after its start"));
    }
    if let Some(id) = number("monitor_id")?
        && org.monitors.get(&id.to_string()).is_none()
    {
        return Err(Refused::bad(format!("Monitor {id} not found")));
    }
    let tags = sent.get("monitor_tags").and_then(Value::as_array);
    if tags.is_some_and(|tags| tags.len() > MONITOR_TAGS_MAX) {
        return Err(if sent.contains_key("scope") {
            Refused::bad("Invalid monitor_tags parameter")
        } else {
            Refused::bad("Invalid scope parameter")
        });
    }
    sent.get("recurrence").map_or(Ok(()), recurrence)
}

fn recurrence(recurrence: &Value) -> Result<(), Refused> {
    const TYPES: [&str; 5] = ["days", "weeks", "months", "years", "rrule"];
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    if !TYPES.contains(&text(recurrence, "type")) {
        return Err(Refused::bad("Invalid recurrence type"));
    }
    let days = recurrence["week_days"].as_array().into_iter().flatten();
    let known = |day: &Value| day.as_str().is_some_and(|day| DAYS.contains(&day));
    if !days.clone().all(known) {
        return Err(Refused::bad(
            "Invalid set of days in week_days. Be sure that the first letter is capitalized.",
        ));
    }
    if !recurrence["until_date"].is_null() && !recurrence["until_occurrences"].is_null() {
        return Err(Refused::bad(
            "You must provide only provide one of (until_occurrences, until_date)",
        ));
    }
    Ok(())
}

/// Every field of a recurrence, those that were not sent as nulls.
fn recurrence_shown(sent: &Value) -> Value {
    if sent.is_null() {
        return Value::Null;
    }
    const FIELDS: [&str; 5] = [
        "type",
        "period",
        "week_days",
        "until_occurrences",
        "until_date",
    ];
    let mut shown: Map<String, Value> = FIELDS
        .iter()
        .map(|field| ((*field).to_owned(), sent[*field].clone()))
        .collect();
    if let Some(rule) = sent.get("rrule") {
        shown.insert("rrule".into(), rule.clone());
    }
    Value::Object(shown)
}

fn activity(downtime: &mut Value) {
    let now = now_seconds();
    let (start, end) = (downtime["start"].as_i64(), downtime["end"].as_i64());
    let status = if !downtime["canceled"].is_null() {
        "canceled"
    } else if start.is_some_and(|start| start > now) {
        "scheduled"
    } else if end.is_some_and(|end| end < now) && downtime["recurrence"].is_null() {
        "ended"
    } else {
        "active"
    };
    downtime["status"] = json!(status);
    downtime["active"] = json!(status == "active");
}

/// A monitor shows the downtimes of this version that name it.
fn silence(org: &mut Org, downtime: &Value) -> Result<(), Refused> {
    let id = downtime["monitor_id"].to_string();
    let Some(mut monitor) = org.monitors.get(&id).cloned() else {
        return Ok(());
    };
    let scope = downtime["scope"].as_array().into_iter().flatten();
    let scope: Vec<&str> = scope.filter_map(Value::as_str).collect();
    let scope = scope.join(",");
    if let Some(options) = monitor["options"].as_object_mut() {
        let silenced = options.entry("silenced").or_insert(json!({}));
        match silenced.as_object_mut() {
            Some(silenced) if downtime["active"] == true => {
                silenced.insert(scope, downtime["end"].clone());
            }
            Some(silenced) => {
                silenced.shift_remove(&scope);
            }
            None => {}
        }
    }
    Ok(org.monitors.put(&id, monitor)?)
}

/// The downtimes of a monitor in the form in which it lists them.
pub(super) fn matching(org: &Org, monitor: &Value) -> Vec<Value> {
    let found = org.downtimes_v1.values();
    let found = found.filter(|one| one["active"] == true && one["monitor_id"] == monitor["id"]);
    found
        .map(|one| {
            json!({
                "id": one["id"], "active": true, "monitor_id": one["monitor_id"], "start": one["start"],
                "end": one["end"], "scope": one["scope"], "groups": ["total"],
            })
        })
        .collect()
}

async fn of_monitor(State(org): State<Shared>, Path(id): Path<String>) -> Answer {
    let org = org.lock();
    if org.monitors.get(&id).is_none() {
        return Err(Refused::not_found("Monitor not found"));
    }
    let found = org.downtimes_v1.values();
    let found = found.filter(|one| {
        one["active"] == true && id.parse::<u64>().is_ok_and(|id| one["monitor_id"] == id)
    });
    Ok(Json(found.cloned().collect()))
}

async fn read(State(org): State<Shared>, Path(id): Path<String>) -> Answer {
    let org = org.lock();
    let found = org.downtimes_v1.get(&id);
    let found = found.ok_or_else(|| Refused::not_found("Downtime not found"))?;
    Ok(Json(found.clone()))
}

async fn update(State(org): State<Shared>, Path(id): Path<String>, body: Bytes) -> Answer {
    let mut org = org.lock();
    let found = org.downtimes_v1.get(&id).cloned();
    let mut downtime = found.ok_or_else(|| Refused::not_found("Downtime not found"))?;
    let mut sent = settable(&body)?;
    check(&sent, &org)?;
    if sent.contains_key("scope") {
        let scope = scope_of(&sent)?;
        sent.insert("downtime_type".into(), json!(kind(&scope)));
        sent.insert("scope".into(), json!(scope));
    }
    if let Some(recurrence) = sent.get_mut("recurrence") {
        *recurrence = recurrence_shown(recurrence);
    }
    if let Some(downtime) = downtime.as_object_mut() {
        downtime.extend(sent);
        downtime.insert("modified".into(), json!(now_seconds()));
        downtime.insert("updater_id".into(), json!(CREATOR_ID));
    }
    activity(&mut downtime);
    org.downtimes_v1.put(&id, downtime.clone())?;
    silence(&mut org, &downtime)?;
    Ok(Json(downtime))
}

/// A cancelled downtime stays readable, so cancelling it again answers the same.
async fn cancel(State(org): State<Shared>, Path(id): Path<String>) -> Result<StatusCode, Refused> {
    let mut org = org.lock();
    let found = org.downtimes_v1.get(&id).cloned();
    let downtime = found.ok_or_else(|| Refused::not_found(format!("Downtime {id} not found")))?;
    end(&mut org, downtime)?;
    Ok(StatusCode::NO_CONTENT)
}

fn end(org: &mut Org, mut downtime: Value) -> Result<(), Refused> {
    if !downtime["canceled"].is_null() {
        return Ok(());
    }
    downtime["canceled"] = json!(now_seconds());
    activity(&mut downtime);
    silence(org, &downtime)?;
    let id = downtime["id"].to_string();
    Ok(org.downtimes_v1.put(&id, downtime)?)
}

async fn cancel_by_scope(State(org): State<Shared>, body: Bytes) -> Answer {
    let scope = scope_of(&object(&body)?)?;
    let scope: Vec<&str> = scope.iter().flat_map(|one| one.split(',')).collect();
    let mut org = org.lock();
    let fits = |one: &&Value| one["canceled"].is_null() && one["scope"] == json!(scope);
    let found: Vec<Value> = org.downtimes_v1.values().filter(fits).cloned().collect();
    if found.is_empty() {
        return Err(Refused::not_found("No downtimes found"));
    }
    let ids: Vec<Value> = found.iter().map(|one| one["id"].clone()).collect();
    for downtime in found {
        end(&mut org, downtime)?;
    }
    Ok(Json(json!({ "cancelled_ids": ids })))
}

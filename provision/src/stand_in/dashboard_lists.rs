//! Lists of dashboards: `/api/v1/dashboard/lists/manual…`, and what is in them: `/api/v2/dashboard/lists/manual/…`.

use axum::extract::{Path, State};
use axum::routing::get;
use axum::{Json, Router};
use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::answer::{Answer, Refused, object, text};
use super::org::{Org, Shared, creator, now_text};

/// Most dashboards in a list.
const ITEMS_MAX: usize = 1000;

pub(super) fn router() -> Router<Shared> {
    Router::new()
        .route("/api/v1/dashboard/lists/manual", get(all).post(create))
        .route(
            "/api/v1/dashboard/lists/manual/{id}",
            get(read).put(rename).delete(delete),
        )
        .route(
            "/api/v2/dashboard/lists/manual/{id}/dashboards",
            get(items).post(add).put(replace).delete(take_out),
        )
}

/// The field that keeps a list's items; the first version of the API does not show it.
const ITEMS: &str = "items";

fn shown(list: &Value) -> Value {
    let mut list = list.as_object().cloned().unwrap_or_default();
    list.shift_remove(ITEMS);
    Value::Object(list)
}

async fn all(State(org): State<Shared>) -> Answer {
    let org = org.lock();
    let lists: Vec<Value> = org.dashboard_lists.values().rev().map(shown).collect();
    Ok(Json(json!({ "dashboard_lists": lists })))
}

async fn create(State(org): State<Shared>, body: Bytes) -> Answer {
    let name = name(&body)?;
    let mut org = org.lock();
    let (id, now, person) = (org.next_number()?, now_text(), creator());
    let list = json!({
        "author": { "name": person["name"], "handle": person["handle"] },
        "created": now, "dashboards": null, "dashboard_count": 0, "id": id, "is_favorite": false, "modified": now,
        "name": name, "type": "manual_dashboard_list", ITEMS: [],
    });
    org.dashboard_lists.put(&id.to_string(), list.clone())?;
    Ok(Json(shown(&list)))
}

fn name(body: &[u8]) -> Result<String, Refused> {
    let sent = object(body)?;
    match sent.get("name").and_then(Value::as_str) {
        Some(name) if !name.is_empty() => Ok(name.to_owned()),
        _ => Err(Refused::bad("'name' is a required property")),
    }
}

fn find<'o>(org: &'o Org, id: &str) -> Result<&'o Value, Refused> {
    let found = org.dashboard_lists.get(id);
    found.ok_or_else(|| Refused::not_found(format!("Manual Dashboard List with id {id} not found")))
}

async fn read(State(org): State<Shared>, Path(id): Path<String>) -> Answer {
    Ok(Json(shown(find(&org.lock(), &id)?)))
}

async fn rename(State(org): State<Shared>, Path(id): Path<String>, body: Bytes) -> Answer {
    let mut org = org.lock();
    let mut list = find(&org, &id)?.clone();
    list["name"] = json!(name(&body)?);
    list["modified"] = json!(now_text());
    org.dashboard_lists.put(&id, list.clone())?;
    Ok(Json(shown(&list)))
}

async fn delete(State(org): State<Shared>, Path(id): Path<String>) -> Answer {
    let mut org = org.lock();
    let number = find(&org, &id)?["id"].clone();
    org.dashboard_lists.remove(&id)?;
    Ok(Json(json!({ "deleted_dashboard_list_id": number })))
}

/// The dashboards of a list that still exist, each with what a list shows of it.
async fn items(State(org): State<Shared>, Path(id): Path<String>) -> Answer {
    let org = org.lock();
    let items: Vec<Value> = listed(find(&org, &id)?)
        .iter()
        .filter_map(|item| {
            let dashboard = org.dashboards.get(text(item, "id"))?;
            let person = creator();
            Some(json!({
                "author": { "name": person["name"], "handle": person["handle"] },
                "created": dashboard["created_at"], "modified": dashboard["modified_at"], "icon": null,
                "id": item["id"], "integration_id": null, "is_favorite": false,
                "is_read_only": dashboard["is_read_only"], "is_shared": false, "popularity": 0,
                "title": dashboard["title"], "type": item["type"], "url": dashboard["url"],
            }))
        })
        .collect();
    Ok(Json(json!({ "dashboards": items, "total": items.len() })))
}

fn listed(list: &Value) -> Vec<Value> {
    let items = list.get(ITEMS).and_then(Value::as_array);
    items.cloned().unwrap_or_default()
}

async fn add(State(org): State<Shared>, Path(id): Path<String>, body: Bytes) -> Answer {
    change(&org, &id, &body, "added_dashboards_to_list", |own, sent| {
        let new = sent.iter().filter(|item| !own.contains(item));
        own.iter().chain(new).cloned().collect()
    })
}

async fn replace(State(org): State<Shared>, Path(id): Path<String>, body: Bytes) -> Answer {
    change(&org, &id, &body, "dashboards", |_, sent| sent.to_vec())
}

async fn take_out(State(org): State<Shared>, Path(id): Path<String>, body: Bytes) -> Answer {
    change(
        &org,
        &id,
        &body,
        "deleted_dashboards_from_list",
        |own, sent| {
            let left = own.iter().filter(|item| !sent.contains(item));
            left.cloned().collect()
        },
    )
}

fn change(
    org: &Shared,
    id: &str,
    body: &[u8],
    answer: &str,
    make: impl FnOnce(&[Value], &[Value]) -> Vec<Value>,
) -> Answer {
    let sent = object(body)?;
    let Some(Value::Array(sent)) = sent.get("dashboards") else {
        return Err(Refused::bad("'dashboards' is a required property"));
    };
    let mut org = org.lock();
    for item in sent {
        let id = text(item, "id");
        if org.dashboards.get(id).is_none() {
            let why = format!("Dashboard with ID {id} not found");
            return Err(Refused::not_found(why));
        }
    }
    let mut list = find(&org, id)?.clone();
    let items = make(&listed(&list), sent);
    if items.len() > ITEMS_MAX {
        return Err(Refused::bad(format!(
            "A list has at most {ITEMS_MAX} dashboards"
        )));
    }
    list["dashboard_count"] = json!(items.len());
    list["modified"] = json!(now_text());
    list[ITEMS] = Value::Array(items);
    org.dashboard_lists.put(id, list)?;
    let mut answered = Map::new();
    answered.insert(answer.to_owned(), json!(sent));
    Ok(Json(Value::Object(answered)))
}

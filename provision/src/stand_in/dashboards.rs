//! Dashboards: `/api/v1/dashboard…`.

use axum::extract::{Path, Query, State};
use axum::routing::get;
use axum::{Json, Router};
use bytes::Bytes;
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::answer::{Answer, Params, Refused, number, object, text};
use super::dashboard_rules::check;
use super::org::{Org, Shared, creator, mix, now_text};

/// How many dashboards a page has when the client does not say.
const PAGE_DEFAULT: usize = 100;
/// Most dashboards in a page.
const PAGE_MAX: usize = 1000;
/// Longest title in an address.
const SLUG_CHARACTERS_MAX: usize = 80;

/// What a client may set; a PUT replaces all of them.
const SETTABLE: &[&str] = &[
    "title",
    "description",
    "layout_type",
    "reflow_type",
    "notify_list",
    "template_variables",
    "template_variable_presets",
    "tags",
    "tabs",
    "widgets",
    "restricted_roles",
    "is_read_only",
    "default_timeframe",
];

pub(super) fn router() -> Router<Shared> {
    Router::new()
        .route(
            "/api/v1/dashboard",
            get(list).post(create).patch(restore).delete(delete_many),
        )
        .route(
            "/api/v1/dashboard/{id}",
            get(read).put(update).delete(delete),
        )
}

/// Without widgets: a client that wants those asks for each dashboard.
async fn list(State(org): State<Shared>, Query(params): Query<Params>) -> Answer {
    const SHOWN: &[&str] = &[
        "id",
        "title",
        "description",
        "layout_type",
        "url",
        "is_read_only",
        "created_at",
        "modified_at",
        "author_handle",
        "deleted_at",
    ];
    let size = number(&params, "count")?
        .unwrap_or(PAGE_DEFAULT)
        .min(PAGE_MAX);
    let start = number(&params, "start")?.unwrap_or_default();
    let deleted = params
        .get("filter[deleted]")
        .is_some_and(|value| value == "true");
    let org = org.lock();
    let listed = if deleted {
        &org.deleted_dashboards
    } else {
        &org.dashboards
    };
    let page: Vec<Value> = listed
        .values()
        .skip(start)
        .take(size)
        .map(|dashboard| {
            SHOWN
                .iter()
                .map(|field| ((*field).to_owned(), dashboard[*field].clone()))
                .collect()
        })
        .collect();
    Ok(Json(json!({ "dashboards": page })))
}

async fn create(State(org): State<Shared>, body: Bytes) -> Answer {
    let mut org = org.lock();
    let sent = object(&body)?;
    check(&sent)?;
    let id = org.next_word()?;
    let made = json!({ "id": id, "created_at": now_text() });
    let dashboard = complete(sent, &made, &mut org)?;
    org.dashboards.put(&id, dashboard.clone())?;
    Ok(Json(dashboard))
}

async fn read(State(org): State<Shared>, Path(id): Path<String>) -> Answer {
    let org = org.lock();
    Ok(Json(find(&org, &id)?.clone()))
}

fn find<'o>(org: &'o Org, id: &str) -> Result<&'o Value, Refused> {
    let found = org.dashboards.get(id);
    found.ok_or_else(|| Refused::not_found(format!("Dashboard with ID {id} not found")))
}

async fn update(State(org): State<Shared>, Path(id): Path<String>, body: Bytes) -> Answer {
    let mut org = org.lock();
    let old = find(&org, &id)?.clone();
    let sent = object(&body)?;
    check(&sent)?;
    let dashboard = complete(sent, &old, &mut org)?;
    org.dashboards.put(&id, dashboard.clone())?;
    Ok(Json(dashboard))
}

async fn delete(State(org): State<Shared>, Path(id): Path<String>) -> Answer {
    let mut org = org.lock();
    remove(&mut org, &id)?;
    Ok(Json(json!({ "deleted_dashboard_id": id })))
}

/// Deleted dashboards can be listed and restored.
fn remove(org: &mut Org, id: &str) -> Result<(), Refused> {
    let mut dashboard = find(org, id)?.clone();
    dashboard["deleted_at"] = json!(now_text());
    org.deleted_dashboards.put(id, dashboard)?;
    org.dashboards.remove(id)?;
    Ok(())
}

async fn delete_many(State(org): State<Shared>, body: Bytes) -> Result<StatusCode, Refused> {
    let ids = resource_ids(&body)?;
    let mut org = org.lock();
    for id in &ids {
        find(&org, id)?;
    }
    for id in &ids {
        remove(&mut org, id)?;
    }
    Ok(StatusCode::NO_CONTENT)
}

async fn restore(State(org): State<Shared>, body: Bytes) -> Result<StatusCode, Refused> {
    let mut org = org.lock();
    for id in resource_ids(&body)? {
        let found = org.deleted_dashboards.get(&id).cloned();
        let mut dashboard =
            found.ok_or_else(|| Refused::not_found(format!("Dashboard with ID {id} not found")))?;
        if let Some(dashboard) = dashboard.as_object_mut() {
            dashboard.shift_remove("deleted_at");
        }
        org.dashboards.put(&id, dashboard)?;
        org.deleted_dashboards.remove(&id)?;
    }
    Ok(StatusCode::NO_CONTENT)
}

fn resource_ids(body: &[u8]) -> Result<Vec<String>, Refused> {
    let sent = object(body)?;
    let data = sent.get("data").and_then(Value::as_array);
    let data = data.ok_or_else(|| Refused::bad("'data' is a required property"))?;
    Ok(data.iter().map(|one| text(one, "id").to_owned()).collect())
}

/// As sent, with what the server adds; `old` is what was there before.
fn complete(sent: Map<String, Value>, old: &Value, org: &mut Org) -> Result<Value, Refused> {
    let mut dashboard: Map<String, Value> = sent
        .into_iter()
        .filter(|(field, _)| SETTABLE.contains(&field.as_str()))
        .collect();
    number_widgets(&mut dashboard, org)?;
    number_tabs(&mut dashboard)?;
    if let Some(Value::Array(list)) = dashboard.get_mut("notify_list") {
        list.sort_by_key(ToString::to_string);
    }
    let (id, made) = (text(old, "id").to_owned(), old["created_at"].clone());
    let url = format!("/dashboard/{id}/{}", slug(&dashboard));
    let author = creator();
    let added = [
        ("id", json!(id)),
        ("url", json!(url)),
        ("created_at", made),
        ("modified_at", json!(now_text())),
        ("author_handle", author["handle"].clone()),
        ("author_name", author["name"].clone()),
    ];
    for (field, value) in added {
        dashboard.insert(field.to_owned(), value);
    }
    let absent = [
        ("description", Value::Null),
        ("is_read_only", json!(false)),
        ("notify_list", Value::Null),
        ("restricted_roles", json!([])),
        ("template_variables", Value::Null),
    ];
    for (field, value) in absent {
        dashboard.entry(field).or_insert(value);
    }
    Ok(Value::Object(dashboard))
}

fn slug(dashboard: &Map<String, Value>) -> String {
    let title = dashboard.get("title").and_then(Value::as_str);
    let kept = title.unwrap_or_default().chars().filter_map(|c| match c {
        ' ' | '-' => Some('-'),
        c if c.is_ascii_alphanumeric() => Some(c.to_ascii_lowercase()),
        _ => None,
    });
    let slug: String = kept.take(SLUG_CHARACTERS_MAX).collect();
    slug.trim_end_matches('-').to_owned()
}

/// Groups hold widgets themselves; the API allows no group in a group.
fn number_widgets(dashboard: &mut Map<String, Value>, org: &mut Org) -> Result<(), Refused> {
    let Some(Value::Array(widgets)) = dashboard.get_mut("widgets") else {
        return Ok(());
    };
    for widget in widgets {
        let nested = widget
            .pointer_mut("/definition/widgets")
            .and_then(Value::as_array_mut);
        for inner in nested.into_iter().flatten() {
            number_widget(inner, org)?;
        }
        number_widget(widget, org)?;
    }
    Ok(())
}

fn number_widget(widget: &mut Value, org: &mut Org) -> Result<(), Refused> {
    /// Ids are shown to browsers, whose numbers are exact up to here.
    const ID_BITS: u32 = 53;
    if let Some(widget) = widget.as_object_mut()
        && !widget.contains_key("id")
    {
        let id = mix(org.next_number()?) >> (u64::BITS - ID_BITS);
        widget.insert("id".into(), json!(id));
    }
    Ok(())
}

/// Tabs may name widgets by position (`@1` is the first); they come back with the ids.
fn number_tabs(dashboard: &mut Map<String, Value>) -> Result<(), Refused> {
    let widgets = dashboard.get("widgets").and_then(Value::as_array);
    let ids: Vec<Value> = widgets
        .into_iter()
        .flatten()
        .map(|widget| widget["id"].clone())
        .collect();
    let Some(Value::Array(tabs)) = dashboard.get_mut("tabs") else {
        return Ok(());
    };
    for (at, tab) in tabs.iter_mut().enumerate() {
        let name = tab["name"].as_str().unwrap_or_default().to_owned();
        let Some(Value::Array(named)) = tab.get_mut("widget_ids") else {
            return Err(Refused::bad(format!(
                "Invalid tab {name}: must specify widget_ids"
            )));
        };
        for id in named.iter_mut() {
            let position = id
                .as_str()
                .and_then(|id| id.strip_prefix('@')?.parse::<usize>().ok());
            let found = match position {
                Some(position) => ids.get(position.wrapping_sub(1)),
                None => ids.iter().find(|known| *known == id),
            };
            *id = found
                .cloned()
                .ok_or_else(|| Refused::bad(format!("Invalid tab {name}: no widget {id}")))?;
        }
        if tab.get("id").is_none() {
            let (high, low) = (mix(at as u64), mix(name.len() as u64));
            tab["id"] = json!(format!(
                "{:08x}-0000-4000-8000-{:012x}",
                high >> 32,
                low >> 16
            ));
        }
    }
    Ok(())
}

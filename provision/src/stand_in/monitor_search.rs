//! The search for monitors and their groups: `/api/v1/monitor/search`, `/api/v1/monitor/groups/search`.

use axum::extract::{Query, State};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Map, Value, json};

use super::answer::{Answer, Params, Refused, has_tags, number, text};
use super::monitors::is_number;
use super::org::Shared;

/// Results in a page when the client does not say.
const PER_PAGE_DEFAULT: usize = 30;
/// Most results in a page.
const PAGE_MAX: usize = 1000;

pub(super) fn router() -> Router<Shared> {
    Router::new()
        .route("/api/v1/monitor/search", get(search))
        .route("/api/v1/monitor/groups/search", get(groups))
}

async fn search(State(org): State<Shared>, Query(params): Query<Params>) -> Answer {
    page(&org, &params, "monitors", summary)
}

/// Groups of monitors. Nothing is evaluated here, so that every monitor has the one group of its total.
async fn groups(State(org): State<Shared>, Query(params): Query<Params>) -> Answer {
    page(&org, &params, "groups", total)
}

/// One page of what a search finds, each monitor shown by `show` in the list `name`.
fn page(org: &Shared, params: &Params, name: &str, show: fn(&Value) -> Value) -> Answer {
    let page = number(params, "page")?.unwrap_or_default();
    let size = number(params, "per_page")?
        .unwrap_or(PER_PAGE_DEFAULT)
        .clamp(1, PAGE_MAX);
    let query = params.get("query").map(String::as_str).unwrap_or_default();
    check(query)?;
    let org = org.lock();
    let found: Vec<&Value> = org
        .monitors
        .values()
        .filter(|monitor| matches(monitor, query))
        .collect();
    let shown = found.iter().skip(page.saturating_mul(size)).take(size);
    let shown: Vec<Value> = shown.map(|monitor| show(monitor)).collect();
    Ok(Json(json!({
        name: shown,
        "counts": counts(),
        "metadata": {
            "page": page,
            "page_count": found.len().div_ceil(size),
            "per_page": size,
            "total_count": found.len(),
        },
    })))
}

/// Words of a search: `tag:"a:b"`, `type:…`, `id:…`, or part of the name; all must fit.
fn matches(monitor: &Value, query: &str) -> bool {
    query
        .split_whitespace()
        .all(|word| match word.split_once(':') {
            Some(("tag", tag)) => has_tags(monitor, tag.trim_matches('"')),
            Some(("type", kind)) => text(monitor, "type").starts_with(kind.trim_matches('"')),
            Some(("id", id)) => is_number(&monitor["id"], id),
            Some(("status", status)) => {
                let status = status.trim_matches('"');
                text(monitor, "overall_state").eq_ignore_ascii_case(status)
            }
            _ => text(monitor, "name")
                .to_lowercase()
                .contains(&word.trim_matches('"').to_lowercase()),
        })
}

fn summary(monitor: &Value) -> Value {
    const SHOWN: [&str; 9] = [
        "id",
        "name",
        "type",
        "query",
        "tags",
        "creator",
        "org_id",
        "priority",
        "overall_state_modified",
    ];
    let mut summary: Map<String, Value> = SHOWN
        .iter()
        .map(|field| ((*field).to_owned(), monitor[*field].clone()))
        .collect();
    let kind = text(monitor, "type");
    let added = [
        ("status", monitor["overall_state"].clone()),
        ("classification", json!(kind.trim_end_matches(" alert"))),
        ("scopes", json!([])),
        ("metrics", json!([])),
        ("notifications", json!([])),
        ("muted_until_ts", Value::Null),
        ("last_triggered_ts", Value::Null),
        ("restricted_roles", json!([])),
    ];
    summary.extend(added.map(|(field, value)| (field.to_owned(), value)));
    Value::Object(summary)
}

fn total(monitor: &Value) -> Value {
    json!({
        "monitor_id": monitor["id"], "monitor_name": monitor["name"], "group": "total", "group_tags": ["total"],
        "status": monitor["overall_state"], "all_tags": monitor["tags"], "env_tags": [], "team_tags": [], "downtimes": [],
        "muted": false, "muted_remaining": null, "muted_until_ts": null, "last_nodata_ts": 0, "last_triggered_ts": null,
        "priority": monitor["priority"],
    })
}

fn counts() -> Value {
    json!({ "status": [], "muted": [], "tag": [], "type": [] })
}

/// The statuses that a search may name.
const STATUSES: [&str; 7] = [
    "alert", "warn", "no data", "ok", "ignored", "skipped", "unknown",
];

fn check(query: &str) -> Result<(), Refused> {
    let statuses = query
        .split_whitespace()
        .filter_map(|word| word.strip_prefix("status:"));
    for status in statuses.map(|status| status.trim_matches(['"', '(', ')'])) {
        if !STATUSES.contains(&status.to_lowercase().as_str()) && !status.eq_ignore_ascii_case("no")
        {
            return Err(Refused::bad(format!(
                "Query parsing error: '{status}' is not a valid monitor status"
            )));
        }
    }
    Ok(())
}

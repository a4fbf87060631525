//! What an SLO was, and the search for SLOs: `/api/v1/slo/{id}/history`, `/api/v1/slo/search`. The stand-in receives no
//! data, so that every measurement is one of nothing.

use axum::extract::{Path, Query, State};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Map, Value, json};

use super::answer::{Answer, Params, Refused, number, page, text};
use super::org::Shared;

/// SLOs in a page of a search when the client does not say.
const PAGE_DEFAULT: usize = 10;
/// Most SLOs in a page of a search.
const PAGE_MAX: usize = 1000;

pub(super) fn router() -> Router<Shared> {
    Router::new()
        .route("/api/v1/slo/{id}/history", get(history))
        .route("/api/v1/slo/search", get(search))
}

async fn history(
    State(org): State<Shared>,
    Path(id): Path<String>,
    Query(params): Query<Params>,
) -> Answer {
    let moment = |name: &str| {
        number(&params, name)?
            .ok_or_else(|| Refused::bad(format!("Missing required parameter '{name}'")))
    };
    let (from, to) = (moment("from_ts")?, moment("to_ts")?);
    if to <= from {
        return Err(Refused::bad("to_ts must be after from_ts"));
    }
    let org = org.lock();
    let slo = super::slos::find(&org, &id)?;
    let thresholds = slo["thresholds"].as_array().into_iter().flatten();
    let thresholds: Map<String, Value> = thresholds
        .map(|one| (text(one, "timeframe").to_owned(), one.clone()))
        .collect();
    let precision: Map<String, Value> = thresholds
        .keys()
        .map(|frame| (frame.clone(), json!(0)))
        .collect();
    let mut data = json!({
        "thresholds": thresholds, "from_ts": from, "to_ts": to, "type": slo["type"], "type_id": slo["type_id"],
        "slo": slo,
        "overall": {
            "sli_value": null, "span_precision": 2, "precision": precision, "uptime": null, "corrections": [],
            "state": "no_data",
        },
    });
    if slo["type"] == "metric" {
        data["group_by"] = json!([]);
        data["series"] = empty_series(&slo["query"], from, to);
    }
    Ok(Json(json!({ "data": data, "errors": null })))
}

fn empty_series(query: &Value, from: usize, to: usize) -> Value {
    let side = |side: &str| {
        let expression = format!("default_zero({})", text(query, side));
        let values = json!({ "values": [], "sum": 0.0, "count": 0, "metadata": { "expression": expression } });
        (expression, values)
    };
    let (good, numerator) = side("numerator");
    let (all, denominator) = side("denominator");
    json!({
        "res_type": "time_series", "resp_version": 2, "interval": 7200, "times": [], "message": "",
        "query": format!("{good}, {all}"), "from_date": from.saturating_mul(1000), "to_date": to.saturating_mul(1000),
        "numerator": numerator, "denominator": denominator,
    })
}

async fn search(State(org): State<Shared>, Query(params): Query<Params>) -> Answer {
    let size = number(&params, "page[size]")?
        .unwrap_or(PAGE_DEFAULT)
        .clamp(1, PAGE_MAX);
    let at = number(&params, "page[number]")?.unwrap_or_default();
    let query = params.get("query").map(String::as_str).unwrap_or_default();
    let org = org.lock();
    let fits = |slo: &&Value| text(slo, "name").contains(query.trim_matches('"'));
    let found: Vec<&Value> = org.slos.values().filter(fits).collect();
    let shown = page(&found, size, at.saturating_mul(size));
    let slos: Vec<Value> = shown.into_iter().map(result).collect();
    let last = found.len().saturating_sub(1) / size;
    let link =
        |at: usize| format!("/api/v1/slo/search?query={query}&page[number]={at}&page[size]={size}");
    let here =
        format!("/api/v1/slo/search?query={query}&page%5Bsize%5D={size}&page%5Bnumber%5D={at}");
    Ok(Json(json!({
        "data": { "type": "service_level_objective_search_results", "attributes": { "slos": slos } },
        "meta": { "pagination": {
            "number": at, "first_number": 0, "prev_number": at.saturating_sub(1), "next_number": at + 1,
            "last_number": last, "size": size, "type": "number_size", "total": found.len(),
        } },
        "links": { "self": here, "last": null, "next": link(at + 1), "prev": null, "first": link(0) },
    })))
}

/// An SLO as a search shows it.
fn result(slo: &Value) -> Value {
    let tags = slo["tags"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let with = |key: &str| -> Vec<&Value> {
        let own = |tag: &&Value| tag.as_str().is_some_and(|tag| tag.starts_with(key));
        tags.iter().filter(own).collect()
    };
    let status = json!({
        "error_budget_remaining": null, "raw_error_budget_remaining": null, "indexed_at": slo["modified_at"],
        "span_precision": null, "state": "no_data", "sli": null,
        "calculation_error": "The denominator is zero valued",
    });
    let whole = |threshold: &Value| {
        let mut threshold = threshold.clone();
        for name in ["target_display", "warning_display"] {
            if let Some(Value::String(shown)) = threshold.get_mut(name) {
                *shown = shown.trim_end_matches('.').to_owned();
            }
        }
        threshold
    };
    let thresholds = slo["thresholds"].as_array().into_iter().flatten();
    let query = slo.get("query").map(|query| {
        json!({ "metrics": null, "numerator": query["numerator"], "denominator": query["denominator"] })
    });
    let description = Some(&slo["description"]).filter(|text| **text != "");
    json!({ "data": { "type": "slo", "id": slo["id"], "attributes": {
        "monitor_ids": slo.get("monitor_ids"), "all_tags": tags, "env_tags": with("env:"), "team_tags": with("team:"),
        "service_tags": with("service:"), "thresholds": thresholds.map(whole).collect::<Vec<_>>(),
        "groups": slo.get("groups"), "timeframe": slo["timeframe"], "overall_status": [status], "query": query,
        "target_threshold": slo["target_threshold"], "warning_threshold": slo.get("warning_threshold"),
        "slo_type": slo["type"], "name": slo["name"], "status": status, "creator": slo["creator"],
        "created_at": slo["created_at"], "modified_at": slo["modified_at"], "description": description,
    } } })
}

//! The stand-in as any client of the API meets it: wording, added fields, conflicts, pages, keys, limits.

use serde_json::{Value, json};

use crate::harness::{StandIn, call};

fn monitor(name: &str) -> Value {
    json!({ "name": name, "type": "metric alert", "query": "avg(last_5m):avg:a{*} > 5", "message": "m" })
}

#[track_caller]
fn refused(answer: (u16, Value), status: u16, text: &str) {
    assert_eq!(
        (answer.0, answer.1["errors"][0].as_str()),
        (status, Some(text))
    );
}

#[test]
fn keys_are_asked_for() {
    let org = StandIn::start();
    let without = call(&org.url, "GET", "/api/v1/monitor", None, &[]);
    refused(without, 401, "Unauthorized");
    let empty = [("DD-API-KEY", ""), ("DD-APPLICATION-KEY", "x")];
    refused(
        call(&org.url, "GET", "/api/v1/monitor", None, &empty),
        403,
        "Forbidden",
    );
    assert_eq!(org.get("/api/v1/validate"), json!({ "valid": true }));
}

#[test]
fn a_monitor_comes_back_with_what_the_server_adds() {
    let org = StandIn::start();
    let made = org.post("/api/v1/monitor", &monitor("  n "));
    for field in [
        "id",
        "org_id",
        "created",
        "created_at",
        "modified",
        "deleted",
        "creator",
        "multi",
        "overall_state",
        "restricted_roles",
        "restriction_policy",
        "draft_status",
        "assets",
        "priority",
        "tags",
    ] {
        assert!(made.get(field).is_some(), "no {field}");
    }
    assert_eq!(made["name"], "n");
    assert_eq!(
        made["options"],
        json!({ "silenced": {}, "notify_audit": false, "include_tags": true, "notify_no_data": false,
                "new_host_delay": 300 })
    );
}

#[test]
fn refusals_have_the_usual_words() {
    let org = StandIn::start();
    let with = |options: Value| {
        let mut payload = monitor("n");
        payload["options"] = options;
        org.call("POST", "/api/v1/monitor/validate", Some(&payload))
    };
    let thresholds = |thresholds: Value| with(json!({ "thresholds": thresholds }));
    refused(
        thresholds(json!({ "critical": 7 })),
        400,
        "Alert threshold (7) does not match that used in the query (5).",
    );
    refused(
        thresholds(json!({ "critical": 5, "warning": 50 })),
        400,
        "Warning threshold (50.0) must be less than the alert threshold (5.0) with > comparison.",
    );
    refused(
        thresholds(json!({ "critical": 5, "critical_recovery": 6 })),
        400,
        "alert and alert recovery criteria are such that the monitor can be simultaneously in alert and alert recovery states",
    );
    let slo = json!({ "name": "s", "type": "monitor", "monitor_ids": [], "thresholds": [{ "timeframe": "7d", "target": 99 }] });
    refused(
        org.call("POST", "/api/v1/slo", Some(&slo)),
        400,
        "Invalid payload: must specify monitor_ids",
    );
    refused(
        org.call("GET", "/api/v1/monitor/1", None),
        404,
        "Monitor not found",
    );
    let id = org.post("/api/v1/monitor", &monitor("n"))["id"].clone();
    let twin = org.call("POST", "/api/v1/monitor", Some(&monitor("n")));
    refused(
        twin,
        400,
        &format!("Duplicate of an existing monitor_id:{id} org_id:321813"),
    );
}

#[test]
fn an_update_merges_fields_and_replaces_options() {
    let org = StandIn::start();
    let mut payload = monitor("n");
    payload["options"] =
        json!({ "renotify_interval": 10, "timeout_h": 1, "silenced": { "*": null } });
    payload["priority"] = json!(2);
    let id = org.post("/api/v1/monitor", &payload)["id"].clone();
    let path = format!("/api/v1/monitor/{id}");
    let kept = org.put(&path, &json!({ "message": "new" }));
    assert_eq!(
        (&kept["priority"], &kept["options"]["timeout_h"]),
        (&json!(2), &json!(1))
    );
    let replaced = org.put(&path, &json!({ "options": { "timeout_h": 3 } }));
    assert_eq!(replaced["options"]["timeout_h"], 3);
    assert_eq!(replaced["options"].get("renotify_interval"), None);
    assert_eq!(replaced["options"]["silenced"], json!({}));
    assert_eq!(
        org.put(&path, &json!({ "priority": 0 }))["priority"],
        Value::Null
    );
}

#[test]
fn deletes_that_break_others_are_conflicts() {
    let org = StandIn::start();
    let (a, b) = (
        org.post("/api/v1/monitor", &monitor("a")),
        org.post("/api/v1/monitor", &monitor("b")),
    );
    let (a, b) = (a["id"].clone(), b["id"].clone());
    let slo = json!({ "name": "s", "type": "monitor", "monitor_ids": [a], "thresholds": [{ "timeframe": "7d", "target": 99 }] });
    let slo = org.post("/api/v1/slo", &slo)["data"][0]["id"].clone();
    let slo = slo.as_str().expect("an id");
    let both =
        json!({ "name": "c", "type": "composite", "query": format!("{a} && {b}"), "message": "" });
    org.post("/api/v1/monitor", &both);
    let text = format!("monitor [{a},a] is referenced in slos: [{slo},s]");
    refused(
        org.call("DELETE", &format!("/api/v1/monitor/{a}"), None),
        401,
        &text,
    );
    let (status, body) = org.call("DELETE", &format!("/api/v1/monitor/{b}"), None);
    assert_eq!(status, 400);
    assert!(body["errors"][0].as_str().is_some_and(|text| {
        text.starts_with("Monitor is part of the following composite monitors")
    }));
    let (status, body) = org.call(
        "GET",
        &format!("/api/v1/monitor/can_delete?monitor_ids={a},{b}"),
        None,
    );
    assert_eq!(
        (status, body["errors"][a.to_string()][0].as_str()),
        (409, Some(text.as_str()))
    );
    let burn =
        format!("burn_rate(\"{slo}\").over(\"7d\").long_window(\"1h\").short_window(\"5m\") > 2");
    org.post(
        "/api/v1/monitor",
        &json!({ "name": "d", "type": "slo alert", "query": burn, "message": "" }),
    );
    assert_eq!(
        org.call("DELETE", &format!("/api/v1/slo/{slo}"), None).0,
        409
    );
    assert_eq!(
        org.call("DELETE", &format!("/api/v1/slo/{slo}?force=true"), None)
            .0,
        200
    );
    assert_eq!(
        org.call("DELETE", &format!("/api/v1/monitor/{a}?force=true"), None)
            .1,
        json!({ "deleted_monitor_id": a })
    );
}

#[test]
fn lists_have_pages_and_filters() {
    let org = StandIn::start();
    for n in 0..25 {
        let mut payload = monitor(&format!("m{n}"));
        payload["tags"] = json!([format!("half:{}", n % 2), "all:yes"]);
        org.post("/api/v1/monitor", &payload);
    }
    let length = |path: &str| org.get(path).as_array().map_or(0, Vec::len);
    assert_eq!(length("/api/v1/monitor"), 25);
    assert_eq!(length("/api/v1/monitor?page=2&page_size=10"), 5);
    assert_eq!(length("/api/v1/monitor?page=3&page_size=10"), 0);
    assert_eq!(length("/api/v1/monitor?monitor_tags=half:1,all:yes"), 12);
    let found = org.get("/api/v1/monitor/search?query=tag:%22half:0%22&per_page=5");
    assert_eq!(
        (
            &found["metadata"]["total_count"],
            &found["metadata"]["page_count"]
        ),
        (&json!(13), &json!(3))
    );
}

#[test]
fn slos_answer_in_their_two_forms() {
    let org = StandIn::start();
    let payload = json!({ "name": "s", "type": "time_slice", "tags": ["b:b", "a:a"], "monitor_ids": [],
        "sli_specification": { "time_slice": { "query": { "formulas": [], "queries": [] }, "comparator": "<", "threshold": 1 } },
        "thresholds": [{ "timeframe": "7d", "target": 99.9, "warning": 99.95 }] });
    let made = org.post("/api/v1/slo", &payload)["data"][0].clone();
    let id = made["id"].as_str().expect("an id");
    assert_eq!(made["thresholds"][0]["target_display"], "99.9");
    assert_eq!(
        made["sli_specification"]["time_slice"]["query_interval_seconds"],
        300
    );
    assert_eq!(made.get("monitor_ids"), None);
    assert!(made["type_id"] == 2 && made["timeframe"] == "7d" && made["creator"].is_object());
    assert_eq!(org.get(&format!("/api/v1/slo/{id}"))["data"], made);
    assert!(org.put(&format!("/api/v1/slo/{id}"), &payload)["data"].is_array());
}

#[test]
fn dashboards_get_ids_for_widgets_and_sorted_lists() {
    let org = StandIn::start();
    let payload = json!({ "title": "t", "layout_type": "ordered", "notify_list": ["b", "a"],
        "widgets": [{ "definition": { "type": "note", "content": "x" } }], "tabs": [{ "name": "T", "widget_ids": ["@1"] }] });
    let made = org.post("/api/v1/dashboard", &payload);
    assert_eq!(made["notify_list"], json!(["a", "b"]));
    assert_eq!(made["tabs"][0]["widget_ids"][0], made["widgets"][0]["id"]);
    assert!(
        made["widgets"][0]["id"].is_u64()
            && made["url"].is_string()
            && made["author_handle"].is_string()
    );
    assert!(
        org.get("/api/v1/dashboard")["dashboards"][0]
            .get("widgets")
            .is_none()
    );
    let mut tagged = payload.clone();
    tagged["tags"] = json!(["env:prod"]);
    assert_eq!(org.call("POST", "/api/v1/dashboard", Some(&tagged)).0, 400);
}

#[test]
fn a_downtime_can_be_cancelled_twice() {
    let org = StandIn::start();
    let payload = json!({ "data": { "type": "downtime", "attributes": { "scope": "env:prod", "monitor_identifier": { "monitor_tags": ["*"] } } } });
    let id = org.post("/api/v2/downtime", &payload)["data"]["id"].clone();
    let path = format!("/api/v2/downtime/{}", id.as_str().expect("an id"));
    assert_eq!(org.call("DELETE", &path, None).0, 204);
    assert_eq!(org.call("DELETE", &path, None).0, 204);
    assert_eq!(org.get(&path)["data"]["attributes"]["status"], "canceled");
}

#[test]
fn a_limit_that_is_used_up_says_when_to_come_back() {
    let org = StandIn::start();
    org.put(
        "/_control/limits",
        &json!({ "monitor_list": { "requests": 2, "period_s": 3600 } }),
    );
    let statuses: Vec<u16> = (0..3)
        .map(|_| org.call("GET", "/api/v1/monitor", None).0)
        .collect();
    assert_eq!(statuses, [200, 200, 429]);
}

#[test]
fn what_the_api_refuses_is_refused() {
    let org = StandIn::start();
    let with = |kind: &str, query: &str, options: Value| {
        let payload =
            json!({ "name": "n", "type": kind, "query": query, "message": "", "options": options });
        org.call("POST", "/api/v1/monitor/validate", Some(&payload))
            .0
    };
    let metric = "avg(last_5m):avg:a{*} > 5";
    let check = "\"http.up\".over(\"*\").by(\"host\").last(3).count_by_status()";
    let events = "events(\"a\").rollup(\"count\").last(\"5m\") > 5";
    for (kind, query, options) in [
        ("query alert", metric, json!({ "new_host_delay": "300" })),
        ("query alert", metric, json!({ "notify_audit": "no" })),
        (
            "query alert",
            metric,
            json!({ "thresholds": { "warning": 3 } }),
        ),
        ("query alert", "avg(last_5m):avg:a{*}\n> 5", json!({})),
        (
            "service check",
            check,
            json!({ "thresholds": { "critical": 4 } }),
        ),
        (
            "event-v2 alert",
            events,
            json!({ "thresholds": { "critical": 5, "critical_recovery": 4 } }),
        ),
        ("log alert", "query", json!({})),
    ] {
        assert_eq!(
            with(kind, query, options.clone()),
            400,
            "{kind} {query} {options}"
        );
    }
    for (kind, query) in [
        ("query alert", metric),
        ("service check", check),
        ("event-v2 alert", events),
    ] {
        assert_eq!(with(kind, query, json!({})), 200, "{kind}");
    }
    let widgets = |kind: &str| json!({ "title": "", "layout_type": "free", "widgets": [{ "definition": { "type": kind } }] });
    assert_eq!(
        org.call("POST", "/api/v1/dashboard", Some(&widgets("holograph")))
            .0,
        400
    );
    assert_eq!(
        org.call("POST", "/api/v1/dashboard", Some(&widgets("note")))
            .0,
        200
    );
}

#[test]
fn a_downtime_of_the_first_version_mutes_its_monitor() {
    let org = StandIn::start();
    let id = org.post("/api/v1/monitor", &monitor("n"))["id"].clone();
    let downtime =
        json!({ "monitor_id": id, "scope": ["*"], "end": 4_000_000_000_u64, "message": "m" });
    let made = org.post("/api/v1/downtime", &downtime);
    assert_eq!(made["active"], true);
    let path = format!("/api/v1/monitor/{id}?with_downtimes=true");
    let muted = org.get(&path);
    assert_eq!(
        muted["options"]["silenced"],
        json!({ "*": 4_000_000_000_u64 })
    );
    assert_eq!(muted["matching_downtimes"][0]["id"], made["id"]);
    let cancelled = org.post("/api/v1/downtime/cancel/by_scope", &json!({ "scope": "*" }));
    assert_eq!(cancelled, json!({ "cancelled_ids": [made["id"]] }));
    assert_eq!(org.get(&path)["options"]["silenced"], json!({}));
    let invalid = json!({ "scope": ["*"], "recurrence": { "type": "hours", "period": 1 } });
    refused(
        org.call("POST", "/api/v1/downtime", Some(&invalid)),
        400,
        "Invalid recurrence type",
    );
}

#[test]
fn a_downtime_of_the_second_version_says_when_and_who() {
    let org = StandIn::start();
    let with = |schedule: Value| {
        let attributes = json!({ "scope": "env:prod", "monitor_identifier": { "monitor_tags": ["*"] }, "schedule": schedule });
        let payload = json!({ "data": { "type": "downtime", "attributes": attributes } });
        org.call("POST", "/api/v2/downtime", Some(&payload))
    };
    let (_, made) = with(json!({ "start": null }));
    let schedule = &made["data"]["attributes"]["schedule"];
    assert!(
        schedule["start"].is_string() && schedule["end"].is_null(),
        "{made:#}"
    );
    assert_eq!(
        made["data"]["relationships"]["monitor"]["data"],
        Value::Null
    );
    assert!(made["data"]["relationships"]["created_by"]["data"]["id"].is_string());
    for bad in [
        json!({ "start": "tomorrow" }),
        json!({ "start": "2026-01-02T00:00:00+00:00", "end": "2026-01-01T00:00:00+00:00" }),
        json!({ "recurrences": [] }),
        json!({ "recurrences": [{ "rrule": "daily", "duration": "1h" }] }),
    ] {
        assert_eq!(with(bad.clone()).0, 400, "{bad}");
    }
}

#[test]
fn corrections_belong_to_an_slo() {
    let org = StandIn::start();
    let slo = json!({ "name": "s", "type": "metric", "thresholds": [{ "timeframe": "7d", "target": 99 }],
        "query": { "numerator": "sum:a{*}.as_count()", "denominator": "sum:b{*}.as_count()" } });
    let slo = org.post("/api/v1/slo", &slo)["data"][0]["id"].clone();
    let slo = slo.as_str().expect("an id");
    let attributes = json!({ "slo_id": slo, "start": 10, "end": 20, "category": "Other" });
    let body = json!({ "data": { "type": "correction", "attributes": attributes } });
    let made = org.post("/api/v1/slo/correction", &body)["data"].clone();
    let path = format!(
        "/api/v1/slo/correction/{}",
        made["id"].as_str().expect("an id")
    );
    assert_eq!(
        org.get(&format!("/api/v1/slo/{slo}/corrections"))["data"][0]["id"],
        made["id"]
    );
    let change =
        json!({ "data": { "type": "correction", "attributes": { "category": "Deployment" } } });
    let (status, changed) = org.call("PATCH", &path, Some(&change));
    assert_eq!(
        (status, &changed["data"]["attributes"]["category"]),
        (200, &json!("Deployment"))
    );
    assert_eq!(org.call("DELETE", &path, None).0, 204);
    assert_eq!(org.call("GET", &path, None).0, 404);
    let history = org.get(&format!("/api/v1/slo/{slo}/history?from_ts=0&to_ts=10"));
    assert_eq!(history["data"]["slo"]["id"], slo);
}

#[test]
fn dashboards_are_listed_and_restored() {
    let org = StandIn::start();
    let board = json!({ "title": "T_a b", "layout_type": "ordered", "widgets": [] });
    let board = org.post("/api/v1/dashboard", &board);
    assert_eq!(
        (&board["notify_list"], &board["template_variables"]),
        (&Value::Null, &Value::Null)
    );
    let id = board["id"].as_str().expect("an id");
    assert_eq!(board["url"], format!("/dashboard/{id}/ta-b"));
    let list = org.post("/api/v1/dashboard/lists/manual", &json!({ "name": "L" }))["id"].clone();
    let items = format!("/api/v2/dashboard/lists/manual/{list}/dashboards");
    let item = json!({ "dashboards": [{ "id": id, "type": "custom_timeboard" }] });
    org.post(&items, &item);
    assert_eq!(org.get(&items)["dashboards"][0]["title"], "T_a b");
    let data = json!({ "data": [{ "id": id, "type": "dashboard" }] });
    assert_eq!(org.call("DELETE", "/api/v1/dashboard", Some(&data)).0, 204);
    assert_eq!(org.get(&items)["total"], 0);
    assert_eq!(
        org.get("/api/v1/dashboard?filter%5Bdeleted%5D=true")["dashboards"][0]["id"],
        id
    );
    assert_eq!(org.call("PATCH", "/api/v1/dashboard", Some(&data)).0, 204);
    assert_eq!(org.get(&format!("/api/v1/dashboard/{id}")), board);
}

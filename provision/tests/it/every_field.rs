//! An org whose objects use every field of the API's published description, taken over: not one byte that definitions
//! do not mention is lost.

use serde_json::{Map, Value, json};

use crate::adoption::{by_id, org_with};
use crate::harness::Project;

/// Objects in the org.
const COUNT: usize = 60;

/// Every kind of monitor with a query of its own.
fn kinds() -> Vec<(&'static str, &'static str)> {
    vec![
        (
            "query alert",
            "avg(last_5m):avg:system.cpu.user{env:prod} by {host} > 5",
        ),
        (
            "query alert",
            "avg(last_4h):anomalies(avg:system.load.1{*}, 'basic', 2) >= 5",
        ),
        (
            "query alert",
            "pct_change(avg(last_5m),last_1h):avg:system.load.5{*} > 5",
        ),
        ("metric alert", "formula(\"a + b\").last(\"5m\") > 5"),
        (
            "service check",
            "\"http.up\".over(\"env:prod\").by(\"host\").last(6).count_by_status()",
        ),
        (
            "log alert",
            "logs(\"status:error\").index(\"*\").rollup(\"count\").by(\"service\").last(\"5m\") > 5",
        ),
        ("rum alert", "rum(\"*\").rollup(\"count\").last(\"5m\") > 5"),
        (
            "event-v2 alert",
            "events(\"source:x\").rollup(\"count\").last(\"5m\") > 5",
        ),
        (
            "trace-analytics alert",
            "trace-analytics(\"env:prod\").rollup(\"count\").last(\"5m\") > 5",
        ),
        (
            "audit alert",
            "audits(\"@a:b\").rollup(\"count\").last(\"5m\") > 5",
        ),
        (
            "ci-pipelines alert",
            "ci-pipelines(\"ci_level:pipeline\").rollup(\"count\").last(\"5m\") > 5",
        ),
        (
            "ci-tests alert",
            "ci-tests(\"type:test\").rollup(\"count\").last(\"5m\") > 5",
        ),
        (
            "error-tracking alert",
            "error-tracking(\"service:x\").rollup(\"count\").by(\"@issue.id\").last(\"5m\") > 5",
        ),
        (
            "database-monitoring alert",
            "database-monitoring(\"*\").rollup(\"count\").last(\"5m\") > 5",
        ),
        (
            "llm-observability alert",
            "llm-observability(\"*\").rollup(\"count\").last(\"2h\") > 5",
        ),
        (
            "cost alert",
            "formula(\"a\").last(\"7d\").anomaly(direction=\"above\", threshold=10) >= 5",
        ),
        ("data-quality alert", "formula(\"a\").last(\"5m\") > 5"),
        (
            "data-jobs alert",
            "formula(\"failed_runs(a)\").by(job_name,workspace_name).last(10d) > 5",
        ),
    ]
}

/// Every option, as the server would show it. Which of them make sense together is not asked here.
fn options(n: usize) -> Value {
    json!({
        "thresholds": { "critical": 5.0, "critical_query": format!("avg:x{n}{{*}}"), "critical_recovery_query": "avg:y{*}" },
        "aggregation": { "group_by": "host", "metric": "synthetics.test_runs", "type": "count" },
        "device_ids": ["chrome.laptop_large"], "enable_logs_sample": true, "enable_samples": true,
        "escalation_message": "still\r\nbroken ", "evaluation_delay": 900, "group_retention_duration": "2h",
        "groupby_simple_monitor": false, "include_tags": n.is_multiple_of(2), "locked": false, "min_failure_duration": 60,
        "min_location_failed": 1, "new_group_delay": 60, "new_host_delay": 300, "no_data_timeframe": 10 + n,
        "notification_preset_name": "hide_query", "notify_audit": true, "notify_by": ["service", "host"],
        "notify_no_data": false, "on_missing_data": "show_no_data", "renotify_interval": 60, "renotify_occurrences": 3,
        "renotify_statuses": ["warn", "alert"], "require_full_window": false,
        "scheduling_options": { "evaluation_window": { "day_starts": "04:00", "month_starts": 1, "hour_starts": null },
            "custom_schedule": { "recurrences": [{ "rrule": "FREQ=DAILY;INTERVAL=1", "start": "2024-10-26T09:13:00", "timezone": "UTC" }] } },
        "silenced": { "host:a": 1_999_999_999, "*": null }, "synthetics_check_id": "abc-def-ghi",
        "threshold_windows": { "trigger_window": "last_15m", "recovery_window": "last_15m" }, "timeout_h": 4,
        "variables": [{ "data_source": "metrics", "name": "a", "query": "avg:x{*}", "aggregator": null },
                      { "data_source": "rum", "name": "b", "indexes": ["*"], "compute": { "aggregation": "count", "interval": 60000.0 },
                        "search": { "query": "" }, "group_by": [] }],
        "avalanche_window": 20, "brand_new_option": { "deep": [1, 2.0, null] },
    })
}

fn every_other(n: usize, even: Value, odd: Value) -> Value {
    if n.is_multiple_of(2) { even } else { odd }
}

fn monitor(n: usize) -> Value {
    let kinds = kinds();
    let (kind, query) = kinds[n % kinds.len()];
    let mut options = options(n);
    if kind == "event-v2 alert" {
        options["thresholds"] = json!({ "critical": 5.0 });
    }
    if kind == "service check" {
        options["thresholds"] =
            json!({ "critical": 3.0, "warning": 2.0, "ok": 1.0, "unknown": 4.0 });
    }
    json!({
        "id": 1000 + n, "org_id": 321_813, "name": format!("Monitor {n}"), "type": kind, "query": query,
        "message": format!("one\r\n\r\ntwo {n} ${{not a variable}} @x"), "tags": ["z:z", "team:core", "a:a", "team:core"],
        "priority": every_other(n, json!(null), json!(3)), "options": options,
        "restricted_roles": [format!("11111111-2222-3333-4444-{n:012}")], "draft_status": "draft", "restriction_policy": null,
        "assets": [{ "monitor_id": 1000 + n, "name": "Runbook", "category": "runbook", "url": "/notebooks/1", "template_variables": {},
                     "options": {}, "resource_key": "1", "resource_type": "notebook" }],
        "created": "2026-01-01T00:00:00+00:00", "created_at": 1_767_225_600_000_u64, "modified": "2026-01-01T00:00:00+00:00",
        "deleted": null, "multi": true, "overall_state": "OK", "overall_state_modified": null, "creator": { "name": null },
        "matching_downtimes": [],
    })
}

fn slo(n: usize) -> Value {
    let type_id = [0, 1, 1, 2][n % 4];
    let mut slo = json!({
        "id": format!("{n:032x}"), "name": format!("Objective {n}"), "description": every_other(n, json!("said\r\nso "), json!(null)),
        "tags": ["z:z", "a:a"], "monitor_tags": [], "type_id": type_id, "created_at": 1, "modified_at": 1, "creator": { "name": null },
        "thresholds": [{ "timeframe": "90d", "target": 99.0, "target_display": "99." },
                       { "timeframe": "7d", "target": 99.5, "target_display": "99.5", "warning": 99.9, "warning_display": "99.9" }],
        "timeframe": "7d", "target_threshold": 99.5, "warning_threshold": 99.9,
    });
    let queries = json!([{ "data_source": "metrics", "name": "q", "query": "sum:x{*}.as_count()" },
                         { "data_source": "metrics", "name": "r", "query": "sum:y{*}.as_count()" }]);
    let (kind, fields) = match n % 4 {
        0 => ("monitor", json!({ "monitor_ids": [1003, 1000] })),
        1 => (
            "metric",
            json!({ "query": { "numerator": "sum:x{*}.as_count()", "denominator": "sum:y{*}.as_count()" },
                                "groups": ["env:b", "env:a"] }),
        ),
        2 => (
            "metric",
            json!({
            "sli_specification": { "count": { "good_events_formula": { "formula": "q - r" }, "total_events_formula": { "formula": "q" }, "queries": queries } },
            "query": { "numerator": "sum:x{*}.as_count() - sum:y{*}.as_count()", "denominator": "sum:x{*}.as_count()" } }),
        ),
        _ => (
            "time_slice",
            json!({ "sli_specification": { "time_slice": {
            "query": { "formulas": [{ "formula": "q" }], "queries": [queries[0]] }, "comparator": "<", "threshold": 2.0,
            "query_interval_seconds": 60, "no_data_strategy": "COUNT_AS_UPTIME" } } }),
        ),
    };
    slo["type"] = json!(kind);
    let own = slo.as_object_mut().expect("a map");
    own.extend(fields.as_object().cloned().expect("a map"));
    slo
}

fn dashboard(n: usize) -> Value {
    let restricted = n.is_multiple_of(2);
    json!({
        "id": format!("aaa-bbb-{n:03}"), "title": format!("Board {n} "), "description": every_other(n, json!("what\r\nfor "), json!(null)),
        "layout_type": every_other(n, json!("ordered"), json!("free")), "reflow_type": "fixed", "is_read_only": !restricted,
        "restricted_roles": if restricted { json!(["11111111-2222-3333-4444-555555555555"]) } else { json!([]) },
        "notify_list": ["a@example.com", "z@example.com"], "tags": ["team:z", "team:a"],
        "template_variables": [{ "name": "env", "prefix": "env", "available_values": [], "default": null, "defaults": ["prod"], "type": null }],
        "template_variable_presets": [{ "name": "p", "template_variables": [{ "name": "env", "value": null, "values": ["prod"] }] }],
        "default_timeframe": { "type": "live", "unit": "hour", "value": 4 },
        "tabs": [{ "id": "00000000-0000-4000-8000-000000000001", "name": "T", "widget_ids": [11, 13] }],
        "widgets": [
            { "id": 11, "layout": { "x": 0.0, "y": 0, "width": 4.5, "height": 2 },
              "definition": { "type": "note", "content": "a\r\nb ${x}", "has_padding": null, "show_tick": false, "tick_pos": "50%" } },
            { "id": 12, "definition": { "type": "group", "layout_type": "ordered", "title": "G", "show_title": true, "widgets": [
                { "id": 121, "definition": { "type": "alert_graph", "alert_id": "1000", "viz_type": "timeseries", "time": {} } },
                { "id": 122, "definition": { "type": "slo", "slo_id": format!("{:032x}", 1), "view_type": "detail", "time_windows": ["7d"] } } ] } },
            { "id": 13, "definition": { "type": "timeseries", "custom_links": [], "yaxis": { "min": "0", "include_zero": true },
                "requests": [{ "formulas": [{ "formula": "q", "limit": { "count": 10, "order": "desc" } }], "response_format": "timeseries",
                    "queries": [{ "data_source": "metrics", "name": "q", "query": "avg:system.cpu.user{$env}", "aggregator": "avg" }] }] } },
        ],
        "url": format!("/dashboard/aaa-bbb-{n:03}/board"), "created_at": "2026-01-01T00:00:00+00:00",
        "modified_at": "2026-01-01T00:00:00+00:00", "author_handle": "a@example.com", "author_name": null,
    })
}

/// Without the mark, and without what the server stamps at every write.
fn unmarked(kind: &str, value: &Value) -> Value {
    let mut fields: Map<String, Value> = value.as_object().cloned().expect("a map");
    for stamp in [
        "modified",
        "modified_at",
        "overall_state_modified",
        "url",
        "author_handle",
        "author_name",
        "multi",
    ] {
        fields.shift_remove(stamp);
    }
    if let Some(Value::Array(tags)) = fields.get_mut("tags") {
        tags.retain(|tag| {
            tag.as_str()
                .is_none_or(|tag| tag != "managed-by:monitors" && !tag.starts_with("key:"))
        });
        if kind == "slo" {
            // Their order is the server's.
            tags.sort_by_key(Value::to_string);
        }
    }
    if kind == "dashboard" {
        let text = fields["description"].as_str().unwrap_or_default();
        let above = text.split("managed-by:monitors").next().unwrap_or_default();
        fields.insert("description".into(), json!(above.trim_end_matches('\n')));
    }
    if kind == "slo" && fields["description"].is_null() {
        fields.insert("description".into(), json!(""));
    }
    Value::Object(fields)
}

#[test]
fn taking_over_an_org_that_uses_every_field_loses_nothing() {
    let mut objects = Vec::new();
    objects.extend((0..36).map(|n| ("monitors", monitor(n))));
    objects.extend((0..16).map(|n| ("slos", slo(n))));
    objects.extend((0..8).map(|n| ("dashboards", dashboard(n))));
    assert_eq!(objects.len(), COUNT);
    let org = org_with(&objects);
    org.lift_limits();
    let before = by_id(&org);
    let project = crate::import::imported(&org);
    let plan = project.plan(&org);
    assert_eq!(plan["summary"]["adopt"], COUNT, "{:#}", plan["summary"]);
    project.apply(&org);
    let after = by_id(&org);
    let mut lost = String::new();
    for ((kind, id), was) in &before {
        let (was, is) = (
            unmarked(kind, was),
            unmarked(kind, &after[&(kind.clone(), id.clone())]),
        );
        if was != is {
            lost.push_str(&format!("{kind} {id}:\n{was}\n{is}\n"));
        }
    }
    assert!(lost.is_empty(), "{lost}");
    project
        .run(&org.url, &["plan", "--detailed-exitcode"])
        .exits(0);
    // A later change of one field changes that field alone.
    change_a_message(&project);
    let plan = project.plan(&org);
    let changes = &plan["plan"]["operations"][0]["changes"];
    assert_eq!(changes.as_array().map(Vec::len), Some(1), "{plan:#}");
    project.apply(&org);
    let changed = by_id(&org);
    let differing = changed.iter().filter(|(id, is)| {
        let kind = &id.0;
        unmarked(kind, is) != unmarked(kind, &after[*id])
    });
    assert_eq!(differing.count(), 1);
}

fn change_a_message(project: &Project) {
    let path = project.path().join("monitors/imported.yaml");
    let text = std::fs::read_to_string(&path).expect("the file");
    let changed = text.replacen("two 0 ", "three 0 ", 1);
    assert_ne!(text, changed);
    std::fs::write(&path, changed).expect("written");
}

//! An org that other tools and people filled: every kind of object, written as carelessly as in life.

use serde_json::{Value, json};

use crate::harness::StandIn;

/// What was created, by a short name.
pub(crate) struct Foreign {
    pub(crate) org: StandIn,
    pub(crate) count: usize,
}

pub(crate) fn fill() -> Foreign {
    let org = StandIn::start();
    org.lift_limits();
    let mut count = 0;
    let mut monitor = |payload: Value| {
        count += 1;
        org.post("/api/v1/monitor", &payload)["id"].clone()
    };
    let cpu = monitor(cpu());
    let memory = monitor(json!({
        "name": "Memory", "type": "metric alert", "priority": 0, "tags": ["team:core", "a:b", "a:a"],
        "query": "avg(last_5m):avg:system.mem.used{*} by {host} > 5", "message": "",
        "options": { "thresholds": { "critical": 5, "warning": null }, "on_missing_data": "default" },
    }));
    let both = format!("{cpu} && !{memory}");
    let composite = monitor(json!({
        "name": "CPU without memory", "type": "composite", "query": both, "message": "${not a variable} @slack-x",
        "options": {},
    }));
    assert!(composite.is_number());
    for payload in other_monitors() {
        monitor(payload);
    }
    for n in 0..16 {
        monitor(json!({
            "name": format!("Disk {n}"), "type": "query alert", "tags": [format!("team:t{}", n % 3)],
            "query": format!("avg(last_{}m):avg:system.disk.in_use{{host:h{n}}} by {{device}} > 0.9", 5 + n),
            "message": format!("Disk of h{n} fills\r\n\r\nSee wiki."), "priority": n % 6,
            "options": { "thresholds": { "critical": 0.9 }, "renotify_interval": n * 10, "timeout_h": n },
        }));
    }
    let mut slos = Vec::new();
    for payload in slos_on(&cpu, &memory) {
        count += 1;
        slos.push(org.post("/api/v1/slo", &payload)["data"][0]["id"].clone());
    }
    let query = format!(
        "burn_rate(\"{}\").over(\"7d\").long_window(\"1h\").short_window(\"5m\") > 14.4",
        text(&slos[0])
    );
    let budget = format!("error_budget(\"{}\").over(\"30d\") > 75", text(&slos[1]));
    for (name, query, critical) in [("Fast burn", query, 14.4), ("Budget", budget, 75.0)] {
        count += 1;
        let options = json!({ "thresholds": { "critical": critical } });
        org.post(
            "/api/v1/monitor",
            &json!({ "name": name, "type": "slo alert", "query": query, "message": "m", "options": options }),
        );
    }
    for payload in boards(&cpu, &slos) {
        count += 1;
        org.post("/api/v1/dashboard", &payload);
    }
    Foreign { org, count }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The one with everything.
fn cpu() -> Value {
    json!({
        "name": "  CPU of {{host.name}} ", "type": "query alert", "priority": 3,
        "query": " avg(last_5m):avg:system.cpu.user{env:prod} by {host}   >  90 ",
        "message": "\n{{#is_alert}}busy{{/is_alert}}\n{{#is_recovery}}fine{{/is_recovery}}\n\n@team-x \"quoted\" # no comment\n",
        "tags": ["team:core", "env:prod", "service:web"],
        "options": {
            "thresholds": { "critical": 90, "warning": 80, "critical_recovery": 85, "warning_recovery": 75 },
            "require_full_window": false, "renotify_interval": 60, "renotify_occurrences": 3,
            "renotify_statuses": ["alert", "warn"], "escalation_message": "still busy", "timeout_h": 4,
            "notify_audit": false, "notify_no_data": true, "no_data_timeframe": 20, "evaluation_delay": 60,
            "new_group_delay": 120, "notify_by": ["host"], "notification_preset_name": "hide_query",
            "include_tags": true, "locked": false,
        },
        "restricted_roles": null,
    })
}

fn other_monitors() -> Vec<Value> {
    let log = |kind: &str, source: &str| {
        json!({
            "name": format!("{source} errors"), "type": kind, "message": "look at {{service.name}}", "priority": null,
            "query": format!("{source}(\"status:error service:(web OR api)\").index(\"*\").rollup(\"count\").by(\"service\").last(\"10m\") > 25"),
            "options": { "thresholds": { "critical": 25.0, "warning": 10 }, "enable_logs_sample": kind == "log alert",
                         "on_missing_data": "resolve" },
        })
    };
    let without_index = |kind: &str, source: &str| {
        let mut payload = log(kind, source);
        payload["query"] = json!(text(&payload["query"]).replace(".index(\"*\")", ""));
        payload
    };
    vec![
        json!({
            "name": "Check", "type": "service check", "message": "down",
            "query": "\"http.can_connect\".over(\"env:prod\").by(\"host\",\"url\").last(4).count_by_status()",
            "options": { "thresholds": { "ok": 1, "warning": 2, "critical": 3 }, "no_data_timeframe": 10, "notify_no_data": true },
        }),
        log("log alert", "logs"),
        without_index("rum alert", "rum"),
        without_index("event-v2 alert", "events"),
        without_index("trace-analytics alert", "trace-analytics"),
        json!({
            "name": "Strange traffic", "type": "query alert", "message": "strange {{#is_recovery}}normal{{/is_recovery}}",
            "query": "avg(last_4h):anomalies(avg:system.net.bytes_rcvd{*}, 'agile', 2, direction='both', interval=60, alert_window='last_15m', count_default_zero='true') >= 1",
            "options": { "thresholds": { "critical": 1, "critical_recovery": 0 },
                         "threshold_windows": { "trigger_window": "last_15m", "recovery_window": "last_15m" } },
        }),
        json!({
            "name": "One host unlike the others", "type": "query alert", "message": "odd",
            "query": "avg(last_30m):outliers(avg:system.load.1{*} by {host}, 'dbscan', 3) > 0",
            "options": { "thresholds": { "critical": 0 } },
        }),
        json!({
            "name": "Disk full soon", "type": "query alert", "message": "soon",
            "query": "max(next_1w):forecast(avg:system.disk.in_use{*} by {host}, 'linear', 1, interval='60m', history='1w', model='default') >= 0.8",
            "options": { "thresholds": { "critical": 0.8, "critical_recovery": 0.7 } },
        }),
        json!({
            "name": "Traffic halves", "type": "query alert", "message": "less",
            "query": "pct_change(sum(last_1h),last_1d):sum:trace.http.request.hits{*}.as_count() < -50",
            "options": { "thresholds": { "critical": -50, "warning": -30 } },
        }),
    ]
}

fn slos_on(cpu: &Value, memory: &Value) -> Vec<Value> {
    let metric = |n: usize| {
        json!({
            "name": format!(" Requests {n}"), "type": "metric", "description": if n == 0 { json!("good\nones") } else { Value::Null },
            "query": { "numerator": format!("sum:good{{n:{n}}}.as_count()"), "denominator": format!("sum:all{{n:{n}}}.as_count()") },
            "thresholds": [{ "timeframe": "30d", "target": 99, "warning": 99.5 }, { "timeframe": "7d", "target": 99.9 }],
            "tags": ["team:core", "env:prod", "b:c"], "monitor_ids": [],
        })
    };
    let slice = |n: usize| {
        json!({
            "name": format!("Latency {n}"), "type": "time_slice", "tags": [],
            "sli_specification": { "time_slice": {
                "query": { "formulas": [{ "formula": "q" }],
                           "queries": [{ "data_source": "metrics", "name": "q", "query": format!("p95:latency{{n:{n}}}") }] },
                "comparator": "<", "threshold": 2, "query_interval_seconds": if n == 0 { 300 } else { 60 },
            }},
            "thresholds": [{ "timeframe": "7d", "target": 95.5 }],
        })
    };
    vec![
        metric(0),
        metric(1),
        metric(2),
        json!({ "name": "Up", "type": "monitor", "monitor_ids": [memory, cpu], "thresholds": [{ "timeframe": "90d", "target": 99.95 }] }),
        json!({ "name": "Up too", "type": "monitor", "monitor_ids": [cpu], "groups": ["host:b", "host:a"], "thresholds": [{ "timeframe": "7d", "target": 90 }] }),
        slice(0),
        slice(1),
    ]
}

fn boards(cpu: &Value, slos: &[Value]) -> Vec<Value> {
    let cpu = cpu.to_string();
    let first = json!({
        "title": "Web ", "description": "All of it", "layout_type": "ordered", "reflow_type": "fixed",
        "tags": ["team:core"], "notify_list": ["z@example.com", "a@example.com"],
        "template_variables": [{ "name": "env", "prefix": "env", "available_values": [], "default": "prod" },
                               { "name": "host", "prefix": "host", "defaults": ["*"] }],
        "template_variable_presets": [{ "name": "p", "template_variables": [{ "name": "env", "values": ["prod"] }] }],
        "widgets": [
            { "definition": { "type": "group", "layout_type": "ordered", "title": "Group", "widgets": [
                { "definition": { "type": "alert_graph", "alert_id": cpu, "viz_type": "timeseries" }, "layout": { "x": 0, "y": 0, "width": 4, "height": 2 } },
                { "definition": { "type": "slo", "slo_id": slos[0], "view_type": "detail", "time_windows": ["7d"] } } ] },
              "layout": { "x": 0, "y": 0, "width": 12, "height": 5 } },
            { "definition": { "type": "timeseries", "title": "CPU", "requests": [{ "q": "avg:system.cpu.user{$env} by {host}", "display_type": "line" }], "yaxis": { "min": "0" } },
              "layout": { "x": 0, "y": 5, "width": 6, "height": 2 } },
            { "definition": { "type": "note", "content": "text\n\n- a\n- b ${x}", "background_color": "white" },
              "layout": { "x": 6, "y": 5, "width": 6, "height": 2 } },
        ],
    });
    let tabs = json!({
        "title": "With tabs", "layout_type": "ordered", "description": null, "template_variables": null,
        "widgets": [{ "definition": { "type": "note", "content": "one" } }, { "definition": { "type": "note", "content": "two" } }],
        "tabs": [{ "name": "A", "widget_ids": ["@1"] }, { "name": "B", "widget_ids": ["@2"] }],
    });
    let mut boards = vec![first, tabs];
    for n in 0..6 {
        let width = 10.5 + f64::from(n);
        boards.push(json!({
            "title": format!("Board {n}"), "layout_type": if n % 2 == 0 { "free" } else { "ordered" },
            "widgets": [{ "definition": { "type": "query_value", "precision": n, "requests": [{ "formulas": [{ "formula": "a" }],
                "queries": [{ "data_source": "metrics", "name": "a", "query": "avg:system.load.1{*}", "aggregator": "avg" }], "response_format": "scalar" }] },
                "layout": { "x": 0, "y": 0, "width": width, "height": 5 } }],
        }));
    }
    boards
}

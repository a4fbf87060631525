//! Someone changes one attribute on the server: the plan shows exactly that, an apply repairs exactly that.

use std::collections::BTreeMap;

use alerting::normal::normalise;
use alerting::object::Kind;
use serde_json::{Value, json};

use crate::foreign::fill;
use crate::harness::StandIn;
use crate::import::imported;

/// An object by title, where to change it, to what (null removes), and the attributes that the plan names.
type Case = (&'static str, &'static str, Value, &'static [&'static str]);

#[expect(clippy::too_many_lines, reason = "a table")]
fn cases() -> Vec<Case> {
    vec![
        ("CPU of {{host.name}}", "/name", json!("CPU"), &["name"]),
        (
            "CPU of {{host.name}}",
            "/message",
            json!("by hand"),
            &["message"],
        ),
        ("CPU of {{host.name}}", "/message", json!(""), &["message"]),
        (
            "CPU of {{host.name}}",
            "/query",
            json!("avg(last_15m):avg:system.cpu.user{env:prod} by {host} > 90"),
            &["query"],
        ),
        ("CPU of {{host.name}}", "/priority", json!(1), &["priority"]),
        (
            "CPU of {{host.name}}",
            "/priority",
            Value::Null,
            &["priority"],
        ),
        (
            "CPU of {{host.name}}",
            "/tags/-",
            json!("by:hand"),
            &["tags"],
        ),
        (
            "CPU of {{host.name}}",
            "/options/thresholds/warning",
            json!(82),
            &["options.thresholds.warning"],
        ),
        (
            "CPU of {{host.name}}",
            "/options/thresholds/critical_recovery",
            json!(80),
            &["options.thresholds.critical_recovery"],
        ),
        (
            "CPU of {{host.name}}",
            "/options/thresholds/warning_recovery",
            Value::Null,
            &["options.thresholds.warning_recovery"],
        ),
        (
            "CPU of {{host.name}}",
            "/options/require_full_window",
            json!(true),
            &["options.require_full_window"],
        ),
        (
            "CPU of {{host.name}}",
            "/options/renotify_interval",
            json!(30),
            &["options.renotify_interval"],
        ),
        (
            "CPU of {{host.name}}",
            "/options/renotify_interval",
            Value::Null,
            &["options.renotify_interval"],
        ),
        (
            "CPU of {{host.name}}",
            "/options/renotify_occurrences",
            json!(1),
            &["options.renotify_occurrences"],
        ),
        (
            "CPU of {{host.name}}",
            "/options/renotify_statuses",
            json!(["alert"]),
            &["options.renotify_statuses"],
        ),
        (
            "CPU of {{host.name}}",
            "/options/escalation_message",
            json!("x"),
            &["options.escalation_message"],
        ),
        (
            "CPU of {{host.name}}",
            "/options/timeout_h",
            json!(0),
            &["options.timeout_h"],
        ),
        (
            "CPU of {{host.name}}",
            "/options/notify_audit",
            json!(true),
            &["options.notify_audit"],
        ),
        (
            "CPU of {{host.name}}",
            "/options/notify_no_data",
            json!(false),
            &["options.notify_no_data"],
        ),
        (
            "CPU of {{host.name}}",
            "/options/no_data_timeframe",
            json!(40),
            &["options.no_data_timeframe"],
        ),
        (
            "CPU of {{host.name}}",
            "/options/evaluation_delay",
            json!(900),
            &["options.evaluation_delay"],
        ),
        (
            "CPU of {{host.name}}",
            "/options/new_group_delay",
            json!(60),
            &["options.new_group_delay"],
        ),
        (
            "CPU of {{host.name}}",
            "/options/new_host_delay",
            json!(0),
            &["options.new_host_delay"],
        ),
        (
            "CPU of {{host.name}}",
            "/options/notify_by",
            json!(["*"]),
            &["options.notify_by"],
        ),
        (
            "CPU of {{host.name}}",
            "/options/notification_preset_name",
            json!("show_all"),
            &["options.notification_preset_name"],
        ),
        (
            "CPU of {{host.name}}",
            "/options/include_tags",
            json!(false),
            &["options.include_tags"],
        ),
        (
            "CPU of {{host.name}}",
            "/options/locked",
            json!(true),
            &["options.locked"],
        ),
        (
            "CPU of {{host.name}}",
            "/options/group_retention_duration",
            json!("2h"),
            &["options.group_retention_duration"],
        ),
        (
            "Memory",
            "/query",
            json!("avg(last_5m):avg:system.mem.used{*} by {host} >= 5"),
            &["query"],
        ),
        (
            "Memory",
            "/options/on_missing_data",
            json!("resolve"),
            &["options.on_missing_data"],
        ),
        (
            "Memory",
            "/options/thresholds/warning",
            json!(4),
            &["options.thresholds.warning"],
        ),
        (
            "Memory",
            "/message",
            json!("now there is one"),
            &["message"],
        ),
        ("CPU without memory", "/message", json!("x"), &["message"]),
        (
            "Check",
            "/options/thresholds/ok",
            json!(2),
            &["options.thresholds.ok"],
        ),
        (
            "Check",
            "/options/thresholds/critical",
            json!(4),
            &["options.thresholds.critical"],
        ),
        (
            "Check",
            "/query",
            json!(
                "\"http.can_connect\".over(\"env:dev\").by(\"host\",\"url\").last(4).count_by_status()"
            ),
            &["query"],
        ),
        (
            "logs errors",
            "/options/enable_logs_sample",
            json!(false),
            &["options.enable_logs_sample"],
        ),
        (
            "logs errors",
            "/options/groupby_simple_monitor",
            json!(true),
            &["options.groupby_simple_monitor"],
        ),
        (
            "logs errors",
            "/options/on_missing_data",
            json!("show_no_data"),
            &["options.on_missing_data"],
        ),
        (
            "rum errors",
            "/options/thresholds/warning",
            json!(20),
            &["options.thresholds.warning"],
        ),
        ("events errors", "/priority", json!(5), &["priority"]),
        (
            "trace-analytics errors",
            "/tags",
            json!(["by:hand"]),
            &["adopt"],
        ),
        (
            "Strange traffic",
            "/options/threshold_windows/trigger_window",
            json!("last_30m"),
            &["options.threshold_windows.trigger_window"],
        ),
        (
            "Strange traffic",
            "/options/threshold_windows/recovery_window",
            json!("last_1h"),
            &["options.threshold_windows.recovery_window"],
        ),
        (
            "Strange traffic",
            "/options/thresholds/critical_recovery",
            json!(0.5),
            &["options.thresholds.critical_recovery"],
        ),
        (
            "Disk 3",
            "/options/timeout_h",
            json!(9),
            &["options.timeout_h"],
        ),
        ("Disk 4", "/message", json!("x\ny"), &["message"]),
        ("Requests 0", "/name", json!("Requests, all"), &["name"]),
        (
            "Requests 0",
            "/description",
            json!("by hand"),
            &["description"],
        ),
        ("Requests 0", "/description", Value::Null, &["description"]),
        (
            "Requests 0",
            "/query/numerator",
            json!("sum:better{*}.as_count()"),
            &["query.numerator"],
        ),
        (
            "Requests 0",
            "/query/denominator",
            json!("sum:every{*}.as_count()"),
            &["query.denominator"],
        ),
        (
            "Requests 0",
            "/thresholds/0/target",
            json!(98),
            &["thresholds[0].target", "target_threshold"],
        ),
        (
            "Requests 0",
            "/thresholds/0/warning",
            json!(99.7),
            &["thresholds[0].warning", "warning_threshold"],
        ),
        (
            "Requests 0",
            "/thresholds/0/warning",
            Value::Null,
            &["thresholds[0].warning", "warning_threshold"],
        ),
        (
            "Requests 0",
            "/thresholds/-",
            json!({ "timeframe": "90d", "target": 99 }),
            &["thresholds[2]"],
        ),
        ("Requests 1", "/tags/-", json!("by:hand"), &["tags"]),
        (
            "Requests 2",
            "/description",
            json!("by hand"),
            &["description"],
        ),
        ("Up", "/monitor_ids/1", Value::Null, &["monitor_ids"]),
        ("Up too", "/groups", json!(["host:a"]), &["groups"]),
        (
            "Latency 0",
            "/sli_specification/time_slice/comparator",
            json!("<="),
            &["sli_specification.time_slice.comparator"],
        ),
        (
            "Latency 0",
            "/sli_specification/time_slice/threshold",
            json!(3),
            &["sli_specification.time_slice.threshold"],
        ),
        (
            "Latency 1",
            "/sli_specification/time_slice/query_interval_seconds",
            json!(300),
            &["sli_specification.time_slice.query_interval_seconds"],
        ),
        (
            "Latency 1",
            "/sli_specification/time_slice/query/queries/0/query",
            json!("p99:latency{*}"),
            &["sli_specification.time_slice.query.queries[0].query"],
        ),
        ("Web", "/title", json!("Web!"), &["title"]),
        ("Web", "/reflow_type", json!("auto"), &["reflow_type"]),
        (
            "Web",
            "/notify_list/-",
            json!("m@example.com"),
            &["notify_list"],
        ),
        ("Web", "/tags", json!(["team:other"]), &["tags"]),
        (
            "Web",
            "/template_variables/0/default",
            json!("dev"),
            &["template_variables[0].default"],
        ),
        (
            "Web",
            "/template_variable_presets/0/name",
            json!("q"),
            &["template_variable_presets[0].name"],
        ),
        (
            "Web",
            "/widgets/1/definition/title",
            json!("CPU, user"),
            &["widgets[1].definition.title"],
        ),
        (
            "Web",
            "/widgets/1/definition/requests/0/q",
            json!("avg:system.load.1{*}"),
            &["widgets[1].definition.requests[0].q"],
        ),
        (
            "Web",
            "/widgets/1/layout/width",
            json!(12),
            &["widgets[1].layout.width"],
        ),
        (
            "Web",
            "/widgets/0/definition/widgets/0/definition/viz_type",
            json!("toplist"),
            &["widgets[0].definition.widgets[0].definition.viz_type"],
        ),
        (
            "Web",
            "/widgets/2/definition/content",
            json!("text"),
            &["widgets[2].definition.content"],
        ),
        ("Web", "/widgets/2", Value::Null, &["widgets[2]"]),
        (
            "Web",
            "/widgets/-",
            json!({ "definition": { "type": "note", "content": "new" } }),
            &["widgets[3]"],
        ),
        ("With tabs", "/tabs/0/name", json!("AA"), &["tabs[0].name"]),
        (
            "Board 0",
            "/widgets/0/definition/precision",
            json!(7),
            &["widgets[0].definition.precision"],
        ),
    ]
}

fn path(kind: &str, id: &Value) -> String {
    let id = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
    format!("/api/v1/{kind}/{id}")
}

fn title(object: &Value) -> String {
    let title = object.get("title").or_else(|| object.get("name"));
    title
        .and_then(Value::as_str)
        .unwrap_or_default()
        .trim()
        .to_owned()
}

/// Everything in the form in which it is compared, by kind and id.
fn normal(org: &StandIn) -> BTreeMap<(String, String), Value> {
    let kind_of = |word: &str| {
        Kind::ALL
            .into_iter()
            .find(|kind| kind.word() == word)
            .expect("a kind")
    };
    let all = org.everything().into_iter();
    all.map(|(kind, one)| {
        (
            (kind.to_owned(), one["id"].to_string()),
            normalise(kind_of(kind), &one),
        )
    })
    .collect()
}

/// Sets what a JSON pointer names; `-` appends, null removes.
fn change(object: &mut Value, pointer: &str, value: &Value) {
    let (parent, last) = pointer.rsplit_once('/').expect("a pointer");
    let parent = object
        .pointer_mut(parent)
        .unwrap_or_else(|| panic!("{pointer} has no parent"));
    match parent {
        Value::Array(items) if last == "-" => items.push(value.clone()),
        Value::Array(items) => {
            let at: usize = last.parse().expect("an index");
            if value.is_null() {
                items.remove(at);
            } else {
                items[at] = value.clone();
            }
        }
        Value::Object(map) if value.is_null() && last != "priority" && last != "description" => {
            map.remove(last);
        }
        Value::Object(map) => {
            map.insert(last.to_owned(), value.clone());
        }
        other => panic!("{pointer}: {other}"),
    }
}

#[test]
fn one_change_by_hand_is_shown_and_repaired_exactly() {
    let foreign = fill();
    let org = &foreign.org;
    let project = imported(org);
    project.apply(org);
    let baseline = normal(org);
    let objects = org.everything();
    let cases = cases();
    let mut wrong = Vec::new();
    for (name, pointer, value, wanted) in &cases {
        let found = objects.iter().find(|(_, one)| title(one) == *name);
        let (kind, object) = found.unwrap_or_else(|| panic!("there is no {name}"));
        let (path, mut object) = (path(kind, &object["id"]), object.clone());
        change(&mut object, pointer, value);
        org.put(&path, &object);
        let plan = project.plan(org);
        let operations = plan["plan"]["operations"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let paths: Vec<String> = operations
            .iter()
            .flat_map(|operation| operation["changes"].as_array().cloned().unwrap_or_default())
            .map(|change| change["path"].as_str().unwrap_or_default().to_owned())
            .collect();
        let shown = match wanted[..] {
            ["adopt"] => operations.len() == 1 && paths == ["tags"],
            _ => operations.len() == 1 && operations[0]["action"] == "update" && paths == *wanted,
        };
        let run = project.run(&org.url, &["apply", "--yes", "--quiet"]);
        let repaired = run.code == Some(0) && normal(org) == baseline;
        if !shown || !repaired {
            wrong.push(format!(
                "{name} {pointer} → {value}: shown {shown} ({paths:?}), repaired {repaired} {}{}",
                run.out, run.err
            ));
        }
    }
    eprintln!("{} of {} cases", cases.len() - wrong.len(), cases.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(cases.len() >= 60);
}

#[test]
fn a_mute_that_a_person_made_survives() {
    let foreign = fill();
    let org = &foreign.org;
    let project = imported(org);
    project.apply(org);
    let found = org
        .everything()
        .into_iter()
        .find(|(_, one)| title(one) == "Memory");
    let id = found.expect("the monitor").1["id"].clone();
    org.post(
        &format!("/api/v1/monitor/{id}/mute"),
        &json!({ "scope": "host:a", "end": 4_000_000_000_u64 }),
    );
    project.assert_no_changes(org);
    org.put(
        &format!("/api/v1/monitor/{id}"),
        &json!({ "message": "by hand" }),
    );
    project.apply(org);
    let monitor = org.get(&format!("/api/v1/monitor/{id}"));
    assert_eq!(monitor["message"], "");
    assert_eq!(
        monitor["options"]["silenced"],
        json!({ "host:a": 4_000_000_000_u64 })
    );
}

#[test]
fn drift_tells_what_was_changed_and_changes_nothing() {
    let foreign = fill();
    let org = &foreign.org;
    let project = imported(org);
    project.apply(org);
    let found = org
        .everything()
        .into_iter()
        .find(|(_, one)| title(one) == "Disk 3");
    let id = found.expect("the monitor").1["id"].clone();
    org.put(
        &format!("/api/v1/monitor/{id}"),
        &json!({ "message": "by hand" }),
    );
    let writes = org.count("writes");
    let run = project
        .run(&org.url, &["drift", "--detailed-exitcode"])
        .exits(2);
    assert!(
        run.out.contains("changed: monitor disk-3") && run.out.contains("+ by hand"),
        "{}",
        run.out
    );
    assert_eq!(org.count("writes"), writes);
    assert_eq!(project.run(&org.url, &["drift"]).code, Some(0));
}

//! What belongs to others stays as it is: fields that definitions cannot say, and monitors that others use.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{Project, StandIn};

/// A stand-in on objects that are there from the start.
pub(crate) fn org_with(objects: &[(&str, Value)]) -> StandIn {
    let data = TempDir::new().expect("a folder");
    for (kind, object) in objects {
        let folder = data.path().join(kind);
        std::fs::create_dir_all(&folder).expect("a folder");
        let id = object["id"]
            .as_str()
            .map_or_else(|| object["id"].to_string(), str::to_owned);
        std::fs::write(folder.join(format!("{id}.json")), object.to_string()).expect("a file");
    }
    StandIn::on(data)
}

/// Every object by kind and id.
pub(crate) fn by_id(org: &StandIn) -> BTreeMap<(String, String), Value> {
    let all = org.everything().into_iter();
    all.map(|(kind, one)| ((kind.to_owned(), one["id"].to_string()), one))
        .collect()
}

fn monitor(id: u64, name: &str, metric: &str, tags: Value) -> Value {
    json!({
        "id": id, "name": name, "type": "query alert", "query": format!("avg(last_5m):avg:{metric}{{*}} > 1"),
        "message": "x", "tags": tags, "options": { "thresholds": { "critical": 1.0 } },
    })
}

#[test]
fn adopting_a_dashboard_and_an_slo_changes_their_marks_alone() {
    let org = org_with(&[
        ("monitors", monitor(1001, "A", "a.b", json!([]))),
        (
            "slos",
            json!({
                "id": "a".repeat(32), "name": "S", "type": "monitor", "type_id": 0, "monitor_ids": [1001], "tags": [],
                "thresholds": [{ "timeframe": "30d", "target": 99.95 }, { "timeframe": "7d", "target": 99.9 }],
                "timeframe": "7d", "target_threshold": 99.9, "created_at": 1, "creator": {},
            }),
        ),
        (
            "dashboards",
            json!({
                "id": "aaa-bbb-ccc", "title": "Ops", "description": "d", "layout_type": "ordered", "notify_list": [],
                "is_read_only": false, "restricted_roles": ["11111111-2222-3333-4444-555555555555"],
                "template_variables": [], "widgets": [{ "id": 1, "definition": { "type": "note", "content": "x" } }],
                "created_at": "2026-01-01T00:00:00+00:00",
            }),
        ),
    ]);
    let project = crate::import::imported(&org);
    let before = org.everything();
    let run = project
        .run(&org.url, &["plan", "--detailed-exitcode"])
        .exits(2);
    assert!(
        run.out
            .contains("0 to update, 0 to delete, 3 to adopt (adds the mark only)"),
        "{}",
        run.out
    );
    project.apply(&org);
    let after = org.everything();
    let field = |at: usize, name: &str| (before[at].1[name].clone(), after[at].1[name].clone());
    for (at, name) in [
        (1, "timeframe"),
        (1, "target_threshold"),
        (2, "restricted_roles"),
        (2, "widgets"),
    ] {
        let (was, is) = field(at, name);
        assert_eq!(was, is, "{name}");
        assert!(!was.is_null());
    }
    project
        .run(&org.url, &["plan", "--detailed-exitcode"])
        .exits(0);
}

const WAIVED: &str = "[{ rule: known-metric, reason: x }, { rule: runbook, reason: x }, { rule: dashboard-link, reason: x }, \
                      { rule: message-recovery, reason: x }]";

/// `a`, `b` and a composite of both; `c` is defined no more.
fn two_of_three() -> Project {
    let one = |name: &str| {
        format!(
            "  {name}:\n    name: {name}\n    type: query alert\n    query: \"avg(last_5m):avg:a.{name}{{*}} > 1\"\n    \
             message: x\n    priority: 3\n    thresholds: {{ critical: 1 }}\n    waive: {WAIVED}\n"
        )
    };
    let both = "  both:\n    name: both\n    type: composite\n    query: \"${monitor:a} && ${monitor:b}\"\n    message: x\n    \
                priority: 3\n    waive: [{ rule: runbook, reason: x }, { rule: dashboard-link, reason: x }, \
                { rule: message-recovery, reason: x }]\n";
    let defaults =
        "defaults: { team: o, service: s, tags: [\"env:p\", \"severity:high\"] }\nmonitors:\n";
    Project::new(&[
        (
            "monitors.yaml",
            "namespace: t\nenvironments: { main: {} }\n".to_owned(),
        ),
        (
            "monitors/a.yaml",
            format!("{defaults}{}{}{both}", one("a"), one("b")),
        ),
    ])
}

fn marked(name: &str) -> Value {
    json!([
        "managed-by:monitors",
        format!("key:t-main.{name}"),
        "env:p",
        "severity:high",
        "service:s",
        "team:o"
    ])
}

fn three_and_a_composite() -> Vec<(&'static str, Value)> {
    let composite = json!({
        "id": 2004, "name": "both", "type": "composite", "query": "2001 && 2002 && 2003", "message": "x",
        "tags": marked("both"), "options": {},
    });
    vec![
        ("monitors", monitor(2001, "a", "a.a", marked("a"))),
        ("monitors", monitor(2002, "b", "a.b", marked("b"))),
        ("monitors", monitor(2003, "c", "a.c", marked("c"))),
        ("monitors", composite),
    ]
}

#[test]
fn what_another_team_uses_is_not_deleted_by_force() {
    let foreign_slo = json!({
        "id": "f".repeat(32), "name": "Other team", "type": "monitor", "type_id": 0, "monitor_ids": [2003], "tags": [],
        "thresholds": [{ "timeframe": "7d", "target": 99.0 }], "created_at": 1, "creator": {},
    });
    let foreign_composite = json!({
        "id": 2005, "name": "theirs", "type": "composite", "query": "2003 || 2001", "message": "", "tags": [], "options": {},
    });
    for (kind, foreign) in [("slos", foreign_slo), ("monitors", foreign_composite)] {
        let mut objects = three_and_a_composite();
        objects.push((kind, foreign.clone()));
        let (org, project) = (org_with(&objects), two_of_three());
        let run = project.run(&org.url, &["plan"]).exits(0);
        let user = foreign["name"].as_str().expect("a name");
        assert!(
            run.out.contains(user),
            "the plan names who uses it:\n{}",
            run.out
        );
        let run = project.run(&org.url, &["apply", "--yes"]).exits(1);
        assert!(run.out.contains("delete monitor c [2003]"), "{}", run.out);
        let left = by_id(&org);
        assert!(
            left.contains_key(&("monitor".to_owned(), "2003".to_owned())),
            "{left:?}"
        );
        // Everything else is carried out.
        assert_eq!(
            left[&("monitor".to_owned(), "2004".to_owned())]["query"],
            "2001 && 2002"
        );
    }
}

#[test]
fn what_nobody_else_uses_is_deleted_once_the_update_let_go_of_it() {
    let (org, project) = (org_with(&three_and_a_composite()), two_of_three());
    project.apply(&org);
    assert_eq!(org.everything().len(), 3);
    project.assert_no_changes(&org);
}

/// Between a plan and its apply someone else writes to the object: what was not shown is not sent.
#[test]
fn what_was_changed_since_the_plan_is_left_alone() {
    use alerting::plan::{Options, plan};
    use provision::api::{Api, Endpoint, Settings};
    use provision::apply;
    use provision::progress::Progress;

    let (org, project) = (org_with(&three_and_a_composite()), two_of_three());
    let endpoint = Endpoint::new(Settings {
        api_url: Some(org.url.clone()),
        api_key: Some("a".into()),
        app_key: Some("b".into()),
        site: None,
    });
    let progress = Progress::new(true);
    let api = Api::new(endpoint.expect("an endpoint"), progress).expect("a client");
    let text = std::fs::read_to_string(project.path().join("monitors/a.yaml")).expect("a text");
    let inputs = alerting::set::Inputs {
        files: vec![alerting::set::Source {
            path: "monitors/a.yaml".into(),
            text,
        }],
        namespace: Some("t-main".into()),
        ..Default::default()
    };
    let set = alerting::set::load(&inputs).expect("sound definitions");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let results = runtime.block_on(async {
        let remote = api.managed("t-main").await.expect("a list");
        let plan = plan(&set.objects, &remote, &Options::new("t-main")).expect("a plan");
        org.put("/api/v1/monitor/2004", &json!({ "query": "2001 || 2003" }));
        let (_, stop) = tokio::sync::watch::channel(false);
        apply::apply(&api, plan, progress, stop).await
    });
    let text = results.text();
    assert!(text.contains("changed in the meantime"), "{text}");
    assert_eq!(org.get("/api/v1/monitor/2004")["query"], "2001 || 2003");
}

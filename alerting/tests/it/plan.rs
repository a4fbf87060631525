//! From two sets of objects to operations: identity, order, guards, what counts as a difference and what does not.

use alerting::diff;
use alerting::normal::normalise;
use alerting::object::{Key, Kind, Link, Object, Origin, Remote, resolve};
use alerting::plan::{Action, Guard, Options, Plan, Refusal, markdown, plan, text};
use serde_json::{Value, json};

use crate::support::served;

fn monitor(name: &str, query: &str) -> Object {
    let key = Key::new("shop", name);
    let payload = json!({
        "name": name, "type": "query alert", "query": query, "message": "m",
        "tags": ["managed-by:monitors", key.tag()], "options": { "thresholds": { "critical": 5 } },
    });
    let origin = Origin {
        file: "monitors/a.yaml".into(),
        line: 3,
    };
    Object {
        kind: Kind::Monitor,
        key,
        title: name.into(),
        payload,
        adopt: None,
        origin,
    }
}

fn planned(local: &[Object], remote: &[Remote]) -> Plan {
    plan(local, remote, &Options::new("shop")).expect("a plan")
}

fn actions(plan: &Plan) -> Vec<(Action, &str)> {
    plan.operations
        .iter()
        .map(|operation| (operation.action, operation.key.name.as_str()))
        .collect()
}

#[test]
fn what_the_server_adds_and_rewrites_is_no_difference() {
    let local = monitor("a", "avg(last_5m):avg:x{*} > 5");
    let mut remote = served(&local, "7");
    remote.value["type"] = json!("metric alert");
    remote.value["options"]["thresholds"]["warning"] = Value::Null;
    remote.value["options"]["on_missing_data"] = json!("default");
    remote.value["priority"] = Value::Null;
    let plan = planned(std::slice::from_ref(&local), &[remote]);
    assert_eq!((plan.operations.len(), plan.unchanged), (0, 1), "{plan:?}");
}

#[test]
fn a_mute_survives_and_goes_back_with_an_update() {
    let mut local = monitor("a", "avg(last_5m):avg:x{*} > 5");
    let mut remote = served(&local, "7");
    remote.value["options"]["silenced"] = json!({ "host:a": 1_700_000_000 });
    assert!(
        planned(std::slice::from_ref(&local), std::slice::from_ref(&remote))
            .operations
            .is_empty()
    );
    local.payload["message"] = json!("another");
    let plan = planned(&[local], &[remote]);
    let payload = plan.operations[0].payload.as_ref().expect("a payload");
    assert_eq!(
        payload["options"]["silenced"],
        json!({ "host:a": 1_700_000_000 })
    );
    assert_eq!(plan.operations[0].changes.len(), 1);
    assert_eq!(plan.operations[0].changes[0].path, "message");
}

#[test]
fn only_marked_objects_of_the_namespace_are_touched() {
    let foreign = Remote::new(
        Kind::Monitor,
        json!({ "id": 1, "name": "a", "tags": ["team:x"] }),
    )
    .expect("an id");
    let tags = json!(["managed-by:monitors", "key:other.a"]);
    let other =
        Remote::new(Kind::Monitor, json!({ "id": 2, "name": "a", "tags": tags })).expect("an id");
    let local = monitor("a", "avg(last_5m):avg:x{*} > 5");
    let plan = planned(&[local], &[foreign, other]);
    assert_eq!(actions(&plan), [(Action::Create, "a")]);
}

#[test]
fn a_new_key_with_the_same_title_updates_in_place() {
    let old = monitor("old", "avg(last_5m):avg:x{*} > 5");
    let mut new = monitor("new", "avg(last_5m):avg:x{*} > 5");
    new.title = "old".into();
    new.payload["name"] = json!("old");
    let plan = planned(&[new], &[served(&old, "7")]);
    assert_eq!(actions(&plan), [(Action::Update, "new")]);
    assert_eq!(plan.operations[0].id.as_deref(), Some("7"));
    assert_eq!(plan.operations[0].note.as_deref(), Some("was shop.old"));
}

#[test]
fn of_two_objects_with_one_key_the_older_stays() {
    let local = monitor("a", "avg(last_5m):avg:x{*} > 5");
    let plan = planned(
        std::slice::from_ref(&local),
        &[served(&local, "12"), served(&local, "7")],
    );
    assert_eq!(actions(&plan), [(Action::Delete, "a")]);
    assert_eq!(plan.operations[0].id.as_deref(), Some("12"));
}

#[test]
fn adopting_what_already_is_as_wanted_changes_nothing_that_people_see() {
    let mut local = monitor("a", "avg(last_5m):avg:x{*} > 5");
    let mut remote = served(&local, "7");
    remote.value["tags"] = json!([]);
    local.adopt = Some("7".into());
    let plan = planned(std::slice::from_ref(&local), std::slice::from_ref(&remote));
    assert_eq!(actions(&plan), [(Action::Adopt, "a")]);
    assert!(
        plan.has_changes(),
        "a mark is sent, so there is something to do"
    );
    remote.value["message"] = json!("by hand");
    assert_eq!(
        actions(&planned(
            std::slice::from_ref(&local),
            std::slice::from_ref(&remote)
        )),
        [(Action::Update, "a")]
    );
    local.adopt = Some("8".into());
    let refused = plan_error(&[local], &[remote]);
    assert!(
        refused.contains("monitors/a.yaml:3: adopt: there is no monitor with id 8"),
        "{refused}"
    );
}

#[test]
fn what_belongs_to_one_definition_cannot_be_adopted_by_another() {
    let owner = monitor("owner", "avg(last_5m):avg:x{*} > 5");
    let mut thief = monitor("thief", "avg(last_5m):avg:x{*} > 5");
    thief.adopt = Some("7".into());
    let refused = plan_error(&[thief, owner.clone()], &[served(&owner, "7")]);
    assert!(
        refused.contains("monitor 7 already belongs to shop.owner"),
        "{refused}"
    );
}

fn plan_error(local: &[Object], remote: &[Remote]) -> String {
    plan(local, remote, &Options::new("shop"))
        .expect_err("a refusal")
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn deleting_everything_or_much_is_refused() {
    let objects: Vec<Object> = (0..20)
        .map(|n| monitor(&format!("m{n}"), "avg(last_5m):avg:x{*} > 5"))
        .collect();
    let remote: Vec<Remote> = objects
        .iter()
        .enumerate()
        .map(|(n, object)| served(object, &format!("{}", n + 1)))
        .collect();
    assert!(plan_error(&[], &remote).contains("no definition was found"));
    assert!(plan_error(&objects[6..], &remote).contains("deletes 6 of 20"));
    assert_eq!(planned(&objects[5..], &remote).count(Action::Delete), 5);
    let mut options = Options::new("shop");
    options.guard = Guard {
        allow_delete_all: true,
        ..Guard::default()
    };
    assert_eq!(
        plan(&[], &remote, &options)
            .expect("allowed")
            .count(Action::Delete),
        20
    );
}

#[test]
fn only_chosen_names_are_planned() {
    let local = [
        monitor("pay-a", "avg(last_5m):avg:x{*} > 5"),
        monitor("ship-a", "avg(last_5m):avg:x{*} > 5"),
    ];
    for (pattern, expected) in [
        ("pay-*", "pay-a"),
        ("*ship*", "ship-a"),
        ("ship-a", "ship-a"),
        ("s*p-*a", "ship-a"),
    ] {
        let options = Options {
            only: vec![pattern.into()],
            ..Options::new("shop")
        };
        assert_eq!(
            actions(&plan(&local, &[], &options).expect("a plan")),
            [(Action::Create, expected)],
            "{pattern}"
        );
    }
}

#[test]
fn deletes_come_first_and_what_others_need_before_those_who_need_it() {
    let mut slo = monitor("slo", "");
    slo.kind = Kind::Slo;
    slo.payload = json!({ "name": "slo", "type": "monitor", "monitor_ids": ["${monitor:base}"] });
    let mut dashboard = monitor("dashboard", "");
    dashboard.kind = Kind::Dashboard;
    dashboard.payload =
        json!({ "title": "d", "widgets": [{ "definition": { "slo_id": "${slo:slo}" } }] });
    let local = [
        dashboard,
        monitor(
            "a-burn",
            "burn_rate(\"${slo:slo}\").over(\"7d\").long_window(\"1h\").short_window(\"5m\") > 2",
        ),
        monitor("a-composite", "${monitor:base} && ${monitor:a-burn}"),
        slo,
        monitor("base", "avg(last_5m):avg:x{*} > 5"),
    ];
    let gone = [monitor("gone", "avg(last_5m):avg:x{*} > 5")];
    let plan = planned(&local, &[served(&gone[0], "3")]);
    let names: Vec<&str> = plan
        .operations
        .iter()
        .map(|operation| operation.key.name.as_str())
        .collect();
    assert_eq!(
        names,
        ["gone", "base", "slo", "a-burn", "a-composite", "dashboard"]
    );
    let circle = [
        monitor("x", "${monitor:y} && 1"),
        monitor("y", "${monitor:x} && 1"),
    ];
    assert!(plan_error(&circle, &[]).contains("monitor x → monitor y → monitor x"));
}

fn names(plan: &Plan) -> Vec<&str> {
    plan.operations
        .iter()
        .map(|operation| operation.key.name.as_str())
        .collect()
}

/// Nothing is deleted by force: the update that lets go of an object comes before its delete.
#[test]
fn what_an_update_lets_go_of_is_deleted_after_it() {
    let base = monitor("base", "avg(last_5m):avg:x{*} > 5");
    let both = monitor("both", "${monitor:base} && 9");
    let mut referring = served(&both, "8");
    referring.value["query"] = json!("7 && 9");
    let remote = [served(&base, "7"), referring];
    let changed = monitor("both", "9 && 10");
    let plan = planned(std::slice::from_ref(&changed), &remote);
    assert_eq!(names(&plan), ["both", "base"]);
    assert!(plan.operations[0].stage < plan.operations[1].stage);
    let plan = planned(&[changed], &remote[..1]);
    assert_eq!(names(&plan), ["base", "both"]);
}

#[test]
fn of_two_deletes_the_one_that_refers_comes_first() {
    let on = |name: &str, id: &str, query: &str| {
        let mut remote = served(&monitor(name, "avg(last_5m):avg:x{*} > 5"), id);
        remote.value["query"] = json!(query);
        remote
    };
    let slo = Remote::new(
        Kind::Slo,
        json!({ "id": "abc", "name": "s", "type": "monitor", "monitor_ids": [7],
                "tags": ["managed-by:monitors", "key:shop.slo"] }),
    );
    let board = Remote::new(
        Kind::Dashboard,
        json!({ "id": "d", "title": "d", "description": "managed-by:monitors key:shop.board",
                "widgets": [{ "definition": { "type": "slo", "slo_id": "abc" } }] }),
    );
    let remote = [
        on("a", "7", "avg(last_5m):avg:x{*} > 5"),
        on("b", "8", "error_budget(\"abc\").over(\"7d\") > 5"),
        on("c", "9", "7 && 8"),
        slo.expect("an id"),
        board.expect("an id"),
    ];
    let options = Options {
        guard: Guard {
            allow_delete_all: true,
            ..Guard::default()
        },
        ..Options::new("shop")
    };
    let plan = plan(&[], &remote, &options).expect("a plan");
    let stage = |name: &str| {
        let found = plan.operations.iter().find(|one| one.key.name == name);
        found.map(|one| one.stage).expect("an operation")
    };
    assert!(stage("board") < stage("slo") && stage("b") < stage("slo"));
    assert!(stage("c") < stage("b") && stage("c") < stage("a") && stage("slo") < stage("a"));
}

#[test]
fn links_resolve_to_numbers_only_where_the_api_wants_numbers() {
    let ids = [(
        Link {
            kind: Kind::Monitor,
            name: "a".into(),
        },
        "7".to_owned(),
    )]
    .into();
    let payload = json!({ "monitor_ids": ["${monitor:a}"], "alert_id": "${monitor:a}", "query": "${monitor:a} && ${monitor:b}" });
    let (resolved, missing) = resolve(&payload, &ids);
    assert_eq!(
        resolved,
        json!({ "monitor_ids": [7], "alert_id": "7", "query": "7 && ${monitor:b}" })
    );
    assert_eq!(
        missing,
        [Link {
            kind: Kind::Monitor,
            name: "b".into()
        }]
    );
}

#[test]
fn a_plan_reads_well() {
    let mut changed = monitor("changed", "avg(last_5m):avg:x{*} > 5");
    let mut remote = served(&changed, "7");
    changed.payload["message"] = json!("one\ntwo\nthree");
    remote.value["message"] = json!("one\n2\nthree");
    changed.payload["options"]["thresholds"]["critical"] = json!(6);
    changed.payload["tags"]
        .as_array_mut()
        .expect("tags")
        .push(json!("team:orders"));
    changed.payload["options"]["timeout_h"] = json!(4);
    let gone = served(&monitor("gone", "avg(last_5m):avg:x{*} > 5"), "8");
    let local = [changed, monitor("new", "avg(last_5m):avg:x{*} > 5")];
    let plan = planned(&local, &[remote, gone]);
    insta::assert_snapshot!(format!("{}\n{}", text(&plan), markdown(&plan)));
}

#[test]
fn one_inserted_widget_is_one_change() {
    let board = |titles: &[&str]| {
        let widgets: Vec<Value> = titles
            .iter()
            .map(|title| json!({ "definition": { "title": title } }))
            .collect();
        normalise(
            Kind::Dashboard,
            &json!({ "title": "d", "widgets": widgets }),
        )
    };
    let changes = diff::diff(&board(&["a", "b", "c"]), &board(&["a", "new", "b", "c"]));
    assert_eq!(changes.len(), 1, "{changes:?}");
    assert_eq!(changes[0].path, "widgets[1]");
}

#[test]
fn refusals_name_the_way_out() {
    let refusal = Refusal::TooManyDeletes {
        deletes: 9,
        existing: 10,
        percent: 25,
    };
    assert!(refusal.to_string().contains("--max-delete-percent"));
}

//! The definitions that this repository ships: they pass every rule in every environment, and plan cleanly.

use std::collections::BTreeSet;

use alerting::catalogue::known_metric;
use alerting::object::{Kind, Remote};
use alerting::plan::{Action, Options, plan};
use alerting::query::Query;
use alerting::set::Set;
use serde_json::{Value, json};

use crate::support::shipped;

#[test]
fn every_environment_passes_every_rule() {
    for environment in ["dev", "prod"] {
        let set = shipped(environment);
        assert_eq!(set.namespace, format!("shop-{environment}"));
    }
}

#[test]
fn there_is_what_the_documentation_promises() {
    let dev = shipped("dev");
    let prod = shipped("prod");
    let count = |set: &Set, kind| {
        set.objects
            .iter()
            .filter(|object| object.kind == kind)
            .count()
    };
    assert!(
        count(&dev, Kind::Monitor) >= 25,
        "{}",
        count(&dev, Kind::Monitor)
    );
    assert_eq!(count(&dev, Kind::Slo), 4);
    assert_eq!(count(&dev, Kind::Dashboard), 5);
    let has = |set: &Set, name: &str| set.objects.iter().any(|object| object.key.name == name);
    assert!(
        has(&prod, "ecs-cpu") && !has(&dev, "ecs-cpu"),
        "AWS monitors apply where they are asked for"
    );
    for slo in [
        "order-processing",
        "payments",
        "notifications",
        "checkout-latency",
    ] {
        for alert in ["fast-burn", "slow-burn", "budget"] {
            assert!(has(&dev, &format!("slo-{slo}-{alert}")), "{slo} {alert}");
        }
    }
}

#[test]
fn messages_tell_what_happened_what_it_means_and_where_to_look() {
    for object in shipped("prod")
        .objects
        .iter()
        .filter(|object| object.kind == Kind::Monitor)
    {
        let message = object.payload["message"].as_str().expect("a message");
        let parts = [
            "**What happened:**",
            "**What it means:**",
            "**Look first:**",
            "{{#is_recovery}}",
            "docs/runbooks/",
        ];
        for part in parts.iter().chain(&["/dashboard/lists?q=", "@slack"]) {
            assert!(message.contains(part), "{} lacks {part}", object.key);
        }
        assert!(!message.contains("${"), "{}: {message}", object.key);
    }
}

#[test]
fn links_to_dashboards_name_dashboards_that_exist() {
    let set = shipped("prod");
    let titles: Vec<String> = set
        .objects
        .iter()
        .filter(|object| object.kind == Kind::Dashboard)
        .map(|object| object.title.to_lowercase().replace(' ', "-"))
        .collect();
    for object in set
        .objects
        .iter()
        .filter(|object| object.kind == Kind::Monitor)
    {
        let message = object.payload["message"].as_str().expect("a message");
        let asked = message
            .split("/dashboard/lists?q=")
            .nth(1)
            .and_then(|rest| rest.split(')').next())
            .expect("a link");
        assert!(
            titles.iter().any(|title| title.ends_with(asked)),
            "{}: {asked}",
            object.key
        );
    }
}

#[test]
fn every_queried_metric_is_known_and_every_query_prints_back() {
    let mut metrics = BTreeSet::new();
    for object in shipped("prod")
        .objects
        .iter()
        .filter(|object| object.kind == Kind::Monitor)
    {
        let text = object.payload["query"].as_str().expect("a query");
        let query = Query::parse(text).expect("checked before");
        assert_eq!(query.to_string(), text);
        metrics.extend(query.metrics().iter().map(|metric| metric.name.clone()));
    }
    assert!(metrics.len() >= 25, "{metrics:?}");
    for metric in metrics {
        assert!(known_metric(&metric).is_some(), "{metric}");
    }
}

/// What a server would answer after a create: an id and the fields that it adds.
fn created(kind: Kind, number: usize, payload: &Value) -> Remote {
    let mut value = payload.clone();
    let id = if kind == Kind::Monitor {
        json!(number)
    } else {
        json!(format!("id-{number}"))
    };
    value["id"] = id;
    if kind == Kind::Monitor {
        value["created"] = json!("2026-01-01T00:00:00Z");
        value["restricted_roles"] = Value::Null;
        let options = value["options"].as_object_mut().expect("options");
        for (name, default) in [
            ("silenced", json!({"*": 1})),
            ("notify_audit", json!(false)),
            ("new_host_delay", json!(300)),
        ] {
            options.entry(name).or_insert(default);
        }
    }
    Remote::new(kind, value).expect("an id")
}

/// Executes a plan against nothing but memory.
fn apply(set: &Set, remote: &mut Vec<Remote>) -> (usize, usize) {
    let plan = plan(&set.objects, remote, &Options::new(&set.namespace)).expect("a plan");
    let mut ids = plan.ids.clone();
    for operation in &plan.operations {
        assert_eq!(operation.action, Action::Create, "{operation:?}");
        let payload = operation.payload.as_ref().expect("a payload");
        let (payload, missing) = alerting::object::resolve(payload, &ids);
        assert!(
            missing.is_empty(),
            "{}: {missing:?} come too late",
            operation.key
        );
        let made = created(operation.kind, 1_000 + remote.len(), &payload);
        ids.insert(
            alerting::object::Link {
                kind: operation.kind,
                name: operation.key.name.clone(),
            },
            made.id.clone(),
        );
        remote.push(made);
    }
    (plan.operations.len(), plan.unchanged)
}

#[test]
fn applying_to_nothing_creates_all_in_an_order_that_resolves_links_and_then_changes_nothing() {
    let set = shipped("prod");
    let mut remote = Vec::new();
    assert_eq!(apply(&set, &mut remote), (set.objects.len(), 0));
    assert_eq!(apply(&set, &mut remote), (0, set.objects.len()));
}

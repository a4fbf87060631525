//! Definitions against what a server has: each change by hand is found alone, imports plan to no change.

use alerting::normal;
use alerting::object::{Kind, Link, Object, Remote, resolve};
use alerting::plan::{Action, Options, plan};
use alerting::set::{Inputs, Source, dashboard_file, load, monitor_file, slo_file};
use alerting::update::Update;
use alerting::yaml;
use serde_json::{Value, json};

use crate::support::{served, shipped};

/// Every leaf of a JSON value by its path.
fn leaves(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => map
            .iter()
            .for_each(|(name, item)| leaves(item, &format!("{path}/{name}"), found)),
        Value::Array(items) => {
            items
                .iter()
                .enumerate()
                .for_each(|(index, item)| leaves(item, &format!("{path}/{index}"), found));
        }
        _ => found.push(path.to_owned()),
    }
}

fn by_hand(value: &Value) -> Value {
    match value {
        Value::String(text) => json!(format!("{text}x")),
        Value::Number(number) => json!(number.as_f64().unwrap_or_default() + 1.0),
        Value::Bool(value) => json!(!value),
        _ => json!("by hand"),
    }
}

/// Whatever attribute of whatever object is changed by hand, the plan shows it and nothing else, and what the plan
/// sends is what was there before.
#[test]
fn each_attribute_changed_by_hand_is_found_and_repaired_alone() {
    let set = shipped("prod");
    let mut ids = alerting::object::Ids::new();
    for (number, object) in set.objects.iter().enumerate() {
        let id = if object.kind == Kind::Monitor {
            format!("{}", number + 1_000)
        } else {
            format!("id-{number}")
        };
        ids.insert(
            Link {
                kind: object.kind,
                name: object.key.name.clone(),
            },
            id,
        );
    }
    let resolved: Vec<Object> = set
        .objects
        .iter()
        .map(|object| Object {
            payload: resolve(&object.payload, &ids).0,
            ..object.clone()
        })
        .collect();
    let id = |object: &Object| {
        ids[&Link {
            kind: object.kind,
            name: object.key.name.clone(),
        }]
            .clone()
    };
    let remote: Vec<Remote> = resolved
        .iter()
        .map(|object| served(object, &id(object)))
        .collect();
    let options = Options::new(&set.namespace);
    assert_eq!(
        plan(&set.objects, &remote, &options)
            .expect("a plan")
            .operations,
        []
    );
    let mut cases = 0;
    for (index, object) in resolved.iter().enumerate() {
        let mut paths = Vec::new();
        leaves(&object.payload, "", &mut paths);
        // The mark is identity, not an attribute.
        let attributes = paths.iter().filter(|path| {
            !path.starts_with("/tags") && *path != "/description" && *path != "/type"
        });
        for path in attributes {
            let mut changed = remote[index].clone();
            let leaf = changed.value.pointer_mut(path).expect("the leaf");
            *leaf = by_hand(leaf);
            let changes = Update::new(object.kind, &changed.value, &object.payload).changes;
            assert_eq!(changes.len(), 1, "{} {path}: {changes:?}", object.key);
            let top = path.split('/').nth(1).expect("a field");
            assert!(changes[0].path.starts_with(top), "{path}: {changes:?}");
            cases += 1;
        }
    }
    assert!(cases >= 1_000, "{cases}");
}

/// What another tool made is imported as files that load and then plan to no change but the mark.
#[test]
fn imported_files_plan_to_no_change() {
    let set = shipped("prod");
    let mut remote: Vec<Remote> = Vec::new();
    let mut names = std::collections::BTreeMap::new();
    let mut ids = alerting::object::Ids::new();
    for (number, object) in set.objects.iter().enumerate() {
        let id = if object.kind == Kind::Monitor {
            format!("{}", number + 1_000)
        } else {
            format!("id-{number}")
        };
        names.insert(id.clone(), object.key.name.clone());
        ids.insert(
            Link {
                kind: object.kind,
                name: object.key.name.clone(),
            },
            id,
        );
    }
    for object in &set.objects {
        let id = &ids[&Link {
            kind: object.kind,
            name: object.key.name.clone(),
        }];
        let mut foreign = served(
            &Object {
                payload: resolve(&object.payload, &ids).0,
                ..object.clone()
            },
            id,
        );
        foreign.value["tags"] = json!(if object.kind == Kind::Dashboard {
            vec!["team:x"]
        } else {
            vec!["team:x", "made-by:hand"]
        });
        if object.kind != Kind::Monitor {
            foreign.value["description"] = json!("Made by hand with a $".to_owned() + "{brace}.");
        }
        remote.push(foreign);
    }
    let (mut monitors, mut slos, mut dashboards) = (json!({}), json!({}), json!({}));
    for remote in &remote {
        let name = names[&remote.id].clone();
        match remote.kind {
            Kind::Monitor => {
                monitors[name] = json!(monitor_file(remote, &names).expect("a monitor"))
            }
            Kind::Slo => slos[name] = json!(slo_file(remote, &names).expect("an SLO")),
            Kind::Dashboard => {
                dashboards[name] = json!(dashboard_file(remote, &names).expect("a dashboard"))
            }
        }
    }
    for monitor in monitors.as_object_mut().expect("a map").values_mut() {
        let rules = ["labels", "runbook"];
        monitor["waive"] = rules
            .iter()
            .map(|rule| json!({ "rule": rule, "reason": "imported" }))
            .collect();
    }
    let text =
        yaml::write(&json!({ "monitors": monitors, "slos": slos, "dashboards": dashboards }));
    let inputs = Inputs {
        files: vec![Source {
            path: "imported.yaml".into(),
            text,
        }],
        ..Inputs::default()
    };
    let imported = load(&inputs).unwrap_or_else(|problems| panic!("{}", problems[0]));
    let plan = plan(
        &imported.objects,
        &remote,
        &Options::new(&imported.namespace),
    )
    .expect("a plan");
    assert_eq!(
        plan.count(Action::Adopt),
        plan.operations.len(),
        "{}",
        alerting::plan::text(&plan)
    );
    assert_eq!(plan.operations.len(), remote.len());
}

/// An option that is compared can be written in a file, and the other way round.
#[test]
fn the_options_of_files_are_the_options_that_are_compared() {
    let schema = alerting::definition::definitions_schema();
    let properties = schema["$defs"]["MonitorOptions"]["properties"]
        .as_object()
        .expect("properties");
    let mut written: Vec<&str> = properties
        .keys()
        .map(String::as_str)
        .chain(["thresholds"])
        .collect();
    written.sort_unstable();
    assert_eq!(written, normal::MONITOR_OPTIONS);
}

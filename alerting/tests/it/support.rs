//! What several tests need: the shipped definitions, and a server that answers like the real one.

use std::fs;
use std::path::{Path, PathBuf};

use alerting::object::{Kind, Object, Remote};
use alerting::set::{Inputs, Set, Source, load};
use serde_json::{Value, json};

/// The repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn sources(folder: &str, found: &mut Vec<Source>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(root().join(folder))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    entries.sort();
    for entry in entries {
        let name = entry
            .file_name()
            .and_then(|name| name.to_str())
            .expect("a name");
        let path = format!("{folder}/{name}");
        if entry.is_dir() {
            sources(&path, found);
        } else {
            found.push(Source {
                text: fs::read_to_string(&entry).expect("a text"),
                path,
            });
        }
    }
}

/// What the repository ships, for an environment; fails the test with every problem.
pub(crate) fn shipped(environment: &str) -> Set {
    let mut files = Vec::new();
    for folder in ["monitors", "slos", "dashboards"] {
        sources(folder, &mut files);
    }
    let runbooks = fs::read_dir(root().join("docs/runbooks")).expect("runbooks");
    let runbooks = runbooks.filter_map(|entry| {
        entry
            .ok()?
            .file_name()
            .to_str()?
            .strip_suffix(".md")
            .map(str::to_owned)
    });
    let project = fs::read_to_string(root().join("monitors.yaml")).expect("the project file");
    let inputs = Inputs {
        project: Some(Source {
            path: "monitors.yaml".into(),
            text: project,
        }),
        files,
        runbooks: Some(runbooks.collect()),
        environment: Some(environment.into()),
        ..Inputs::default()
    };
    load(&inputs).unwrap_or_else(|problems| {
        panic!(
            "{}",
            problems
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("\n")
        )
    })
}

/// The object as the server answers it: fields added, numbers as floats, tags in another order.
pub(crate) fn served(object: &Object, id: &str) -> Remote {
    let mut value = object.payload.clone();
    value["id"] = id.parse::<u64>().map_or_else(|_| json!(id), |id| json!(id));
    if let Some(tags) = value["tags"].as_array_mut() {
        tags.reverse();
    }
    if object.kind == Kind::Monitor {
        for field in [
            "created",
            "modified",
            "deleted",
            "creator",
            "restricted_roles",
            "restriction_policy",
        ] {
            value[field] = Value::Null;
        }
        value["overall_state"] = json!("OK");
        value["multi"] = json!(false);
        value["options"]["silenced"] = json!({});
        value["options"]["notify_audit"] = json!(false);
        value["options"]["new_host_delay"] = json!(300);
        for threshold in value["options"]["thresholds"]
            .as_object_mut()
            .into_iter()
            .flat_map(|map| map.values_mut())
        {
            *threshold = threshold.as_f64().map_or(Value::Null, Value::from);
        }
    }
    if object.kind == Kind::Slo {
        value["type_id"] = json!(1);
        value["timeframe"] = json!("7d");
        value["creator"] = json!({ "email": "a@example.com" });
        for threshold in value["thresholds"].as_array_mut().into_iter().flatten() {
            threshold["target_display"] = json!("99.");
        }
    }
    if object.kind == Kind::Dashboard {
        value["author_handle"] = json!("a@example.com");
        value["is_read_only"] = json!(false);
        value["restricted_roles"] = json!([]);
        add_widget_ids(&mut value["widgets"], 1);
    }
    Remote::new(object.kind, value).expect("an id")
}

fn add_widget_ids(widgets: &mut Value, first: u64) {
    for (index, widget) in widgets.as_array_mut().into_iter().flatten().enumerate() {
        widget["id"] = json!(first + index as u64);
        add_widget_ids(
            &mut widget["definition"]["widgets"],
            1_000 * (first + index as u64),
        );
        if widget["definition"]["widgets"].is_null() {
            widget["definition"]
                .as_object_mut()
                .expect("a definition")
                .shift_remove("widgets");
        }
    }
}

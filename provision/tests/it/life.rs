//! The life of a namespace: created, unchanged, changed, protected, destroyed.

use crate::fixture::{dashboards, linked, monitors, project, slos, small};
use crate::harness::{Project, StandIn};

#[test]
fn apply_creates_everything_once() {
    let (org, project) = (StandIn::start(), Project::new(&small("shop-test")));
    project.run(&org.url, &["check"]).exits(0);
    project
        .run(&org.url, &["plan", "--detailed-exitcode"])
        .exits(2);
    let run = project.apply(&org);
    assert!(
        run.out
            .contains("11 created, 0 updated, 0 adopted, 0 deleted."),
        "{}",
        run.out
    );
    assert_eq!(org.everything().len(), 11);
    let before = org.count("writes");
    let run = project.apply(&org);
    assert!(
        run.out
            .contains("0 to create, 0 to update, 0 to delete; 11 unchanged."),
        "{}",
        run.out
    );
    assert_eq!(org.count("writes"), before, "the second apply wrote");
    project
        .run(&org.url, &["plan", "--detailed-exitcode"])
        .exits(0);
    project
        .run(&org.url, &["drift", "--detailed-exitcode"])
        .exits(0);
}

#[test]
fn the_shipped_definitions_apply_and_stay() {
    let org = StandIn::start();
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let anywhere = Project::new(&[]);
    for env in ["dev", "prod"] {
        anywhere
            .run(&org.url, &["apply", "--yes", "--dir", root, "--env", env])
            .exits(0);
    }
    for env in ["dev", "prod"] {
        let plan = ["plan", "--dir", root, "--env", env, "--detailed-exitcode"];
        let run = anywhere.run(&org.url, &plan).exits(0);
        assert!(
            run.out.contains("0 to create, 0 to update, 0 to delete"),
            "{}",
            run.out
        );
    }
}

#[test]
fn the_state_survives_a_restart_of_the_stand_in() {
    let (mut org, project) = (StandIn::start(), Project::new(&small("shop-test")));
    project.apply(&org);
    let sorted = |org: &StandIn| {
        let mut all = org.everything();
        all.sort_by_key(|(kind, one)| (*kind, one["id"].to_string()));
        all
    };
    let before = sorted(&org);
    org.restart();
    assert_eq!(sorted(&org), before);
    project.assert_no_changes(&org);
}

#[test]
fn edits_renames_and_removals_are_carried_out_in_order() {
    let (org, project) = (StandIn::start(), Project::new(&small("shop-test")));
    project.apply(&org);
    project.write(&[
        // queue-3 goes, the others get another threshold.
        ("monitors/queues.yaml", monitors("queue", 3, 200)),
        // `both` is renamed: its title stays, so that it is updated in place.
        (
            "monitors/linked.yaml",
            linked("queue").replace("  both:", "  pair:"),
        ),
        ("slos/slos.yaml", slos("queue", 2, "99.9")),
        ("dashboards/boards.yaml", dashboards("queue", 1, "Later")),
    ]);
    let both = |org: &StandIn| {
        let found = org
            .everything()
            .into_iter()
            .find(|(_, one)| one["name"] == "Both queues grow");
        found.expect("the composite").1["id"].clone()
    };
    let id = both(&org);
    let run = project
        .run(&org.url, &["apply", "--yes", "--max-delete-percent", "50"])
        .exits(0);
    assert!(
        run.out
            .contains("0 created, 7 updated, 0 adopted, 3 deleted."),
        "{}",
        run.out
    );
    assert_eq!(both(&org), id);
    assert_eq!(org.everything().len(), 8);
    project.assert_no_changes(&org);
}

/// The API does not change types: everything that links to the object follows to the new one.
#[test]
fn a_change_of_type_replaces_the_object_and_its_links() {
    let (org, project) = (StandIn::start(), Project::new(&small("shop-test")));
    project.apply(&org);
    let text = monitors("queue", 4, 100);
    let (first, rest) = text.split_at(text.find("  queue-1:").expect("the second monitor"));
    let query = "query: \"min(last_15m):max:ecommerce.queue.depth{env:${env},queue:queue-0} > ${critical}\"";
    assert!(first.contains(query), "{first}");
    let first = first
        .replace(query, "query: 'logs(\"service:queue-0\").index(\"*\").rollup(\"count\").last(\"15m\") > ${critical}'")
        .replace("type: query alert", "type: log alert")
        .replace("options: { require_full_window: false }", "options: {}");
    project.write(&[("monitors/queues.yaml", format!("{first}{rest}"))]);
    let run = project.run(&org.url, &["plan"]).exits(0);
    assert!(
        run.out.contains("its type changes, so it is created anew"),
        "{}",
        run.out
    );
    project.apply(&org);
    project.assert_no_changes(&org);
    let all = org.everything();
    assert_eq!(all.len(), 11);
    let find = |name: &str| {
        &all.iter()
            .find(|(_, one)| one["name"] == name)
            .expect("the object")
            .1
    };
    let id = find("Queue queue 0 grows")["id"].to_string();
    assert!(
        find("Both queues grow")["query"]
            .as_str()
            .is_some_and(|query| query.starts_with(&id))
    );
}

#[test]
fn only_what_was_asked_for_is_changed() {
    let (org, project) = (StandIn::start(), Project::new(&small("shop-test")));
    let run = project
        .run(&org.url, &["apply", "--yes", "--only", "queue-*"])
        .exits(0);
    assert!(run.out.contains("4 created"), "{}", run.out);
    assert_eq!(org.everything().len(), 4);
}

#[test]
fn what_others_made_is_never_touched() {
    let (org, project) = (StandIn::start(), Project::new(&small("shop-test")));
    let other = Project::new(&small("shop-other"));
    other.apply(&org);
    let mut foreign = org.everything();
    project.apply(&org);
    project.run(&org.url, &["destroy", "--yes"]).exits(0);
    let mut left = org.everything();
    let by_id = |(kind, one): &(&'static str, serde_json::Value)| (*kind, one["id"].to_string());
    foreign.sort_by_key(by_id);
    left.sort_by_key(by_id);
    assert_eq!(left, foreign);
}

#[test]
fn deleting_much_needs_to_be_meant() {
    let (org, project) = (StandIn::start(), Project::new(&small("shop-test")));
    project.apply(&org);
    let empty = Project::new(&[project_file()]);
    let run = empty.run(&org.url, &["apply", "--yes"]).exits(3);
    assert!(run.err.contains("--allow-delete-all"), "{}", run.err);
    let few = Project::new(&[
        project_file(),
        ("monitors/queues.yaml", monitors("queue", 4, 100)),
    ]);
    let run = few.run(&org.url, &["apply", "--yes"]).exits(3);
    assert!(run.err.contains("--max-delete-percent"), "{}", run.err);
    assert_eq!(org.everything().len(), 11);
    few.run(&org.url, &["apply", "--yes", "--max-delete-percent", "100"])
        .exits(0);
    assert_eq!(org.everything().len(), 4);
    empty
        .run(&org.url, &["apply", "--yes", "--allow-delete-all"])
        .exits(0);
    assert_eq!(org.everything(), []);
}

fn project_file() -> (&'static str, String) {
    project("shop-test")
}

#[test]
fn nothing_happens_without_a_terminal_or_a_yes() {
    let (org, project) = (StandIn::start(), Project::new(&small("shop-test")));
    let run = project.run(&org.url, &["apply"]).exits(3);
    assert!(run.err.contains("--yes"), "{}", run.err);
    assert_eq!(org.count("writes"), 0);
}

#[test]
fn a_failure_is_named_with_what_needs_it_and_the_rest_goes_on() {
    let (org, project) = (StandIn::start(), Project::new(&small("shop-test")));
    let slos = slos("queue", 3, "99.5");
    let start = slos.find("  slo-0:").expect("the first SLO");
    let end = slos.find("  slo-1:").expect("the second SLO");
    let gone = "  slo-0:\n    name: Objective 0\n    type: monitor\n    monitor_ids: [999]\n    thresholds:\n      \
                - { timeframe: 30d, target: 99.5 }\n";
    let broken = format!("{}{gone}{}", &slos[..start], &slos[end..]);
    project.write(&[("slos/slos.yaml", broken)]);
    let run = project.run(&org.url, &["apply", "--yes"]).exits(1);
    assert!(run.out.contains("7 created"), "{}", run.out);
    for line in [
        "failed: create slo slo-0: the API refused (400): Some monitor IDs are invalid",
        "failed: create monitor burn: needs slo slo-0, which does not exist",
        "failed: create dashboard board-0: needs slo slo-0, which does not exist",
    ] {
        assert!(run.out.contains(line), "{}", run.out);
    }
    project.write(&[("slos/slos.yaml", slos)]);
    let run = project.apply(&org);
    assert!(run.out.contains("4 created"), "{}", run.out);
}

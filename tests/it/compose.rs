//! The files in `compose/`, the `Dockerfile` and the `Makefile`: what they promise holds, and would be missed.
//!
//! No container is started here: there need not be a container engine where the tests run. Compose itself merges the
//! files, and the requirements are asserted on what it makes of them.

mod broken;
mod commands;
mod files;
mod rehearsal;
mod rules;
mod shop_commands;
mod together;
mod tool;
mod value;

use rules::findings;
use tool::{Compose, Shape};

fn keeps_every_rule(shape: Shape) {
    let found = findings(&Compose::new().shape(shape), shape);
    assert!(found.is_empty(), "{shape:?}: {found:#?}");
}

#[test]
fn production_keeps_every_rule() {
    keeps_every_rule(Shape::Production);
}

#[test]
fn development_keeps_every_rule() {
    keeps_every_rule(Shape::Development);
}

#[test]
fn a_container_added_carelessly_is_reported() {
    let compose = Compose::new();
    let careless =
        "services:\n  careless:\n    image: nginx\n    ports: ['80:80']\n    networks: [public]\n";
    std::fs::write(compose.path("careless.yaml"), careless).expect("a file");
    let merged = compose.merged(&["compose.yaml", "careless.yaml"]);
    let found = findings(&merged, Shape::Production);
    assert!(found.iter().all(|finding| finding.container == "careless"));
    assert_eq!(found.len(), 16, "all but what it depends on: {found:#?}");
}

/// The variables without which the files are refused.
fn required(text: &str) -> Vec<String> {
    let mut names: Vec<String> = text
        .split("${")
        .skip(1)
        .filter_map(|rest| Some(rest.split('}').next()?.split_once(":?")?.0.to_owned()))
        .collect();
    names.sort();
    names.dedup();
    names
}

#[test]
fn every_secret_that_is_missing_is_named_with_the_remedy() {
    let compose = Compose::new();
    let file = std::fs::read_to_string("compose/compose.yaml").expect("the file");
    let values = std::fs::read_to_string(compose.path(".env")).expect("the values");
    let names = required(&file);
    assert_eq!(names.len(), 11, "{names:?}");
    for name in names {
        let line = format!("{name}=");
        assert!(
            values
                .lines()
                .any(|l| l.starts_with(&line) && l.len() > line.len() + 32),
            "{name}"
        );
        let without: Vec<_> = values.lines().filter(|l| !l.starts_with(&line)).collect();
        std::fs::write(compose.path(".env"), without.join("\n")).expect("a file");
        let output = compose.config(&["compose.yaml"]);
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{name}");
        assert!(
            complaint.contains(&name) && complaint.contains("compose/credentials"),
            "{complaint}"
        );
    }
}

//! What the containers tell the shop's program, held against that program.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::tool::{Compose, Merged, Shape};
use super::value::{list, text};

/// What the client of SQS reads by itself.
const READ_ELSEWHERE: &str = "AWS_SECRET_ACCESS_KEY";

pub(crate) fn shop_containers(merged: &Merged) -> impl Iterator<Item = (&String, &Value)> {
    let services = merged.services().iter();
    services.filter(|(_, it)| text(&it["image"]).starts_with("loadgen-shop:"))
}

/// Whether the shop's command line takes these words; nothing is run.
fn parses(words: &[String]) -> Result<(), String> {
    let output = Command::new(env!("CARGO_BIN_EXE_loadgen"))
        .arg("shop")
        .args(words)
        .arg("--help")
        .output()
        .expect("loadgen runs");
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() {
        Ok(())
    } else {
        Err(complaint)
    }
}

#[test]
fn every_command_and_health_check_is_one_that_the_shop_has() {
    let merged = Compose::new().shape(Shape::Production);
    let mut containers = 0;
    for (name, it) in shop_containers(&merged) {
        let command = list(&it["command"]);
        let check = list(&it["healthcheck"]["test"]);
        assert_eq!(check[..2], ["CMD", "shop"], "{name}");
        for words in [&command[..], &check[2..]] {
            assert_eq!(parses(words), Ok(()), "{name}: {words:?}");
        }
        containers += 1;
    }
    assert_eq!(containers, 13);
    let wrong = ["serve", "--service", "carts"].map(str::to_owned);
    assert!(parses(&wrong).is_err_and(|complaint| complaint.contains("carts")));
}

/// The variables that the shop's command line reads.
fn variables(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            variables(&path, found);
        } else if let Ok(text) = fs::read_to_string(&path) {
            let names = text.split("env = \"").skip(1);
            found.extend(names.filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())));
            // Those of telemetry are read by it, and said in the help.
            let names = text.split("[env: ").skip(1);
            found.extend(names.filter_map(|rest| Some(rest.split_once(']')?.0.to_owned())));
        }
    }
}

#[test]
fn every_variable_is_one_that_the_shop_reads() {
    let mut known = BTreeSet::from([READ_ELSEWHERE.to_owned()]);
    variables(Path::new("shop/src"), &mut known);
    let merged = Compose::new().shape(Shape::Production);
    for (name, it) in shop_containers(&merged) {
        let given = it["environment"].as_object().expect("variables").keys();
        let unknown: Vec<_> = given
            .filter(|variable| !known.contains(*variable))
            .collect();
        assert!(
            unknown.is_empty(),
            "{name}: the shop does not read {unknown:?}"
        );
    }
}

//! Every file in `tests/bad-scenarios/` is refused with exit code 2 and exactly the message of its snapshot.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const FOLDER: &str = "tests/bad-scenarios";
/// What a demanding reader was promised: at least so many bad files.
const FILES_MIN: usize = 45;

fn files() -> Vec<PathBuf> {
    let folder = fs::read_dir(FOLDER).expect("the folder of bad files");
    let paths = folder.map(|entry| entry.expect("an entry of the folder").path());
    let mut files: Vec<PathBuf> = paths
        .filter(|path| path.extension().is_some_and(|kind| kind == "yaml"))
        .collect();
    files.sort();
    files
}

/// Exit code, data, and what is said beside it.
fn check(arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loadgen"));
    let output = command
        .arg("check")
        .args(arguments)
        .output()
        .expect("loadgen check runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8 output");
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn every_bad_file_is_refused_with_its_message() {
    let files = files();
    assert!(files.len() >= FILES_MIN, "only {} bad files", files.len());
    // A hidden secret's hash differs from process to process.
    let hashes = regex::Regex::new("‹secret [0-9a-f]{8}›").expect("a pattern");
    for file in &files {
        let path = file.to_str().expect("a path in UTF-8");
        let (code, out, err) = check(&[path]);
        assert_eq!(code, Some(2), "{path}: {err}");
        assert_eq!(out, "", "{path}");
        assert!(!err.contains("please report this"), "{path}: {err}");
        let name = file
            .file_stem()
            .and_then(|stem| stem.to_str())
            .expect("a file name");
        let err = hashes.replace_all(&err, "‹secret 00000000›").into_owned();
        insta::assert_snapshot!(name, err);
    }
}

#[test]
fn no_snapshot_is_left_without_its_file() {
    let mut names: BTreeSet<String> = files()
        .iter()
        .filter_map(|file| {
            Some(format!(
                "it__bad_scenarios__{}.snap",
                file.file_stem()?.to_str()?
            ))
        })
        .collect();
    names.insert("it__bad_scenarios__flag_overrides.snap".to_owned());
    for entry in fs::read_dir("tests/it/snapshots").expect("snapshots") {
        let name = entry
            .expect("a snapshot")
            .file_name()
            .into_string()
            .expect("UTF-8");
        assert!(
            names.contains(&name) || !name.starts_with("it__bad_scenarios__"),
            "{name} belongs to no file"
        );
    }
}

#[test]
fn json_output_names_place_text_and_remedy() {
    let path = format!("{FOLDER}/unknown-key-phase.yaml");
    let (code, out, err) = check(&[&path, "--format", "json"]);
    assert_eq!((code, err.as_str()), (Some(2), ""));
    let files: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    let problem = &files[0]["problems"][0];
    assert_eq!(problem["file"], path.as_str());
    assert_eq!(
        (&problem["line"], &problem["column"]),
        (&5.into(), &35.into())
    );
    assert_eq!(problem["text"], "rat");
    assert_eq!(problem["help"][0], "did you mean `rate`?");
}

#[test]
fn mistakes_in_overrides_point_at_the_flag() {
    let good = "scenarios/checkout-storm.yaml";
    assert!(Path::new(good).is_file());
    let (code, _, err) = check(&[
        good,
        "--set",
        "load.phases.spike.rate=10/x",
        "--set",
        "load.phases.9.rate=1/s",
    ]);
    assert_eq!(code, Some(2));
    insta::assert_snapshot!("flag_overrides", err);
}

//! Every place that can drop a future half-way is listed, with what becomes of the work, in `docs/decisions/cancellation.md`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What drops a future before its end, besides time limits.
const DROPS: [&str; 3] = ["select! {", ".abort()", "shutdown().await"];

const SOURCES: [&str; 6] = [
    "src",
    "shop/src",
    "telemetry/src",
    "alerting/src",
    "checked-yaml/src",
    "provision/src",
];

fn files_under(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files_under(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// The part of a file that is no test; nothing of a file of tests.
fn product(path: &Path) -> String {
    let is_test = |part: &std::ffi::OsStr| {
        ["tests", "tests.rs", "contract.rs"]
            .iter()
            .any(|name| part == *name)
    };
    if path.iter().any(is_test) {
        return String::new();
    }
    let text = fs::read_to_string(path).expect("a source");
    text.split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or_default()
        .to_owned()
}

fn drops(text: &str) -> bool {
    DROPS.iter().any(|word| text.contains(word)) || limits_a_future(text)
}

/// A call of one of the functions that limit a future in time, not of a method or a function of a longer name.
fn limits_a_future(text: &str) -> bool {
    ["timeout(", "timeout_at(", "within_limit("]
        .iter()
        .any(|call| {
            text.match_indices(call).any(|(at, _)| {
                text[..at].ends_with([' ', ':', '(']) && !text[..at].ends_with("fn ")
            })
        })
}

#[test]
fn every_place_that_drops_a_future_is_accounted_for() {
    let mut files = Vec::new();
    for folder in SOURCES {
        files_under(Path::new(folder), &mut files);
    }
    let dropping: BTreeSet<String> = files
        .iter()
        .filter(|path| drops(&product(path)))
        .map(|path| path.display().to_string())
        .collect();
    let page = fs::read_to_string("docs/decisions/cancellation.md").expect("the page");
    let listed: BTreeSet<String> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .map(str::to_owned)
        .collect();
    let unlisted: Vec<_> = dropping.difference(&listed).collect();
    assert!(
        unlisted.is_empty(),
        "say on the page what becomes of the work: {unlisted:?}"
    );
    let gone: Vec<_> = listed.difference(&dropping).collect();
    assert!(
        gone.is_empty(),
        "nothing is dropped there any more: {gone:?}"
    );
}

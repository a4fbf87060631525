//! Definition files with a mistake each: what is said about them, with file, line, rule and remedy.

use std::fs;
use std::path::{Path, PathBuf};

use alerting::rules::RULES;
use alerting::set::{Inputs, Source, load};

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad");
    let entries = fs::read_dir(folder).expect("the folder");
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    files
}

/// The rule that the first line names; empty for what the schema finds.
fn expected_rule(text: &str) -> &str {
    text.lines()
        .next()
        .and_then(|line| line.strip_prefix("# rule:"))
        .expect("a rule")
        .trim()
}

fn report(name: &str, text: &str) -> String {
    let project =
        "namespace: shop\nprofile: house\nservices: [rum-shop-cart]\nenvironments: { dev: {} }\n";
    let inputs = Inputs {
        project: Some(Source {
            path: "monitors.yaml".to_owned(),
            text: project.to_owned(),
        }),
        files: vec![Source {
            path: format!("bad/{name}.yaml"),
            text: text.to_owned(),
        }],
        runbooks: Some(vec!["known".to_owned()]),
        environment: Some("dev".to_owned()),
        namespace: Some("shop".to_owned()),
        variables: vec![
            ("runbooks".to_owned(), "https://example.com".to_owned()),
            ("site".to_owned(), "https://app.datadoghq.com".to_owned()),
        ],
        ..Inputs::default()
    };
    let problems = load(&inputs)
        .err()
        .unwrap_or_else(|| panic!("{name}: no problem was found"));
    problems.iter().map(ToString::to_string).collect()
}

#[test]
fn each_is_told_with_file_line_rule_and_remedy() {
    let files = files();
    assert!(files.len() >= 60, "{}", files.len());
    for file in files {
        let text = fs::read_to_string(&file).expect("a text");
        let name = file
            .file_stem()
            .and_then(|stem| stem.to_str())
            .expect("a name");
        let report = report(name, &text);
        let rule = expected_rule(&text);
        assert!(
            rule.is_empty() || report.contains(&format!("[{rule}]")),
            "{name} should break {rule}:\n{report}"
        );
        assert!(
            report.contains(&format!("bad/{name}.yaml:")),
            "{name} has no place:\n{report}"
        );
        assert!(report.contains("help:"), "{name} has no remedy:\n{report}");
        insta::assert_snapshot!(name, report);
    }
}

#[test]
fn every_rule_has_a_file_that_breaks_it() {
    let texts: Vec<String> = files()
        .iter()
        .map(|file| fs::read_to_string(file).expect("a text"))
        .collect();
    let covered: Vec<&str> = texts.iter().map(|text| expected_rule(text)).collect();
    // A name twice in one file is the parser's find; over two files it is tested below.
    for rule in RULES.iter().filter(|rule| rule.name != "unique-name") {
        assert!(covered.contains(&rule.name), "{} has no file", rule.name);
    }
}

#[test]
fn a_name_in_two_files_is_told_with_both_places() {
    let text = "slos:\n  payments:\n    name: P\n    type: monitor\n    team: orders\n    monitor_ids: [1]\n    \
                thresholds: [{ timeframe: 7d, target: 99 }]\n";
    let file = |path: &str| Source {
        path: path.into(),
        text: text.into(),
    };
    let inputs = Inputs {
        files: vec![file("slos/a.yaml"), file("slos/b.yaml")],
        ..Inputs::default()
    };
    let problems = load(&inputs).expect_err("a duplicate");
    insta::assert_snapshot!(problems[0].to_string());
}

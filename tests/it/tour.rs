//! A tour of a web application that others wrote: what the language can say, a server that knows nothing of it understands.

use std::collections::BTreeSet;
use std::path::Path;

use test_servers::httpbin::HttpbinServer;

use crate::support::{Run, assert_adds_up, errors};

/// The tour has grown to this many steps; fewer would be a loss.
const STEPS_MIN: usize = 80;

#[test]
fn every_route_of_httpbin_that_fits_is_as_expected() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tour/httpbin.yaml");
    let server = HttpbinServer::start();
    let run = Run::of_file(&file).with(&["--target", &server.url()]);
    let (ended, report) = run.finish();
    assert!(errors(&report).is_empty(), "{}{}", ended.out, ended.err);
    assert_eq!(ended.code(), 0, "{}{}", ended.out, ended.err);
    assert_adds_up(&report);
    assert_eq!(report.accounting.completed, 1);
    let once = report.steps.iter().filter(|step| step.ok == 1);
    let steps: BTreeSet<&str> = once.map(|step| step.step.as_str()).collect();
    assert!(steps.len() >= STEPS_MIN, "{} steps", steps.len());
    assert_eq!(steps.len(), report.steps.len(), "{steps:?}");
}

#[test]
fn every_step_of_the_tour_is_checked() {
    let text = include_str!("../tour/httpbin.yaml");
    let lines = |key: &str| text.lines().filter(|line| line.starts_with(key)).count();
    let (names, checks) = (lines("        name: "), lines("        check:"));
    assert!(names >= STEPS_MIN, "{names}");
    assert_eq!(names, checks);
}

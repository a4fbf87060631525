//! From an org that others filled to files that change nothing.

use crate::foreign::fill;
use crate::harness::{Project, StandIn};

/// Imports an org into a folder of its own.
pub(crate) fn imported(org: &StandIn) -> Project {
    let project = Project::new(&[]);
    let run = project.run(&org.url, &["import", "--out", "."]).exits(0);
    assert!(!run.out.contains("left out"), "{}", run.out);
    project
}

#[test]
fn an_imported_org_plans_to_no_change() {
    let foreign = fill();
    assert!(foreign.count >= 40, "{}", foreign.count);
    let project = imported(&foreign.org);
    let before = foreign.org.everything();
    project.run(&foreign.org.url, &["check"]).exits(0);
    // The marks that are still to come are changes too.
    project
        .run(&foreign.org.url, &["plan", "--detailed-exitcode"])
        .exits(2);
    let plan = project.plan(&foreign.org);
    let count = |action: &str| plan["summary"][action].as_u64().unwrap_or_default() as usize;
    assert_eq!(
        count("create") + count("update") + count("delete"),
        0,
        "{plan:#}"
    );
    assert_eq!(count("adopt"), foreign.count);
    assert_eq!(foreign.org.everything(), before);
    // Taking the objects over adds the mark and nothing else; then there is nothing left to do.
    project.apply(&foreign.org);
    assert_eq!(foreign.org.everything().len(), foreign.count);
    project.assert_no_changes(&foreign.org);
    // The usual form is what is written.
    project.run(&foreign.org.url, &["fmt", "--check"]).exits(0);
}

#[test]
fn the_files_of_a_namespace_can_be_recovered() {
    let foreign = fill();
    imported(&foreign.org).apply(&foreign.org);
    let recovered = Project::new(&[]);
    let args = ["import", "--out", ".", "--managed", "imported-main"];
    recovered.run(&foreign.org.url, &args).exits(0);
    recovered.assert_no_changes(&foreign.org);
}

#[test]
fn existing_files_are_not_overwritten() {
    let foreign = fill();
    let project = imported(&foreign.org);
    let run = project
        .run(&foreign.org.url, &["import", "--out", "."])
        .exits(1);
    assert!(run.err.contains("these files exist"), "{}", run.err);
}

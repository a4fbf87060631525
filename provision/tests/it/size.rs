//! A large org: fifty milliseconds for every answer, the usual limits.

use std::time::Instant;

use serde_json::json;

use crate::fixture::{dashboards, monitors, project, slos};
use crate::harness::{Project, StandIn};

/// What a plan and an apply without changes may take.
const SECONDS_MAX: f64 = 10.0;

#[test]
fn a_large_org_plans_and_stays_within_ten_seconds() {
    let files = [
        project("shop-test"),
        ("monitors/queues.yaml", monitors("queue", 500, 100)),
        ("slos/slos.yaml", slos("queue", 100, "99.5")),
        ("dashboards/boards.yaml", dashboards("queue", 50, "Now")),
    ];
    let (org, project) = (StandIn::start(), Project::new(&files));
    // Filling it is not what is measured.
    let wide = json!({ "requests": 10_000, "period_s": 10 });
    org.put(
        "/_control/limits",
        &json!({ "monitor_write": wide, "slo_write": wide, "dashboard_write": wide }),
    );
    project.apply(&org);
    org.faults(&json!({ "latency_ms": 50 }));
    for args in [&["plan", "--detailed-exitcode"][..], &["apply", "--yes"]] {
        let start = Instant::now();
        let run = project.run(&org.url, args).exits(0);
        let seconds = start.elapsed().as_secs_f64();
        eprintln!("{} of 650 objects: {seconds:.2} s", args[0]);
        assert!(run.out.contains("650 unchanged"), "{}", run.out);
        assert!(seconds <= SECONDS_MAX, "{} took {seconds} s", args[0]);
    }
    assert_eq!(org.count("over_limit"), 0);
}

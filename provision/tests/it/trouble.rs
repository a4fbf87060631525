//! Rate limits, storms of failures, refusals.

use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::fixture::{linked, monitors, project, slos, small};
use crate::harness::{API_KEY, APP_KEY, Project, StandIn};

/// Three requests in ten fail, in every way that the API has.
#[test]
fn a_storm_delays_an_apply_and_nothing_else() {
    let files = [
        project("shop-test"),
        ("monitors/queues.yaml", monitors("queue", 24, 100)),
        ("monitors/linked.yaml", linked("queue")),
        ("slos/slos.yaml", slos("queue", 8, "99.5")),
        (
            "dashboards/boards.yaml",
            crate::fixture::dashboards("queue", 6, "Now"),
        ),
    ];
    let (org, project) = (StandIn::start(), Project::new(&files));
    org.faults(&json!({ "fail": 0.3, "slow_ms": 300 }));
    let run = project.apply(&org);
    assert!(run.out.contains("40 created"), "{}", run.out);
    let (requests, injected) = (org.count("requests"), org.count("injected"));
    assert!(injected * 5 > requests, "{injected} of {requests} failed");
    assert_eq!(org.count("over_limit"), 0);
    org.faults(&json!({}));
    assert_eq!(org.everything().len(), 40, "duplicates or gaps");
    project.assert_no_changes(&org);
    // And the way back.
    org.faults(&json!({ "fail": 0.3, "slow_ms": 300 }));
    project.run(&org.url, &["destroy", "--yes"]).exits(0);
    org.faults(&json!({}));
    assert_eq!(org.everything(), []);
}

/// Sixteen writes against four in two seconds need at least three full windows between them.
#[test]
fn no_request_is_sent_above_the_limit() {
    let files = [
        project("shop-test"),
        ("monitors/queues.yaml", monitors("queue", 16, 100)),
    ];
    let (org, project) = (StandIn::start(), Project::new(&files));
    // One write teaches the tool the limit; the others of that moment are on their way by then.
    org.put(
        "/_control/limits",
        &json!({ "monitor_write": { "requests": 8, "period_s": 2 } }),
    );
    let start = Instant::now();
    project.apply(&org);
    assert!(
        start.elapsed() >= Duration::from_secs(1),
        "too fast: {:?}",
        start.elapsed()
    );
    assert_eq!(org.count("over_limit"), 0);
    assert_eq!(org.everything().len(), 16);
}

#[test]
fn an_api_that_is_away_is_said_to_be_away() {
    let project = Project::new(&small("shop-test"));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let run = project.run(&url, &["plan"]).exits(1);
    assert!(run.err.contains("no answer from the API"), "{}", run.err);
}

/// A proxy that answers with what it was sent, keys and all.
#[test]
fn keys_that_an_answer_repeats_stay_hidden() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let echo = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let mut request = [0; 4096];
        let length = stream.read(&mut request).expect("a request");
        let text = String::from_utf8_lossy(&request[..length]).into_owned();
        assert!(text.contains(API_KEY) && text.contains(APP_KEY), "{text}");
        let body = json!({ "errors": [text] }).to_string();
        let head = format!(
            "HTTP/1.1 400 Bad Request\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        stream
            .write_all((head + &body).as_bytes())
            .expect("an answer");
    });
    let project = Project::new(&small("shop-test"));
    // The harness looks for the keys in all that is said.
    let run = project.run(&url, &["plan"]).exits(1);
    assert!(run.err.contains("‹key›"), "{}", run.err);
    echo.join().expect("it answered");
}

#[test]
fn a_delete_that_others_depend_on_says_so() {
    let (org, project) = (StandIn::start(), Project::new(&small("shop-test")));
    project.apply(&org);
    let queue = org
        .everything()
        .into_iter()
        .find(|(_, one)| one["name"] == "Queue queue 3 grows");
    let id = queue.expect("the monitor").1["id"].clone();
    org.post(
        "/api/v1/slo",
        &json!({ "name": "Theirs", "type": "monitor", "monitor_ids": [id],
                 "thresholds": [{ "timeframe": "7d", "target": 99 }] }),
    );
    project.write(&[("monitors/queues.yaml", monitors("queue", 3, 100))]);
    let run = project.run(&org.url, &["apply", "--yes"]).exits(1);
    assert!(run.out.contains("is referenced in slos"), "{}", run.out);
    assert!(run.out.contains("run apply again"), "{}", run.out);
}

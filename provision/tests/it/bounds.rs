//! What a server sends without an end is not read for ever, and a disk that fills leaves whole files.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Command;

use serde_json::{Value, json};

use crate::fixture::{project, small};
use crate::harness::Project;

/// Answers one request; lists of `endless` have another full page every time.
fn answer(mut stream: TcpStream, endless: &str) {
    let mut request = [0; 16 * 1024];
    let length = stream.read(&mut request).unwrap_or(0);
    let request = String::from_utf8_lossy(&request[..length]).into_owned();
    let is_for = |kind: &str| request.starts_with(&format!("GET /api/v1/{kind}"));
    let full = |kind: &str, count: usize| match endless == kind {
        true => vec![json!({ "id": 1 }); count],
        false => Vec::new(),
    };
    let body = if is_for("slo") {
        json!({ "data": full("slo", 1_000) })
    } else if is_for("dashboard") {
        json!({ "dashboards": full("dashboard", 100) })
    } else {
        Value::Array(full("monitor", 1_000))
    };
    let body = body.to_string();
    let head = format!("content-length: {}\r\nconnection: close", body.len());
    // A client that has given up reads nothing more.
    let _ = stream.write_all(format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{body}").as_bytes());
}

#[test]
fn a_list_without_an_end_is_an_error_and_no_short_list() {
    for (kind, named) in [
        ("monitor", "list of monitors"),
        ("slo", "list of SLOs"),
        ("dashboard", "list of dashboards"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        // Ends with the process of the test.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                std::thread::spawn(move || answer(stream, kind));
            }
        });
        let run = Project::new(&small("shop-test"));
        let run = run.run(&url, &["plan"]).exits(1);
        let said = run.err.contains(named) && run.err.contains("does not end: 200 pages");
        assert!(said, "{}", run.err);
    }
}

#[test]
fn definitions_that_do_not_fit_on_the_disk_stay_as_they_were() {
    let message = "m".repeat(4_096);
    let text = format!("monitors:\n  a:\n    message: {message}\n    query: q\n    name: n   \n");
    let definitions = ("monitors/a.yaml", text.clone());
    let project = Project::new(&[project("shop-test"), definitions]);
    let script = "trap '' XFSZ; ulimit -f 1; exec \"$0\" fmt";
    let output = Command::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_monitors")])
        .current_dir(project.path())
        .output()
        .expect("the command runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && said.contains("a.yaml"),
        "{said}"
    );
    let folder = project.path().join("monitors");
    let left = std::fs::read_to_string(folder.join("a.yaml")).expect("the file");
    assert_eq!(left, text);
    let files = std::fs::read_dir(folder).expect("the folder").count();
    assert_eq!(files, 1, "something is left beside it");
}

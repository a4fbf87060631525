//! Finished spans in a file, as a whole shop writes them.

use std::collections::HashSet;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use super::{Running, shop, wait_for_file};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

#[test]
fn a_request_leaves_one_connected_trace_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let (ready, file) = (
        folder.path().join("ready.json"),
        folder.path().join("spans.jsonl"),
    );
    let flags = [
        "--free-ports",
        "--lifeline",
        "--products",
        "50",
        "--ready-file",
        ready.to_str().unwrap(),
        // A quiet log does not thin out traces.
        "--log-level",
        "error",
        "--span-file",
        file.to_str().unwrap(),
    ];
    let running = Running::start(&mut shop(folder.path(), &flags));
    let told = wait_for_file(&ready);
    let gateway = told["services"]["gateway"].as_str().unwrap();
    let mut stream =
        std::net::TcpStream::connect(gateway.strip_prefix("http://").unwrap()).unwrap();
    let request = format!(
        "GET /api/products HTTP/1.1\r\nhost: shop\r\nconnection: close\r\ntraceparent: 00-{TRACE}-b7ad6b7169203331-01\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(running.finish().status.success());

    assert_eq!(
        std::fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let text = std::fs::read_to_string(&file).unwrap();
    let spans: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let own: Vec<&Value> = spans
        .iter()
        .filter(|span| span["trace_id"] == TRACE)
        .collect();
    let ids: HashSet<&str> = own
        .iter()
        .filter_map(|span| span["span_id"].as_str())
        .collect();
    let services: HashSet<&str> = own
        .iter()
        .filter_map(|span| span["service"].as_str())
        .collect();
    assert!(services.len() >= 2, "gateway and orders: {own:#?}");
    assert_eq!(ids.len(), own.len(), "each span once");
    for span in &own {
        let parent = span["parent_id"].as_str().unwrap();
        assert!(
            ids.contains(parent) || parent == "b7ad6b7169203331",
            "an orphan: {span}"
        );
        assert!(span["duration_ns"].as_u64().unwrap() > 0, "{span}");
    }
    let entry = |span: &&&Value| span["parent_id"] == "b7ad6b7169203331";
    assert_eq!(
        own.iter().filter(entry).count(),
        1,
        "one span takes the request: {own:#?}"
    );
}

#[test]
fn a_file_that_cannot_be_written_is_told_with_its_flag() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("none").join("spans.jsonl");
    let flags = ["--free-ports", "--span-file", file.to_str().unwrap()];
    let output = Running::start(&mut shop(folder.path(), &flags)).finish();
    assert!(!output.status.success());
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(
        text.contains("--span-file") && text.contains("spans.jsonl"),
        "{text}"
    );
}

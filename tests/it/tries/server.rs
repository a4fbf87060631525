//! The server that the inputs were written for: what it says depends on the path alone, and `/echo` repeats what was asked.

use std::io::Write;
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http_body_util::Full;
use hyper::Response;
use hyper::header::HeaderValue;
use serde_json::json;

use crate::echo::Recorded;

pub(super) const JSON: &str = "application/json";
const OK: &str = r#"{"ok":true}"#;

/// What `/slow` takes.
pub(super) const SLOW: Duration = Duration::from_millis(100);

/// What the server says at these paths: status, a header, and body.
const ANSWERS: [(&str, u16, (&str, &str), &str); 9] = [
    (
        "/login",
        200,
        ("set-cookie", "sid=s3cr3t; Path=/; HttpOnly"),
        OK,
    ),
    (
        "/logout-expires",
        200,
        (
            "set-cookie",
            "sid=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
        ),
        OK,
    ),
    (
        "/short-cookie",
        200,
        ("set-cookie", "sid=short; Path=/; Max-Age=1"),
        OK,
    ),
    (
        "/gzip",
        200,
        ("content-encoding", "gzip"),
        r#"{"token":"abc123","items":[1,2,3]}"#,
    ),
    ("/r-utf8", 302, ("location", "/café"), ""),
    (
        "/r-code",
        302,
        ("location", "/landing?code=abc&state=1"),
        "",
    ),
    (
        "/bigint",
        200,
        ("x-body", "large"),
        r#"{"snow":1954120123456789012}"#,
    ),
    (
        "/html",
        200,
        ("x-body", "html"),
        r#"<form><input name="csrf" value="a&#43;b&#x3D;&amp;c"></form>"#,
    ),
    (
        "/ids",
        200,
        ("x-body", "list"),
        r#"{"items":[{"id":7},{"id":8},{"id":9}]}"#,
    ),
];

/// Answers a request.
pub(super) fn answer(asked: &Recorded) -> Response<Full<Bytes>> {
    let path = asked.path.split('?').next().unwrap_or_default();
    let found = ANSWERS.iter().find(|answer| answer.0 == path);
    let (_, status, (name, value), body) =
        found.copied().unwrap_or(("", 200, ("x-body", "other"), OK));
    let body = match path {
        "/echo" => echoed(asked),
        "/gzip" => compressed(body.as_bytes()),
        _ => body.into(),
    };
    if path == "/slow" {
        // There is one thread for all connections, and one request at a time.
        std::thread::sleep(SLOW);
    }
    let kind = if path == "/html" {
        "text/html; charset=utf-8"
    } else {
        JSON
    };
    let value = HeaderValue::from_bytes(value.as_bytes()).expect("a value");
    let response = Response::builder().status(status);
    let response = response.header("content-type", kind).header(name, value);
    response.body(Full::from(body)).expect("a response")
}

/// What was asked, as the answer.
fn echoed(asked: &Recorded) -> Vec<u8> {
    let headers: serde_json::Map<_, _> = asked
        .headers
        .iter()
        .map(|(name, value)| (name.clone(), json!(value)))
        .collect();
    let said = json!({ "method": asked.method, "path": asked.path, "headers": headers, "body": asked.body });
    said.to_string().into_bytes()
}

fn compressed(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).expect("memory");
    encoder.finish().expect("memory")
}

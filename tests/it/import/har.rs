//! `loadgen import har`.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::replay::{Asked, Replay, path_of};
use super::{Source, fixture};

const PASSWORD: &str = "correct horse 9";
/// Made up by the recorded page.
const MADE_UP: &str = "8b0a4f6e-6f0e-4a52-9d0c-3f1f5d6f7a10";

/// What the browser really sent.
fn sent(har: &str) -> Vec<Value> {
    let har: Value = serde_json::from_str(har).expect("JSON");
    let entries = har["log"]["entries"].as_array().expect("entries").clone();
    entries
        .into_iter()
        .filter(|entry| entry["_fromCache"].is_null())
        .collect()
}

/// Method, path and body, comparable: of a form its fields, of what the page made up that it is there.
fn in_short(method: &str, path: &str, body: &str) -> String {
    let is_form = body.contains('=') && !body.contains(['{', '\n']);
    let body = match is_form {
        true => format!(
            "{:?}",
            url::form_urlencoded::parse(body.as_bytes()).collect::<Vec<_>>()
        ),
        false => body.to_owned(),
    };
    let uuid = regex::Regex::new("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
        .expect("a pattern");
    format!("{method} {path} {}", uuid.replace_all(&body, "¤"))
}

fn recorded(entries: &[Value]) -> Vec<String> {
    let short = |entry: &Value| {
        let text = entry["request"]["postData"]["text"]
            .as_str()
            .unwrap_or_default();
        let method = entry["request"]["method"].as_str().expect("a method");
        in_short(method, &path_of(entry), text)
    };
    entries.iter().map(short).collect()
}

fn asked(asked: &[Asked]) -> Vec<String> {
    let short = |asked: &Asked| in_short(&asked.method, &asked.path, &asked.body);
    asked.iter().map(short).collect()
}

/// A browser's session of more than thirty requests: the same go out again, in the same order.
#[test]
fn a_recorded_session_is_sent_again_in_the_same_order() {
    let har = fixture("shop.har");
    let entries = sent(&har);
    assert!(entries.len() >= 30);
    let source = Source::new("shop.har", &har);
    let environment = [("PASSWORD", PASSWORD)];
    let (text, err) = source.checked("har", &["--think", "none"], &environment);
    let replay = Replay::of(&entries);
    let failed = source.run(&replay.url(), &environment);
    assert!(failed.is_empty(), "{failed:?}\n{text}");
    assert_eq!(asked(&replay.asked()), recorded(&entries), "{text}");
    for secret in [PASSWORD, "correct+horse", MADE_UP, "tok-"] {
        assert!(
            !text.contains(secret) && !err.contains(secret),
            "{secret} in\n{text}\n{err}"
        );
    }
    assert!(
        err.contains("PASSWORD") && err.contains("from the browser's own cache"),
        "{err}"
    );
    // Who logs in gets what a real session would: the cookie, the token and the id of its own order.
    let seen = replay.asked();
    let order = seen
        .iter()
        .find(|asked| asked.method == "POST" && asked.path == "/api/orders");
    let headers = &order.expect("an order").headers;
    assert!(
        headers
            .iter()
            .any(|(name, value)| name == "authorization" && value.starts_with("Bearer tok-"))
    );
    assert!(
        headers
            .iter()
            .any(|(name, value)| name == "cookie" && value.contains("sid="))
    );
}

/// Values that a server makes anew for each session come from its answers, not from the file.
#[test]
fn values_of_answers_are_carried_along() {
    let har = fixture("shop.har");
    let source = Source::new("shop.har", &har);
    let environment = [("PASSWORD", PASSWORD)];
    source.checked("har", &["--think", "none"], &environment);
    // Another session: every token and the order's id are others.
    let mut other = har;
    let values = regex::Regex::new(
        r#"tok-[0-9a-f]{40}|csrf-token\\" content=\\"[^"\\]+|\\"id\\": \\"[0-9a-f]{16}"#,
    )
    .expect("a pattern");
    let found: BTreeSet<String> = values
        .find_iter(&other)
        .map(|found| found.as_str().to_owned())
        .collect();
    assert!(found.len() >= 3, "{found:?}");
    for value in found {
        let value = value.rsplit(['"', ' ']).next().expect("a value");
        let changed: String = value.chars().rev().collect();
        other = other.replace(value, &changed);
    }
    let entries = sent(&other);
    let replay = Replay::of(&entries);
    let failed = source.run(&replay.url(), &environment);
    assert!(failed.is_empty(), "{failed:?}");
    assert_eq!(asked(&replay.asked()), recorded(&entries));
}

#[test]
fn the_file_reads_well() {
    let source = Source::new("shop.har", &fixture("shop.har"));
    let (_, out, _) = source.import("har", &[]);
    insta::assert_snapshot!(out);
}

/// One entry of a HAR.
fn entry(at_ms: u64, took_ms: u64, method: &str, url: &str, status: u16) -> Value {
    json!({
        "startedDateTime": format!("2026-01-01T00:{:02}:{:02}.{:03}Z", at_ms / 60_000, at_ms / 1000 % 60, at_ms % 1000),
        "time": took_ms,
        "request": { "method": method, "url": url, "headers": [] },
        "response": { "status": status, "headers": [], "content": { "mimeType": "application/json", "text": "{}" } },
    })
}

fn har(entries: Vec<Value>) -> String {
    json!({ "log": { "version": "1.2", "entries": entries } }).to_string()
}

fn with(mut entry: Value, pointer: &str, value: Value) -> Value {
    let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
    entry.pointer_mut(parent).expect("a place")[key] = value;
    entry
}

/// What overlapped is sent together, what did not one after the other, with the pauses of people between.
#[test]
fn groups_and_pauses_are_those_of_the_recording() {
    let base = "http://shop.example";
    let get = |at, took, path: &str| entry(at, took, "GET", &format!("{base}{path}"), 200);
    let entries = vec![
        get(0, 100, "/a"),
        get(50, 100, "/b"),
        // Begins while /b is under way, but after /a was done: it may need what /a brought.
        get(120, 100, "/c"),
        get(300, 10, "/d"),
        get(1_530, 10, "/e"),
        get(14_000, 10, "/f"),
    ];
    let source = Source::new("x.har", &har(entries));
    let (text, _) = source.checked("har", &[], &[]);
    let steps = text.split("steps:\n").nth(1).expect("steps");
    let lines: Vec<&str> = steps
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with("check"))
        .collect();
    assert_eq!(
        lines,
        [
            "- together:",
            "- get: /a",
            "- get: /b",
            "- get: /c",
            "- get: /d",
            "- think: 1.2 s",
            "- get: /e",
            "- think: 12 s",
            "- get: /f"
        ]
    );
    let (text, _) = source.checked("har", &["--think", "none"], &[]);
    assert!(!text.contains("think"), "{text}");
}

#[test]
fn what_cannot_be_sent_is_left_out_and_counted() {
    let base = "https://shop.example";
    let page = with(
        entry(0, 5, "GET", &format!("{base}/"), 200),
        "/_resourceType",
        json!("document"),
    );
    let mut entries = vec![page];
    for (url, method, status) in [
        ("wss://shop.example/live", "GET", 101),
        ("data:text/plain,x", "GET", 200),
        ("chrome-extension://abc/x.js", "GET", 200),
        ("https://shop.example/blocked", "GET", 0),
        ("https://shop.example/dav", "PROPFIND", 207),
        ("https://cdn.example/lib.js", "GET", 200),
        ("https://shop.example/app.css", "GET", 200),
    ] {
        entries.push(entry(10, 5, method, url, status));
    }
    let source = Source::new("x.har", &har(entries));
    let (text, err) = source.checked("har", &["--no-assets"], &[]);
    for reason in [
        "1 WebSockets",
        "1 to `data:`",
        "1 to `chrome-extension:`",
        "1 without an answer",
        "method PROPFIND",
        "--host cdn.example",
        "1 style sheets",
    ] {
        assert!(
            err.contains(reason) && text.contains(reason),
            "{reason}: {err}\n{text}"
        );
    }
    assert!(err.contains(": 1 requests"), "{err}");
    let (text, _) = source.checked("har", &["--host", "cdn.example"], &[]);
    for line in [
        "- get: https://cdn.example/lib.js\n",
        "name: GET cdn.example/lib.js\n",
        "target: https://shop.example\n",
        "- get: /app.css\n",
    ] {
        assert!(text.contains(line), "{line} not in\n{text}");
    }
}

/// Whatever a recording holds comes out again, byte for byte, or with the same meaning in a URL.
#[test]
fn any_text_comes_out_as_it_was() {
    let texts = [
        "plain",
        "${x}",
        "$${x}",
        "$",
        "@file",
        "@@",
        "a\nb\r\n c",
        "\"q\" 'q' \\",
        "日本 €",
        ": #",
        "- a",
        "true",
        "01",
        "{{x}}",
        "\u{85}\u{2028}\u{feff}",
        "\t",
        "%41",
        " lead",
        "~",
        "!x",
        "&a *b",
        "100%",
    ];
    let base = "http://shop.example";
    let mut entries = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        let url =
            url::Url::parse_with_params(&format!("{base}/q{index}"), [("a", text)]).expect("a URL");
        entries.push(entry(index as u64 * 40, 1, "GET", url.as_str(), 200));
        let bodies = [
            (
                "application/json",
                json!({ *text: text, "list": [text, 1, null] }).to_string(),
            ),
            ("text/plain", (*text).to_owned()),
            (
                "application/x-www-form-urlencoded",
                url::form_urlencoded::Serializer::new(String::new())
                    .append_pair("f", text)
                    .finish(),
            ),
        ];
        for (kind, body) in bodies {
            let post = entry(
                index as u64 * 40 + 10,
                1,
                "POST",
                &format!("{base}/p{index}"),
                200,
            );
            let post = with(
                post,
                "/request/postData",
                json!({ "mimeType": kind, "text": body }),
            );
            entries.push(with(
                post,
                "/request/headers",
                json!([{ "name": "Content-Type", "value": kind }]),
            ));
        }
    }
    let source = Source::new("x.har", &har(entries.clone()));
    let (text, _) = source.checked("har", &[], &[]);
    let replay = Replay::of(&entries);
    let failed = source.run(&replay.url(), &[]);
    assert!(failed.is_empty(), "{failed:?}\n{text}");
    let bodies = |all: Vec<(String, String)>| -> Vec<_> { all };
    let came = replay
        .asked()
        .into_iter()
        .map(|asked| (asked.path, asked.body))
        .collect();
    let went = entries.iter().map(|entry| {
        let body = entry["request"]["postData"]["text"]
            .as_str()
            .unwrap_or_default();
        (path_of(entry), body.to_owned())
    });
    let (mut came, mut went): (Vec<_>, Vec<_>) = (bodies(came), went.collect());
    came.sort();
    went.sort();
    assert_eq!(came, went, "{text}");
}

/// Nothing secret reaches the file, wherever it stood; the run finds it in the environment.
#[test]
fn secrets_come_from_the_environment() {
    let base = "https://shop.example";
    let headers = json!([
        { "name": "Authorization", "value": "Bearer abcdef-123456-ghijkl" },
        { "name": "X-Api-Key", "value": "key-0987654321" },
        { "name": "Cookie", "value": "sid=cookie-12345; theme=dark" },
        { "name": "Idempotency-Key", "value": "idem-4711-4711" },
        { "name": "traceparent", "value": "00-1-2-01" },
    ]);
    let body =
        json!({ "user": "ann", "password": "pass-word-77", "pin": 4711, "again": "pass-word-77" })
            .to_string();
    let post = entry(
        0,
        5,
        "POST",
        &format!("{base}/a?access_token=query-token-1&x=1"),
        200,
    );
    let post = with(post, "/request/headers", headers);
    let post = with(
        post,
        "/request/postData",
        json!({ "mimeType": "application/json", "text": body }),
    );
    let basic = with(
        entry(50, 5, "GET", &format!("{base}/b"), 200),
        "/request/headers",
        json!([{ "name": "authorization", "value": "Basic bWU6c2VjcmV0LXB3" }]),
    );
    let source = Source::new("x.har", &har(vec![post, basic]));
    let environment = [
        ("AUTHORIZATION", "a"),
        ("X_API_KEY", "b"),
        ("ACCESS_TOKEN", "c"),
        ("PASSWORD", "d"),
        ("PIN", "e"),
        ("PASSWORD_2", "f"),
    ];
    let (text, err) = source.checked("har", &[], &environment);
    for secret in [
        "abcdef-123456",
        "key-0987654321",
        "cookie-12345",
        "idem-4711",
        "pass-word-77",
        "4711",
        "query-token-1",
        "secret-pw",
        "bWU6",
    ] {
        assert!(!text.contains(secret), "{secret} in\n{text}");
        assert!(!err.contains(secret), "{secret} in\n{err}");
    }
    for wanted in [
        "Bearer ${env.AUTHORIZATION}",
        "x-api-key: \"${env.X_API_KEY}\"",
        "idempotency_key: \"${uuid}\"",
        "user: me",
        "the browser had cookies already: sid, theme",
    ] {
        assert!(text.contains(wanted), "{wanted} not in\n{text}");
    }
}

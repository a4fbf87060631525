//! What stands in a stranger's file stays a comment where it is one: it cannot become a step.

use serde_json::json;

use super::{Source, loadgen};

/// What a comment could end with and go on as, one for each line break there is.
fn endings() -> impl Iterator<Item = String> {
    let breaks = ["\n", "\r", "\r\n", "\u{85}", "\u{2028}"];
    breaks
        .into_iter()
        .map(|line_break| format!("bad{line_break}      - get: /INJECTED{line_break}      #"))
}

/// No step of the scenario, if there is one, is what the text would have added.
fn assert_harmless(kind: &str, name: &str, source: &str) {
    let source = Source::new(name, source);
    let path = source.path("scenario.yaml");
    let (code, _, err) = source.import(kind, &["--output", &path]);
    assert!(!err.contains("please report this"), "{err}");
    if code != Some(0) {
        return;
    }
    let text = std::fs::read_to_string(&path).expect("a scenario");
    let hole = regex::Regex::new(r"\$\{env\.(\w+)\}").expect("a pattern");
    let needed = hole.captures_iter(&text);
    let environment: Vec<(&str, &str)> = needed
        .map(|found| (found.get(1).expect("a name").as_str(), "x"))
        .collect();
    let (code, shown, err) = loadgen(&["show", &path, "--format", "json"], &environment);
    assert_eq!(code, Some(0), "{kind}: {err}\n{text}");
    let steps = serde_json::from_str::<serde_json::Value>(&shown).expect("JSON");
    let steps = steps["steps"].as_array().expect("steps").clone();
    assert_eq!(steps.len(), 1, "{kind}: {steps:?}\n{text}");
}

#[test]
fn a_recording_adds_no_steps() {
    for ending in endings() {
        let entry = json!({
            "startedDateTime": "2026-01-01T00:00:00.000Z", "time": 5, "pageref": ending,
            "request": { "method": "POST", "url": "http://127.0.0.1:1/a", "httpVersion": "HTTP/1.1", "cookies": [],
                "headers": [{ "name": ending, "value": "x" }, { "name": "x-api-key", "value": ending }, { "name": "x-fine", "value": ending }],
                "queryString": [], "headersSize": -1, "bodySize": 1,
                "postData": { "mimeType": ending, "text": ending } },
            "response": { "status": 200, "statusText": ending, "httpVersion": "HTTP/1.1", "cookies": [], "headers": [],
                "content": { "size": 2, "mimeType": "text/html", "text": ending }, "redirectURL": "", "headersSize": -1, "bodySize": 2 },
            "cache": {}, "timings": { "send": 0, "wait": 1, "receive": 0 },
        });
        let har = json!({ "log": { "version": "1.2", "creator": { "name": ending, "version": ending },
            "pages": [{ "id": ending, "title": ending, "startedDateTime": "2026-01-01T00:00:00.000Z", "pageTimings": {} }],
            "entries": [entry] } });
        assert_harmless("har", "a.har", &har.to_string());
    }
}

#[test]
fn a_description_adds_no_steps() {
    for ending in endings() {
        let mut paths = serde_json::Map::new();
        let operation = json!({ "get": {
            "operationId": ending, "summary": ending, "description": ending, "tags": [ending],
            "parameters": [{ "name": ending, "in": "path", "required": true, "schema": { "type": "string", "example": ending } },
                { "name": ending, "in": "header", "required": true, "schema": { "type": "string" } }],
            "responses": { "200": { "description": ending } } } });
        paths.insert(format!("/a/{{{ending}}}"), operation);
        let mut schemes = serde_json::Map::new();
        schemes.insert(
            ending.clone(),
            json!({ "type": "apiKey", "in": "header", "name": ending }),
        );
        let mut way = serde_json::Map::new();
        way.insert(ending.clone(), json!([]));
        let document = json!({ "openapi": "3.0.0", "info": { "title": ending, "version": ending },
            "servers": [{ "url": "http://127.0.0.1:1", "description": ending }], "security": [way],
            "components": { "securitySchemes": schemes }, "paths": paths });
        assert_harmless("openapi", "a.json", &document.to_string());
    }
}

#[test]
fn commands_add_no_steps() {
    for ending in endings() {
        let quoted = ending
            .escape_default()
            .to_string()
            .replace("\\u{85}", "\\u0085");
        let quoted = quoted.replace("\\u{2028}", "\\u2028");
        let command = format!(
            "curl -H $'{quoted}: x' -H $'x-api-key: {quoted}' -F $'{quoted}=x' -b $'{quoted}' http://127.0.0.1:1/a\n"
        );
        assert_harmless("curl", "a.sh", &command);
    }
}

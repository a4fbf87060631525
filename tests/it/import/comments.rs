//! What stands in a stranger's file stays a comment where it is one: it cannot become a step.

use serde_json::json;

use super::Source;

/// What a comment could end with and go on as, one for each line break there is.
fn endings() -> impl Iterator<Item = String> {
    let breaks = ["\n", "\r", "\r\n", "\u{85}", "\u{2028}"];
    breaks
        .into_iter()
        .map(|line_break| format!("bad{line_break}      - get: /INJECTED{line_break}      #"))
}

/// The scenario, if there is one, holds nothing of it but comments and quoted texts.
fn assert_harmless(kind: &str, name: &str, source: &str) {
    let source = Source::new(name, source);
    let (code, text, err) = source.import(kind, &[]);
    assert!(!err.contains("please report this"), "{err}");
    if code != Some(0) {
        return;
    }
    for line in text.split(['\n', '\r', '\u{85}', '\u{2028}']) {
        let line = line.trim_start();
        let is_step = line.starts_with("- get: /INJECTED") || line.starts_with("get: /INJECTED");
        assert!(!is_step, "{kind}: {text}");
    }
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
            "curl -H $'{quoted}: x' -H $'x-api-key: {quoted}' -F $'{quoted}=@{quoted}' -b $'{quoted}' http://127.0.0.1:1/a\n"
        );
        assert_harmless("curl", "a.sh", &command);
    }
}

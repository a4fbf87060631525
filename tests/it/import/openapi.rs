//! `loadgen import openapi`.

use std::io::{Read, Write};
use std::net::TcpStream;

use super::Source;
use crate::echo::Echo;
use crate::support::{Program, eventually};

const PETS: &str = r##"
openapi: 3.1.0
info: { title: Pets, version: "1" }
servers: [{ url: "https://{env}.example/v1", variables: { env: { default: test } } }]
security: [{ token: [] }]
paths:
  /pets:
    get:
      tags: [pets]
      summary: All pets
      parameters:
        - { name: limit, in: query, required: true, schema: { type: integer, minimum: 5 } }
        - { name: kind, in: query, schema: { type: string } }
      responses: { "200": { description: ok, content: { application/json: { schema: { $ref: "#/components/schemas/Pets" } } } } }
    post:
      tags: [pets]
      requestBody: { content: { application/json: { schema: { $ref: "#/components/schemas/Pet" } } } }
      responses: { "201": { description: made } }
  /pets/{petId}:
    parameters: [{ name: petId, in: path, required: true, schema: { type: string } }]
    get: { tags: [pets], responses: { "200": { description: ok } } }
    delete: { tags: [pets], responses: { "204": { description: gone } } }
  /health:
    get: { tags: [ops], security: [], parameters: [{ name: x-trace, in: header, required: true, example: "a${b}" }], responses: { "200": { description: ok } } }
components:
  securitySchemes: { token: { type: http, scheme: bearer } }
  schemas:
    Pets: { type: object, properties: { items: { type: array, items: { $ref: "#/components/schemas/Pet" } } } }
    Pet:
      type: object
      required: [name, born, parent]
      properties:
        id: { type: string, readOnly: true }
        name: { type: string, minLength: 6 }
        born: { type: string, format: date }
        parent: { $ref: "#/components/schemas/Pet" }
"##;

#[test]
fn operations_are_filled_in_and_linked() {
    let source = Source::new("pets.yaml", PETS);
    let environment = [("TOKEN", "abc")];
    let (text, err) = source.checked("openapi", &[], &environment);
    insta::assert_snapshot!("pets", text);
    assert!(err.contains("2 operations that change something"), "{err}");
    let (text, _) = source.checked("openapi", &["--include-writes"], &environment);
    for step in [
        "- post: /pets",
        "- delete: /pets/${pet_id}",
        "name: tttttt",
        "born: \"2026-01-31\"",
    ] {
        assert!(text.contains(step), "{step} not in\n{text}");
    }
}

#[test]
fn what_is_no_description_is_refused() {
    for (text, reason) in [
        ("a: 1", "no OpenAPI document"),
        ("{", "no JSON"),
        ("openapi: 3.0.0\npaths: [\n", "this is no YAML: line "),
        ("openapi: 3.0.0\npaths: {}", "the document has no operation"),
    ] {
        let (code, _, err) = Source::new("x.yaml", text).import("openapi", &[]);
        assert_eq!(code, Some(2));
        assert!(err.contains(reason), "{err}");
    }
}

#[test]
fn a_swagger_document_is_read_too() {
    let text = r#"{ "swagger": "2.0", "info": { "title": "Old" }, "host": "old.example", "basePath": "/api", "schemes": ["http"],
        "paths": { "/things": { "get": { "parameters": [{ "name": "q", "in": "query", "required": true, "type": "string" }],
        "responses": { "200": { "description": "ok" } } },
        "post": { "parameters": [{ "name": "body", "in": "body", "schema": { "type": "object", "properties": { "a": { "type": "integer" } } } }],
        "responses": { "200": { "description": "ok" } } } } } }"#;
    let source = Source::new("old.json", text);
    let (text, _) = source.checked("openapi", &["--include-writes"], &[]);
    assert!(
        text.contains("target: http://old.example/api") && text.contains("json: { a: 1 }"),
        "{text}"
    );
    let echo = Echo::start();
    let failed = source.run(&echo.url(), &[]);
    assert!(failed.is_empty(), "{failed:?}");
    let seen: Vec<String> = echo
        .seen()
        .iter()
        .map(|one| format!("{} {} {}", one.method, one.path, one.body))
        .collect();
    assert_eq!(seen, ["GET /things?q=text ", "POST /things {\"a\":1}"]);
}

/// The shop's own description: everything that only reads is sent to it, and what this caller may see is answered as it says.
#[test]
fn the_shops_own_description_imports_and_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    let ready = folder.path().join("ready.json");
    let place = |name: &str| folder.path().join(name).display().to_string();
    let arguments = [
        "shop",
        "serve",
        "--free-ports",
        "--products",
        "50",
        "--data",
        &place("data"),
        "--ready-file",
        &place("ready.json"),
    ];
    let _shop = Program::start(arguments);
    let gateway = eventually("the shop's ports", || {
        let text = std::fs::read_to_string(&ready).ok()?;
        let ready: serde_json::Value = serde_json::from_str(&text).ok()?;
        Some(ready["services"]["gateway"].as_str()?.to_owned())
    });
    let source = Source::new("api.json", &ask(&gateway, "GET", "/openapi.json", "", ""));
    let login = r#"{"email":"demo@rumshop.com","password":"password123"}"#;
    let login = ask(&gateway, "POST", "/api/auth/login", "", login);
    let login: serde_json::Value = serde_json::from_str(&login).expect("JSON");
    let token = login["token"].as_str().expect("a token");
    let environment = [("BEARER_TOKEN", token)];
    let order = r#"{"items":[{"productId":1,"quantity":1}],"payment":"intent"}"#;
    ask(&gateway, "POST", "/api/orders", token, order);
    let (text, err) = source.checked("openapi", &[], &environment);
    assert!(
        text.contains("- get: /api/products/${product_id}"),
        "{text}"
    );
    assert!(err.contains("set before it runs: BEARER_TOKEN"), "{err}");
    // Whoever has that token is no auditor, and strangers get no metrics.
    let failed = source.run(&gateway, &environment);
    let is_foreseen = |failed: &String| {
        failed.starts_with("GET /api/admin/") || failed.starts_with("GET /metrics")
    };
    let failed: Vec<_> = failed
        .iter()
        .filter(|failed| !is_foreseen(failed))
        .collect();
    assert!(failed.is_empty(), "{failed:?}\n{text}");
}

/// The body of an answer.
fn ask(base: &str, method: &str, path: &str, token: &str, body: &str) -> String {
    let host = base.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).expect("the shop");
    let length = body.len();
    let authorization = match token {
        "" => String::new(),
        token => format!("authorization: Bearer {token}\r\n"),
    };
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-type: application/json\r\n{authorization}\
         content-length: {length}\r\n\r\n{body}"
    )
    .expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer.split_once("\r\n\r\n").expect("a body").1.to_owned()
}

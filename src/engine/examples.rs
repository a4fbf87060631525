//! Exchanges as text for examples and promises, secrets removed.

use std::fmt::Write as _;
use std::time::Duration;

use http::HeaderMap;
use serde_json::{Map, Value as Json};

use crate::measure::StepSample;
use crate::measure::samples::{Example, ExchangeText, Sample};
use crate::response::Response;
use crate::scenario::Promise;
use crate::shopper::{Shopper, World};
use crate::template::Value;
use crate::transport::{Failure, Outgoing};

/// Characters of a body shown in an example.
const BODY_CHARS: usize = 2048;

/// Headers whose values are never kept.
const SECRET_HEADERS: [&str; 6] = [
    "authorization",
    "cookie",
    "set-cookie",
    "proxy-authorization",
    "x-api-key",
    "dd-api-key",
];

/// Parts of JSON keys whose values are never kept.
const SECRET_KEYS: [&str; 9] = [
    "password",
    "token",
    "secret",
    "number",
    "cvc",
    "cvv",
    "apikey",
    "api_key",
    "authorization",
];

/// What stands in a secret's place.
const REMOVED: &str = "[removed]";

/// An error's example.
pub(super) fn example(
    sample: &StepSample<'_>,
    outgoing: Option<&Outgoing>,
    result: Result<&Response, Failure>,
) -> Example {
    let request = outgoing.map_or_else(
        || "the request could not be made from the scenario's values".to_owned(),
        request_text,
    );
    let response = match result {
        Ok(response) => response_text(response),
        Err(failure) => failure.name().to_owned(),
    };
    Sample {
        exchange: Some(Box::new(ExchangeText { request, response })),
        ..Sample::of(sample, "failed")
    }
}

/// The line of `orders.jsonl` for a promise.
pub(super) fn promise_line(
    promise: &Promise,
    world: &World,
    shopper: &mut Shopper,
    response: &Response,
    done: Duration,
    trace_id: u64,
) -> String {
    let mut line = Map::new();
    line.insert("kind".to_owned(), promise.kind.clone().into());
    line.insert(
        "at_us".to_owned(),
        u64::try_from(done.as_micros()).unwrap_or(u64::MAX).into(),
    );
    line.insert("shopper".to_owned(), shopper.index().into());
    if trace_id != 0 {
        line.insert("trace_id".to_owned(), trace_id.to_string().into());
    }
    for (name, field) in &promise.fields {
        line.insert(name.clone(), json_of(field.value(world, shopper, response)));
    }
    Json::Object(line).to_string()
}

fn json_of(value: Value) -> Json {
    match value {
        Value::Unset => Json::Null,
        Value::Text(text) => Json::String(text.into()),
        Value::Int(number) => number.into(),
        Value::Number(number) => number.into(),
        Value::Bool(flag) => flag.into(),
    }
}

fn request_text(outgoing: &Outgoing) -> String {
    let mut text = format!("{} {} HTTP/1.1\n", outgoing.method, outgoing.path);
    headers_text(&outgoing.headers, &mut text);
    body_text(&outgoing.body, &mut text);
    text
}

fn response_text(response: &Response) -> String {
    let mut text = format!("HTTP/1.1 {}\n", response.status);
    headers_text(&response.headers, &mut text);
    body_text(&response.body, &mut text);
    text
}

fn headers_text(headers: &HeaderMap, out: &mut String) {
    for (name, value) in headers {
        let value = match SECRET_HEADERS.contains(&name.as_str()) {
            true => REMOVED.into(),
            false => String::from_utf8_lossy(value.as_bytes()),
        };
        let _ = writeln!(out, "{name}: {value}");
    }
}

fn body_text(body: &[u8], out: &mut String) {
    if body.is_empty() {
        return;
    }
    out.push('\n');
    match serde_json::from_slice::<Json>(body) {
        Ok(mut json) => {
            remove_secrets(&mut json);
            let text = json.to_string();
            out.extend(text.chars().take(BODY_CHARS));
        }
        // What is no JSON (a form, a page, a torn body) cannot be searched for secrets with certainty.
        Err(_) => {
            let text = String::from_utf8_lossy(&body[..body.len().min(BODY_CHARS)]);
            let suspicious = SECRET_KEYS
                .iter()
                .any(|key| text.to_ascii_lowercase().contains(key));
            out.push_str(if suspicious { REMOVED } else { &text });
        }
    }
}

fn remove_secrets(json: &mut Json) {
    match json {
        Json::Object(fields) => {
            for (key, value) in fields {
                let key = key.to_ascii_lowercase();
                match SECRET_KEYS.iter().any(|secret| key.contains(secret)) {
                    true => *value = REMOVED.into(),
                    false => remove_secrets(value),
                }
            }
        }
        Json::Array(items) => items.iter_mut().for_each(remove_secrets),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_removed_from_headers_and_bodies() {
        let mut headers = HeaderMap::new();
        headers.insert(
            "authorization",
            http::HeaderValue::from_static("Bearer abc"),
        );
        headers.insert("accept", http::HeaderValue::from_static("text/html"));
        let mut text = String::new();
        headers_text(&headers, &mut text);
        body_text(
            br#"{"card":{"number":"4242424242424242","name":"A"},"accessToken":"xyz"}"#,
            &mut text,
        );
        body_text(b"user=a&password=hunter2", &mut text);
        assert!(
            text.contains("text/html") && text.contains("\"name\":\"A\""),
            "{text}"
        );
        for secret in ["abc", "4242", "xyz", "hunter2"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
}

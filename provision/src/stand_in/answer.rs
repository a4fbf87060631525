//! How the API answers: JSON, and `{"errors": […]}` where it refuses. Must not know why.

use std::collections::HashMap;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Map, Value, json};

/// What a handler gives back.
pub(super) type Answer = Result<Json<Value>, Refused>;

/// Query parameters.
pub(super) type Params = HashMap<String, String>;

/// A refusal.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) status: StatusCode,
    pub(super) body: Value,
}

impl Refused {
    pub(super) fn new(status: StatusCode, text: impl Into<String>) -> Self {
        let body = json!({ "errors": [text.into()] });
        Self { status, body }
    }

    /// 400
    pub(super) fn bad(text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, text)
    }

    /// 404
    pub(super) fn not_found(text: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, text)
    }

    /// 400 about a field, in the API's usual words.
    pub(super) fn invalid(field: &str) -> Self {
        Self::bad(format!(
            "The value provided for parameter '{field}' is invalid"
        ))
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.status, Json(self.body)).into_response()
    }
}

impl From<std::io::Error> for Refused {
    /// The reason goes to whoever runs the stand-in: a client learns nothing about the machine.
    fn from(error: std::io::Error) -> Self {
        eprintln!("stand-in: cannot keep state: {error}");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
    }
}

/// A JSON object from a request's body.
pub(super) fn object(body: &[u8]) -> Result<Map<String, Value>, Refused> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(map)) => Ok(map),
        _ => Err(Refused::bad("Invalid JSON structure")),
    }
}

/// A number among the query parameters.
pub(super) fn number(params: &Params, name: &str) -> Result<Option<usize>, Refused> {
    let Some(text) = params.get(name) else {
        return Ok(None);
    };
    text.parse().map(Some).map_err(|_| Refused::invalid(name))
}

/// One page of a list, by a limit and an offset among the query parameters.
pub(super) fn page<'v>(found: &[&'v Value], limit: usize, offset: usize) -> Vec<&'v Value> {
    found.iter().skip(offset).take(limit).copied().collect()
}

/// Whether `force=true` was asked for.
pub(super) fn force(params: &Params) -> bool {
    params.get("force").is_some_and(|value| value == "true")
}

/// A text field of an object, empty when it is absent.
pub(super) fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// Whether an object carries all of these tags, separated by commas.
pub(super) fn has_tags(value: &Value, wanted: &str) -> bool {
    let tags = value.get("tags").and_then(Value::as_array);
    let has = |tag: &str| tags.is_some_and(|tags| tags.iter().any(|own| own.as_str() == Some(tag)));
    wanted
        .split(',')
        .map(str::trim)
        .filter(|tag| !tag.is_empty())
        .all(has)
}

//! Extractors whose every rejection has the shop's error shape.

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;

use crate::error::ApiError;
use crate::json::{self, JsonError};
use crate::listener::body::BodyFault;

/// A JSON body.
pub struct Json<T>(pub T);

/// A JSON body together with its bytes, for digests and signatures.
pub struct JsonBytes<T>(pub T, pub Bytes);

/// Path parameters.
pub struct Path<T>(pub T);

/// Query parameters.
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let JsonBytes(value, _) = JsonBytes::from_request(request, state).await?;
        Ok(Json(value))
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBytes<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        if !is_json(request.headers()) {
            return Err(ApiError::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "the body must be JSON: send `Content-Type: application/json`",
            ));
        }
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(body_error)?;
        let value = json_body(&bytes)?;
        Ok(JsonBytes(value, bytes))
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .map(|value| value.split(';').next().unwrap_or_default().trim())
        .is_some_and(|media| {
            media.eq_ignore_ascii_case("application/json")
                || media.to_ascii_lowercase().ends_with("+json")
        })
}

/// The answer to a body that could not be read whole.
pub fn body_error(rejection: BytesRejection) -> ApiError {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return ApiError::payload_too_large();
    }
    BodyFault::of(&rejection).map_or_else(
        || ApiError::malformed("the body could not be read"),
        ApiError::broken_body,
    )
}

/// Reads a body that is JSON, whatever header came with it.
pub fn json_body<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    json::from_slice(body).map_err(|error| match error {
        JsonError::DuplicateKey(_) => {
            ApiError::malformed(format!("the body is ambiguous: {error}"))
        }
        error if error.is_data() => ApiError::invalid(format!("the body does not fit: {error}")),
        error => ApiError::malformed(format!("the body is not JSON: {error}")),
    })
}

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        axum::extract::Path::<T>::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Path(value)| Path(value))
            .map_err(|rejection: PathRejection| {
                ApiError::malformed(format!("the path does not fit: {}", rejection.body_text()))
            })
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        axum::extract::Query::<T>::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Query(value)| Query(value))
            .map_err(|rejection: QueryRejection| {
                ApiError::malformed(format!("the query does not fit: {}", rejection.body_text()))
            })
    }
}

//! What HTTP demands of every request, and what the shop does not read: refused at the door, before anything can mean two
//! things to two readers.

use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Version, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::error::ApiError;

/// Fields that may stand once: with two of them, two readers may each take another one.
const SINGLE: [HeaderName; 4] = [
    header::HOST,
    header::AUTHORIZATION,
    header::CONTENT_TYPE,
    HeaderName::from_static("idempotency-key"),
];

/// The middleware that lets well-formed requests through.
pub(super) async fn strict(request: Request, next: Next) -> Response {
    match check(request.version(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

fn check(version: Version, headers: &HeaderMap) -> Result<(), ApiError> {
    for name in &SINGLE {
        if headers.get_all(name).iter().nth(1).is_some() {
            return Err(ApiError::malformed(format!(
                "there is more than one `{name}` header"
            )));
        }
    }
    check_host(version, headers.get(header::HOST))?;
    let encodings = headers.get_all(header::CONTENT_ENCODING);
    if encodings.iter().all(is_identity) {
        return Ok(());
    }
    let accepted = HeaderValue::from_static("identity");
    Err(ApiError::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported_content_encoding",
        "the body must not be compressed: leave `Content-Encoding` out",
    )
    .with_header(header::ACCEPT_ENCODING, accepted))
}

/// RFC 9112, 3.2: exactly one, empty or the name of a host.
fn check_host(version: Version, host: Option<&HeaderValue>) -> Result<(), ApiError> {
    match host {
        None if version == Version::HTTP_11 => {
            Err(ApiError::malformed("the `Host` header is missing"))
        }
        Some(host) if !host.is_empty() && Authority::try_from(host.as_bytes()).is_err() => {
            Err(ApiError::malformed("the `Host` header names no host"))
        }
        _ => Ok(()),
    }
}

fn is_identity(encoding: &HeaderValue) -> bool {
    encoding.is_empty() || encoding.as_bytes().eq_ignore_ascii_case(b"identity")
}

//! The one shape of every error that the shop answers with.
//!
//! Internals are logged where they happen and stay hidden from clients.

use std::borrow::Cow;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use telemetry::span;
use utoipa::ToSchema;

use crate::fault::Injected;
use crate::listener::body::BodyFault;
use crate::observe;
use crate::warning::RepeatedCauses;

/// An answer that is not a success.
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: Cow<'static, str>,
    decline_reason: Option<String>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// What every error answer looks like.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ErrorBody {
    /// What went wrong.
    pub error: ErrorDetail,
}

/// Machine code, message and trace id of an error.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ErrorDetail {
    /// A stable word for programs, such as `out_of_stock`.
    pub code: String,
    /// A sentence for people.
    pub message: String,
    /// The trace of the request, to find it in logs and traces.
    pub trace_id: String,
    /// Why the bank said no, such as `insufficient_funds`; with `card_declined` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decline_reason: Option<String>,
}

impl ApiError {
    /// Any error; prefer the named ones.
    pub fn new(
        status: StatusCode,
        code: &'static str,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        ApiError {
            status,
            code,
            message: message.into(),
            decline_reason: None,
            headers: Vec::new(),
        }
    }

    /// 400: the request cannot be read.
    pub fn malformed(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed_request", message)
    }

    /// 401: who are you?
    pub fn unauthorized(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", message).with_header(
            header::WWW_AUTHENTICATE,
            HeaderValue::from_static("Bearer realm=\"rum-shop\""),
        )
    }

    /// 403: known, but not allowed.
    pub fn forbidden(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", message)
    }

    /// 404: no such thing, or not yours.
    pub fn not_found(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    /// 409: it conflicts with the state of things.
    pub fn conflict(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::CONFLICT, code, message)
    }

    /// 408 or 400: the client did not send its body whole. What is left of it cannot be read, so the connection ends.
    pub fn broken_body(fault: BodyFault) -> Self {
        let close = HeaderValue::from_static("close");
        match fault {
            BodyFault::TooSlow => Self::new(
                StatusCode::REQUEST_TIMEOUT,
                "request_timeout",
                "the body came too slowly",
            ),
            BodyFault::Broken => Self::malformed("the body was cut off or is not well-formed"),
        }
        .with_header(header::CONNECTION, close)
    }

    /// 413: more than the shop reads.
    pub fn payload_too_large() -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "payload_too_large",
            "the body is larger than the shop accepts",
        )
    }

    /// 422: readable, but a value is not acceptable.
    pub fn invalid(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_value", message)
    }

    /// 429: slow down.
    pub fn too_many_requests(retry_after_s: u32) -> Self {
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_requests",
            "too many requests from this address; try again later",
        )
        .retry_after(retry_after_s)
    }

    /// 503: something this answer needs is down or busy.
    pub fn unavailable(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", message).retry_after(1)
    }

    /// 500: a defect. The cause goes to the log, not to the client.
    pub fn internal(cause: &dyn std::fmt::Display) -> Self {
        static CAUSES: RepeatedCauses = RepeatedCauses::new();
        let told = cause.to_string();
        span::exception("internal_error", &told);
        CAUSES.failed(&told, |suppressed| {
            tracing::error!(%cause, suppressed, "internal error");
        });
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal_error",
            "something went wrong inside the shop",
        )
    }

    /// Adds a response header.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Adds why the bank said no.
    #[must_use]
    pub fn with_decline_reason(mut self, reason: impl Into<String>) -> Self {
        self.decline_reason = Some(reason.into());
        self
    }

    /// Says when to try again.
    #[must_use]
    pub fn retry_after(self, seconds: u32) -> Self {
        self.with_header(header::RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// The status it answers with.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Its machine code.
    pub fn code(&self) -> &'static str {
        self.code
    }
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl From<Injected> for ApiError {
    fn from(injected: Injected) -> Self {
        ApiError::internal(&injected)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = ErrorBody {
            error: ErrorDetail {
                code: self.code.to_owned(),
                message: self.message.into_owned(),
                trace_id: observe::current_trace_id(),
                decline_reason: self.decline_reason,
            },
        };
        let mut response = (self.status, axum::Json(body)).into_response();
        response.headers_mut().extend(self.headers);
        response
    }
}

//! The middleware around every route: what is observed of each request, namely its place in a trace, its metrics and its
//! log line; its time limit and its id.
//!
//! It must not know what a route does.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use telemetry::metrics::HttpMetrics;
use telemetry::span::{self, ServerSpan};
use uuid::Uuid;

use crate::context::AppState;
use crate::error::ApiError;
use crate::fault::Point;
use crate::listener::body::{Pace, within_limit};

/// Names a request across services; kept when the caller sends one.
const REQUEST_ID_HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Longest request id that is taken over from a caller.
const REQUEST_ID_BYTES_MAX: usize = 128;

/// The middleware around every route: span, time limit, panic guard, metrics, log line, request id.
pub(super) async fn observe(
    State(state): State<AppState>,
    mut request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let request_id = adopt_request_id(request.headers_mut());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let observer = state.observer();
    let span = observer.tracer.server(&span::Request {
        method: request.method(),
        route: route.as_ref().map(MatchedPath::as_str),
        path: request.uri().path(),
        headers: request.headers(),
    });
    let limit = state.context.config.request_timeout;
    let pace = request.extensions().get::<Pace>().cloned();
    let observed = Observed {
        span: Some(span),
        http: &observer.http,
        started,
    };
    let faults = &state.context.faults;
    let handler = async {
        let route = route.as_ref().map_or("", MatchedPath::as_str);
        match faults.at(Point::HttpRequest, route).await {
            Ok(()) => next.run(request).await,
            Err(injected) => ApiError::from(injected).into_response(),
        }
    };
    let answered = answer(handler, limit, pace.as_ref());
    let mut response = observed.run(answered).await;
    response.headers_mut().insert(REQUEST_ID_HEADER, request_id);
    observed.answered(response.status());
    response
}

/// A request under way. However it ends it is reported once: one that is dropped before its answer was abandoned.
struct Observed<'a> {
    span: Option<ServerSpan>,
    http: &'a HttpMetrics,
    started: Instant,
}

impl Observed<'_> {
    async fn run<T>(&self, work: impl Future<Output = T>) -> T {
        match &self.span {
            Some(span) => span.run(work).await,
            None => work.await,
        }
    }

    fn answered(mut self, status: StatusCode) {
        if let Some(span) = self.span.take() {
            span.answered(self.http, status, self.started.elapsed());
        }
    }
}

impl Drop for Observed<'_> {
    fn drop(&mut self) {
        if let Some(span) = self.span.take() {
            span.open()
                .fail("abandoned", "nobody waits for the answer any more");
            span.answered(self.http, abandoned(), self.started.elapsed());
        }
    }
}

/// 499, for which there is no name: nobody waited for the answer. It is reported and never sent.
fn abandoned() -> StatusCode {
    StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST)
}

/// Runs the handler; a time-out or a panic becomes an answer of the shop's shape. The time that the client takes over its
/// body is not the shop's.
async fn answer(
    handler: impl Future<Output = Response>,
    limit: Duration,
    pace: Option<&Pace>,
) -> Response {
    match within_limit(limit, pace, AssertUnwindSafe(handler).catch_unwind()).await {
        Some(Ok(response)) => response,
        Some(Err(_)) => ApiError::internal(&"a handler panicked").into_response(),
        None => ApiError::unavailable("the answer took too long; try again").into_response(),
    }
}

/// Keeps the caller's request id or makes one; leaves it in the headers for whoever is called next.
fn adopt_request_id(headers: &mut HeaderMap) -> HeaderValue {
    let well_formed = |value: &&HeaderValue| {
        (1..=REQUEST_ID_BYTES_MAX).contains(&value.len())
            && value.as_bytes().iter().all(u8::is_ascii_graphic)
    };
    if let Some(given) = headers.get(REQUEST_ID_HEADER).filter(well_formed) {
        return given.clone();
    }
    let made = HeaderValue::try_from(Uuid::new_v4().simple().to_string())
        .unwrap_or_else(|_| HeaderValue::from_static("-"));
    headers.insert(REQUEST_ID_HEADER, made.clone());
    made
}

//! The span of a request that came in, and what its end does: one metric, one log line.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode};

use super::OpenSpan;
use crate::catalogue::attribute;
use crate::metrics::{HttpMetrics, known_method};

/// The span of a request that came in.
#[derive(Debug)]
#[must_use = "a request must be reported as answered"]
pub struct ServerSpan {
    pub(super) open: OpenSpan,
    pub(super) method: Method,
    pub(super) route: Option<Arc<str>>,
}

impl ServerSpan {
    /// The span itself.
    pub fn open(&self) -> &OpenSpan {
        &self.open
    }

    /// Runs the handler in this span.
    pub fn run<F: Future>(&self, handler: F) -> impl Future<Output = F::Output> + use<F> {
        self.open.run(handler)
    }

    /// Ends the span with its status, counts the request, and writes its log line.
    pub fn answered(self, metrics: &HttpMetrics, status: StatusCode, took: Duration) {
        let route = self.route.as_deref();
        metrics.observe(&self.method, route, status, took);
        self.open
            .set(attribute::HTTP_RESPONSE_STATUS_CODE, status.as_u16());
        if status.is_server_error() {
            self.open
                .set(attribute::ERROR_TYPE, status.as_str())
                .set(attribute::OTEL_STATUS_CODE, "ERROR");
        }
        self.open
            .in_scope(|| log_request(&self.method, route, status, took));
    }
}

/// One line per request; the path is left out, since it may name a session.
fn log_request(method: &Method, route: Option<&str>, status: StatusCode, took: Duration) {
    macro_rules! line {
        ($level:ident) => {
            tracing::$level!(
                { attribute::HTTP_REQUEST_METHOD } = known_method(method),
                { attribute::HTTP_ROUTE } = route,
                { attribute::HTTP_RESPONSE_STATUS_CODE } = status.as_u16(),
                { attribute::DURATION_MS } = took.as_micros() as f64 / 1000.0,
                "request"
            )
        };
    }
    if status.is_server_error() {
        line!(error);
    } else {
        line!(info);
    }
}

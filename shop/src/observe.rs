//! What is observed of each request: scope (trace, request id), metrics, log line.

use std::future::Future;

use crate::event::EventTrace;

tokio::task_local! {
    static SCOPE: Scope;
}

/// What belongs to the request or message that the current task works on.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// Trace id as 32 hex digits.
    pub trace_id: String,
    /// The trace to hand on to events and peers.
    pub trace: EventTrace,
}

/// Runs `work` within `scope`.
pub async fn with_scope<F: Future>(scope: Scope, work: F) -> F::Output {
    SCOPE.scope(scope, work).await
}

/// The trace id of the current request; zeros outside of one.
pub fn current_trace_id() -> String {
    SCOPE
        .try_with(|scope| scope.trace_id.clone())
        .unwrap_or_else(|_| "0".repeat(32))
}

/// The trace to write into events that the current request causes.
pub fn current_event_trace() -> EventTrace {
    SCOPE
        .try_with(|scope| scope.trace.clone())
        .unwrap_or_default()
}

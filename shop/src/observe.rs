//! Observers: what each service reports under its own name, and the trace of the current work.

use std::collections::BTreeMap;
use std::sync::Arc;

use telemetry::context::Context as TraceScope;
use telemetry::metrics::{ActiveConnection, HttpMetrics, MetricsError, Registry};
use telemetry::span::Tracer;
use telemetry::trace::{IdSource, header};
use telemetry::{Identity, Sinks};
use uuid::Uuid;

use crate::event::EventTrace;
use crate::service::Service;

/// What one service reports under its own name.
pub struct Observer {
    /// Opens the spans with which work enters the service.
    pub tracer: Tracer,
    /// The service's metrics.
    pub registry: Registry,
    /// The metrics of its requests.
    pub(crate) http: HttpMetrics,
}

impl Observer {
    /// The observer of a service in an environment such as `dev`; what it observes also goes to `sinks`.
    ///
    /// # Errors
    /// When the metrics cannot be registered.
    pub fn new(service: Service, env: &str, sinks: &Sinks) -> Result<Self, MetricsError> {
        let identity = Identity::new(
            service.telemetry_name(),
            env.to_owned(),
            sinks.version().unwrap_or(env!("CARGO_PKG_VERSION")),
        );
        let registry = sinks.registry(identity.clone())?;
        let (seed, _) = Uuid::new_v4().as_u64_pair();
        let ids = IdSource::seeded(seed).with_sampler(sinks.sampler());
        Ok(Observer {
            tracer: Tracer::new(identity, Arc::new(ids)),
            http: HttpMetrics::new(&registry),
            registry,
        })
    }

    /// Counts a connection as open until the guard is dropped.
    pub(crate) fn connection(&self) -> ActiveConnection {
        self.http.connection()
    }
}

/// The trace id of the current work; zeros outside of any.
pub fn current_trace_id() -> String {
    TraceScope::current()
        .as_ref()
        .and_then(TraceScope::trace)
        .map_or_else(|| "0".repeat(32), |trace| trace.trace_id.to_string())
}

/// The trace to write into events that the current work causes.
pub fn current_event_trace() -> EventTrace {
    let mut attributes = BTreeMap::new();
    if let Some(scope) = TraceScope::current() {
        scope.inject_attributes(&mut attributes);
    }
    EventTrace {
        traceparent: attributes.remove(header::TRACEPARENT),
        tracestate: attributes.remove(header::TRACESTATE),
    }
}

/// The correlation id of the current work, or a new one.
pub fn current_correlation_id() -> String {
    TraceScope::current()
        .as_ref()
        .and_then(TraceScope::correlation_id)
        .map_or_else(|| Uuid::new_v4().to_string(), str::to_owned)
}

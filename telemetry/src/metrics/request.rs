//! What every HTTP service reports about its requests and connections.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Method, StatusCode};

use super::Registry;
use super::handle::{Counter, Distribution, Gauge, Histogram};
use super::observation::{TAG_SETS_MAX, lock};
use crate::catalogue::metric;

/// The route of a request that no template matches: raw paths would make endless series.
pub const UNMATCHED_ROUTE: &str = "unmatched";

/// The request metrics of one service. Cheap to clone.
#[derive(Debug, Clone)]
pub struct HttpMetrics(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    registry: Registry,
    active: Gauge,
    /// Handles by route, then by method and status, so that the usual request allocates nothing.
    routes: Mutex<HashMap<String, ByAnswer>>,
}

/// Handles by method and status.
type ByAnswer = HashMap<(&'static str, u16), Handles>;

#[derive(Debug, Clone)]
struct Handles {
    requests: Counter,
    duration: Histogram,
    durations: Distribution,
}

impl HttpMetrics {
    /// The request metrics shown in `registry`.
    pub fn new(registry: &Registry) -> Self {
        Self(Arc::new(Inner {
            active: registry.gauge(metric::ACTIVE_CONNECTIONS, &[]),
            registry: registry.clone(),
            routes: Mutex::default(),
        }))
    }

    /// Counts one answered request; `route` is the template, `None` when there is none.
    pub fn observe(
        &self,
        method: &Method,
        route: Option<&str>,
        status: StatusCode,
        took: Duration,
    ) {
        let handles = self.handles(
            known_method(method),
            route.unwrap_or(UNMATCHED_ROUTE),
            status,
        );
        handles.requests.inc();
        handles.duration.observe(took.as_secs_f64());
        handles.durations.observe(took.as_secs_f64());
    }

    /// Counts a connection as active until the guard is dropped.
    pub fn connection(&self) -> ActiveConnection {
        self.0.active.inc();
        ActiveConnection(self.0.active.clone())
    }

    fn handles(&self, method: &'static str, route: &str, status: StatusCode) -> Handles {
        let mut routes = lock(&self.0.routes);
        let key = (method, status.as_u16());
        if let Some(found) = routes.get(route).and_then(|route| route.get(&key)) {
            return found.clone();
        }
        let made = self.new_handles(method, route, status);
        if routes.values().map(HashMap::len).sum::<usize>() < TAG_SETS_MAX {
            routes
                .entry(route.to_owned())
                .or_default()
                .insert(key, made.clone());
        }
        made
    }

    fn new_handles(&self, method: &str, route: &str, status: StatusCode) -> Handles {
        let tags = [
            ("route", route),
            ("method", method),
            ("status", status.as_str()),
        ];
        Handles {
            requests: self.0.registry.counter(metric::HTTP_REQUESTS, &tags),
            duration: self
                .0
                .registry
                .histogram(metric::HTTP_REQUEST_DURATION, &tags),
            durations: self
                .0
                .registry
                .distribution(metric::HTTP_SERVER_REQUEST_DURATION, &tags),
        }
    }
}

/// An open connection, see [`HttpMetrics::connection`].
#[derive(Debug)]
#[must_use = "the connection counts as active only while the guard lives"]
pub struct ActiveConnection(Gauge);

impl Drop for ActiveConnection {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// The method's name, or the conventions' `_OTHER`: a client may invent methods without end.
pub fn known_method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::PATCH => "PATCH",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        Method::TRACE => "TRACE",
        Method::CONNECT => "CONNECT",
        _ => "_OTHER",
    }
}

//! What is measured of the connections to a database server, in the words of the conventions.

use std::sync::Arc;
use std::time::Duration;

use telemetry::catalogue::metric;
use telemetry::metrics::{Counter, Distribution, Gauge, Registry};

/// Measures one pool of connections; the default measures nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct PoolMeter(Option<Arc<Handles>>);

#[derive(Debug)]
struct Handles {
    used: Gauge,
    idle: Gauge,
    waits: Distribution,
    timeouts: Counter,
    known: Counter,
    new: Counter,
}

impl PoolMeter {
    /// Measures the pool of this name under a service's name.
    pub(crate) fn new(registry: &Registry, pool: &str) -> Self {
        let count = |state| {
            let tags = [("pool", pool), ("state", state)];
            registry.gauge(metric::DB_CONNECTION_COUNT, &tags)
        };
        let statements = |cache| {
            let tags = [("pool", pool), ("cache", cache)];
            registry.counter(metric::DB_STATEMENTS, &tags)
        };
        let tags = [("pool", pool)];
        PoolMeter(Some(Arc::new(Handles {
            used: count("used"),
            idle: count("idle"),
            waits: registry.distribution(metric::DB_CONNECTION_WAIT_TIME, &tags),
            timeouts: registry.counter(metric::DB_CONNECTION_TIMEOUTS, &tags),
            known: statements("hit"),
            new: statements("miss"),
        })))
    }

    /// A connection was waited for, with or without success.
    pub(crate) fn waited(&self, time: Duration, timed_out: bool) {
        let Some(handles) = &self.0 else { return };
        handles.waits.observe(time.as_secs_f64());
        if timed_out {
            handles.timeouts.inc();
        }
    }

    /// One connection more is in use, and so many are idle.
    pub(crate) fn taken(&self, idle: usize) {
        let Some(handles) = &self.0 else { return };
        handles.used.inc();
        handles.idle.set(idle as f64);
    }

    /// One connection is no longer in use.
    pub(crate) fn given_back(&self, idle: usize) {
        let Some(handles) = &self.0 else { return };
        handles.used.dec();
        handles.idle.set(idle as f64);
    }

    /// A statement was run that the connection knew already, or had to learn.
    pub(crate) fn statement(&self, known: bool) {
        let Some(handles) = &self.0 else { return };
        match known {
            true => handles.known.inc(),
            false => handles.new.inc(),
        }
    }
}

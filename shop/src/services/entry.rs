//! Service entries: what a service hands to whoever runs it, namely its routes and what it owns while it runs.

use std::any::Any;
use std::sync::Arc;

use axum::Router;
use futures_util::future::BoxFuture;
use tokio::sync::watch;
use utoipa_axum::router::OpenApiRouter;

use crate::blocking::{Closer, closer};
use crate::context::{AppState, Context};
use crate::service::Service;

/// One service in the list of services.
pub(crate) struct Entry {
    pub(crate) service: Service,
    /// Its routes together with their OpenAPI description.
    pub(crate) routes: fn() -> OpenApiRouter<AppState>,
    /// Makes what the service alone needs, before its first request; runs only where the service does.
    pub(crate) start: fn(Arc<Context>) -> BoxFuture<'static, anyhow::Result<Started>>,
    /// What surrounds all routes that it answers at its port.
    pub(crate) surround: fn(Router<AppState>, &AppState) -> Router<AppState>,
}

impl Entry {
    /// A service that has nothing of its own.
    pub(super) const fn new(service: Service, routes: fn() -> OpenApiRouter<AppState>) -> Self {
        Entry {
            service,
            routes,
            start: |_| Box::pin(async { Ok(Started::with(())) }),
            surround: |router, _| router,
        }
    }

    /// With something of its own.
    pub(super) const fn starting(
        mut self,
        start: fn(Arc<Context>) -> BoxFuture<'static, anyhow::Result<Started>>,
    ) -> Self {
        self.start = start;
        self
    }

    /// With a middleware around all of its routes.
    pub(super) const fn surrounded(
        mut self,
        surround: fn(Router<AppState>, &AppState) -> Router<AppState>,
    ) -> Self {
        self.surround = surround;
        self
    }
}

/// What a service that runs owns.
pub(crate) struct Started {
    /// What its handlers ask for as [`Own`](crate::context::Own).
    pub(crate) own: Arc<dyn Any + Send + Sync>,
    /// What it does now and then, until it is told to stop.
    pub(crate) upkeep: Option<Upkeep>,
    /// Lets go of what it owns, once nothing is under way.
    pub(crate) close: Closer,
}

/// Regular work that belongs to no request.
pub(crate) type Upkeep = Box<dyn FnOnce(watch::Receiver<bool>) -> BoxFuture<'static, ()> + Send>;

impl Started {
    /// A service that owns this for its handlers.
    pub(super) fn with(own: impl Any + Send + Sync) -> Self {
        Started {
            own: Arc::new(own),
            upkeep: None,
            close: closer(|| {}),
        }
    }

    /// A service that shares this with its handlers.
    pub(super) fn sharing(own: Arc<impl Any + Send + Sync>) -> Self {
        Started {
            own,
            upkeep: None,
            close: closer(|| {}),
        }
    }
}

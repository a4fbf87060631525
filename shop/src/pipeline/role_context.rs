//! What every role of the pipeline has: the shop, the name it reports under, and the order to stop.

use std::sync::Arc;
use std::time::Duration;

use telemetry::span::Tracer;
use tokio::sync::watch;

use super::meter::Meter;
use crate::context::Context;
use crate::queue::Queue;
use crate::service::Service;

/// One service's share in the pipeline.
pub(super) struct RoleContext {
    pub(super) context: Arc<Context>,
    pub(super) tracer: Tracer,
    pub(super) meter: Meter,
    stop: watch::Receiver<bool>,
}

impl RoleContext {
    pub(super) fn new(
        context: Arc<Context>,
        service: Service,
        stop: watch::Receiver<bool>,
    ) -> Self {
        let observer = context.observer(service);
        RoleContext {
            tracer: observer.tracer.clone(),
            meter: Meter::new(observer.registry.clone()),
            context,
            stop,
        }
    }

    pub(super) fn queue(&self) -> &dyn Queue {
        &*self.context.resources.queue
    }

    pub(super) fn is_stopping(&self) -> bool {
        *self.stop.borrow()
    }

    /// Returns when the role has to stop.
    pub(super) async fn stopping(&self) {
        let mut stop = self.stop.clone();
        // A sender that is gone means the same.
        let _ = stop.wait_for(|stop| *stop).await;
    }

    /// Sleeps for `time`; false when the role has to stop instead.
    pub(super) async fn rest(&self, time: Duration) -> bool {
        tokio::select! {
            () = self.stopping() => false,
            () = tokio::time::sleep(time) => true,
        }
    }
}

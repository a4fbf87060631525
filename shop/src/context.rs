//! What every handler and consumer can reach.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::blocking::Closer;
use crate::config::Config;
use crate::error::ApiError;
use crate::fault::Faults;
use crate::observe::Observer;
use crate::peer::Peers;
use crate::provider::{MailProvider, PaymentProvider};
use crate::queue::Queue;
use crate::service::Service;
use crate::store::Stores;
use crate::token::Tokens;

/// Shared by everything in one shop process.
pub struct Context {
    /// How the process runs.
    pub config: Config,
    /// What it keeps.
    pub stores: Stores,
    /// Queue and providers.
    pub resources: Resources,
    /// The other services.
    pub peers: Peers,
    /// Makes and checks access tokens.
    pub tokens: Tokens,
    /// Where faults are armed.
    pub faults: Faults,
    /// What each service reports under its own name.
    pub observers: BTreeMap<Service, Observer>,
}

impl Context {
    /// What a service reports under its own name.
    pub fn observer(&self, service: Service) -> &Observer {
        &self.observers[&service]
    }
}

/// What the pipeline and the services share besides the stores: the queue and the providers.
#[derive(Clone)]
pub struct Resources {
    /// Carries events from part to part.
    pub queue: Arc<dyn Queue>,
    /// Takes the money.
    pub payments: Arc<dyn PaymentProvider>,
    /// Carries the mail.
    pub mail: Arc<dyn MailProvider>,
    pub(crate) closers: Vec<Closer>,
}

impl Resources {
    /// Finishes what waits and lets go of files and connections.
    pub async fn close(&self) {
        for close in &self.closers {
            close().await;
        }
    }
}

/// What the handlers of one service get.
#[derive(Clone)]
pub struct AppState {
    /// Which service they belong to.
    pub service: Service,
    /// Everything shared.
    pub context: Arc<Context>,
    /// What the service alone has; handlers ask for it as [`Own`].
    pub(crate) own: Arc<dyn Any + Send + Sync>,
}

impl AppState {
    /// What the service reports under its own name.
    pub fn observer(&self) -> &Observer {
        self.context.observer(self.service)
    }
}

/// What a service alone has, in its handlers: what its `start` has made.
pub(crate) struct Own<T>(pub(crate) Arc<T>);

impl<T: Send + Sync + 'static> FromRequestParts<AppState> for Own<T> {
    type Rejection = ApiError;

    async fn from_request_parts(_: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let own = Arc::clone(&state.own).downcast::<T>();
        own.map(Own)
            .map_err(|_| ApiError::internal(&"a service was started with what belongs to another"))
    }
}

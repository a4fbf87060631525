//! What every handler and consumer can reach.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::config::{Config, Secret};
use crate::observe::Observer;
use crate::peer::Peers;
use crate::pipeline::Resources;
use crate::readiness::Verdicts;
use crate::service::Service;
use crate::services::auth::Passwords;
use crate::services::cart::ProductCache;
use crate::services::gateway::Door;
use crate::services::notifications::MailRequests;
use crate::services::{recommendations, search};
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
    /// Signs webhooks.
    pub webhook_secret: Secret,
    /// Hashes and checks passwords (auth).
    pub passwords: Passwords,
    /// Products seen lately (cart).
    pub cart_products: ProductCache,
    /// Counts clients' requests (gateway).
    pub door: Door,
    /// Counts the mails that owners ask for (notifications).
    pub mail_requests: MailRequests,
    /// The index (search).
    pub search: search::Shelf,
    /// Neighbourhoods of products (recommendations).
    pub recommendations: recommendations::Shelf,
    /// Whether each service can do its work.
    pub readiness: Verdicts,
    /// What each service reports under its own name.
    pub observers: BTreeMap<Service, Observer>,
}

impl Context {
    /// What a service reports under its own name.
    pub fn observer(&self, service: Service) -> &Observer {
        &self.observers[&service]
    }
}

/// What the handlers of one service get.
#[derive(Clone)]
pub struct AppState {
    /// Which service they belong to.
    pub service: Service,
    /// Everything shared.
    pub context: Arc<Context>,
}

impl AppState {
    /// What the service reports under its own name.
    pub fn observer(&self) -> &Observer {
        self.context.observer(self.service)
    }
}

/// Milliseconds since 1970, by the wall clock.
pub fn now_ms() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|since| i64::try_from(since.as_millis()).ok())
        .unwrap_or(0)
}

/// A stored time as clients see it: RFC 3339 in UTC.
pub fn rfc3339(ms: i64) -> String {
    time::OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000)
        .ok()
        .and_then(|time| {
            time.format(&time::format_description::well_known::Rfc3339)
                .ok()
        })
        .unwrap_or_default()
}

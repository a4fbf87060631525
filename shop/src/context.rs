//! What every handler and consumer can reach.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::config::{Config, Secret};
use crate::peer::Peers;
use crate::pipeline::Resources;
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
    /// Signs webhooks.
    pub webhook_secret: Secret,
}

/// What the handlers of one service get.
#[derive(Clone)]
pub struct AppState {
    /// Which service they belong to.
    pub service: Service,
    /// Everything shared.
    pub context: Arc<Context>,
}

/// Milliseconds since 1970, by the wall clock.
pub fn now_ms() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|since| i64::try_from(since.as_millis()).ok())
        .unwrap_or(0)
}

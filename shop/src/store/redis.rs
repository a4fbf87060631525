//! Carts and payment intents in Redis: one value each, which Redis forgets by itself.
//!
//! What a change means is decided in Rust, by the same functions as everywhere else; Redis compares and
//! sets, in one script (see [`script`]). Values are JSON. Nothing here knows HTTP.
//!
//! Keys, after the prefix: `cart:<session>`, `intent:<id>`, `intent-of:<order>` (the latest intent's id),
//! `webhook:<event>`, and the sorted set `intents-processing` (ids by the time of their confirmation).

use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::fault::Faults;
use crate::secret::Secret;
use crate::store::{Sessions, StoreError, StoreResult};

mod carts;
mod connection;
mod health;
mod intents;
mod script;
#[cfg(test)]
mod tests;
mod told;

use connection::Connection;

/// Rounds of compare-and-set before a change gives up: each lost round means that somebody else's
/// change to the same value was made.
const ROUNDS_MAX: u32 = 128;

/// Which Redis, and which part of it.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `redis://[user:password@]host[:port][/database]`, or `rediss://` for TLS.
    pub url: Secret,
    /// What every key begins with, so that several shops can share a server.
    pub prefix: String,
    /// PEM file with the authorities to trust for `rediss://` instead of the public ones.
    pub ca_file: Option<PathBuf>,
    /// What acts on every exchange with it.
    pub faults: Faults,
}

impl Settings {
    /// The keys of the environment `env` on the Redis at `url`.
    pub fn new(url: Secret, env: &str) -> Self {
        Settings {
            url,
            prefix: format!("shop:{env}:"),
            ca_file: None,
            faults: Faults::default(),
        }
    }
}

/// One Redis as a store.
struct RedisStore {
    connection: Connection,
    prefix: String,
}

/// Makes ready to talk to Redis. With `needed`, waits until it answers and fails when it does not.
pub(crate) async fn open_sessions(settings: &Settings, needed: bool) -> anyhow::Result<Sessions> {
    let connection = Connection::new(settings)?;
    if needed {
        connection.wait_until_up().await?;
        health::warn_of_losses(&connection).await;
    }
    let store = Arc::new(RedisStore {
        connection,
        prefix: settings.prefix.clone(),
    });
    let closing = Arc::clone(&store);
    Ok(Sessions {
        carts: store.clone(),
        intents: store,
        closer: Arc::new(move || {
            let closing = Arc::clone(&closing);
            Box::pin(async move { closing.connection.close().await })
        }),
    })
}

impl RedisStore {
    fn key(&self, kind: &str, name: &str) -> String {
        format!("{}{kind}:{name}", self.prefix)
    }

    /// The bare values of some keys.
    async fn load(&self, keys: &[String]) -> StoreResult<Vec<Option<String>>> {
        self.connection.query(redis::cmd("MGET").arg(keys)).await
    }

    /// The bare value of a key.
    async fn load_one(&self, key: &str) -> StoreResult<Option<String>> {
        self.connection.query(redis::cmd("GET").arg(key)).await
    }
}

fn encode(value: &impl Serialize) -> StoreResult<String> {
    serde_json::to_string(value).map_err(|error| StoreError::Failed(error.to_string()))
}

fn decode<T: DeserializeOwned>(text: &str) -> StoreResult<T> {
    serde_json::from_str(text)
        .map_err(|error| StoreError::Failed(format!("a value in Redis cannot be read: {error}")))
}

/// A store is contended when a value changed [`ROUNDS_MAX`] times between a look and a change.
fn contended() -> StoreError {
    StoreError::Busy("too many changes to one value at the same time".to_owned())
}

//! One connection to Redis that all share, made when it is needed and again after it was lost.
//!
//! While Redis cannot be reached everybody is told so at once, and a new connection is tried at most every
//! [`RETRY_AFTER`]; so Redis is used again as soon as it is back. A command whose answer was lost is not
//! repeated: it may have been carried out. Each command runs in a task of its own: a link that has fallen silent is
//! given up although all who asked had less patience than the limit of an answer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, Cmd, FromRedisValue, IntoConnectionInfo, RedisError,
    RedisResult, TlsCertificates,
};
use tokio::sync::{Mutex, Semaphore};

use super::Settings;
use super::told::{Server, Told, ended};
use crate::fault::{Faults, Point};
use crate::store::operation::Operations;
use crate::store::{StoreError, StoreResult};
use crate::warning::RepeatedWarning;

/// How long a connection may take to be made, TLS and login included.
const CONNECT_MAX: Duration = Duration::from_secs(1);
/// How long Redis may take over one command.
const RESPONSE_MAX: Duration = Duration::from_secs(1);
/// Commands on their way to Redis at the same time.
const COMMANDS_MAX: usize = 512;
/// How long a command waits for its turn.
const TURN_MAX: Duration = Duration::from_secs(1);
/// Pause between two attempts to connect.
const RETRY_AFTER: Duration = Duration::from_millis(100);
/// How long the start waits for Redis.
const START_MAX: Duration = Duration::from_secs(10);

/// How long closing waits for commands under way.
const CLOSE_MAX: Duration = Duration::from_secs(3);

/// A way to Redis.
pub(super) struct Connection {
    way: Arc<Way>,
    operations: Operations,
    faults: Faults,
}

struct Way {
    client: Client,
    server: Server,
    link: Mutex<Link>,
    turns: Semaphore,
    lost: RepeatedWarning,
}

/// What is known of the way.
enum Link {
    /// Never tried.
    Fresh,
    /// Open.
    Up(Arc<MultiplexedConnection>),
    /// Lost or refused, since then and why.
    Down(Instant, String),
    /// The store was closed.
    Closed,
}

impl Connection {
    /// Reads the settings; does not connect.
    pub(super) fn new(settings: &Settings) -> anyhow::Result<Self> {
        let client = client(settings).context(
            "REDIS_URL cannot be used; write it as `redis://host:6379`, or `rediss://host:6379` for TLS",
        )?;
        Ok(Connection {
            way: Arc::new(Way {
                server: Server::of(client.get_connection_info()),
                client,
                link: Mutex::new(Link::Fresh),
                turns: Semaphore::new(COMMANDS_MAX),
                lost: RepeatedWarning::new(),
            }),
            operations: Operations::new("Redis"),
            faults: settings.faults.clone(),
        })
    }

    /// Waits until Redis answers; fails after [`START_MAX`], or at once when it refuses the login.
    pub(super) async fn wait_until_up(&self) -> anyhow::Result<()> {
        let deadline = Instant::now() + START_MAX;
        let address = self.way.client.get_connection_info().addr().to_string();
        loop {
            let pinged: RedisResult<()> = match self.way.connect().await {
                Ok(link) => redis::cmd("PING").query_async(&mut (*link).clone()).await,
                Err(error) => Err(error),
            };
            match pinged {
                Ok(()) => return Ok(()),
                Err(error) if is_refused_login(&error) => {
                    bail!("Redis at {address} refuses the user or password of REDIS_URL")
                }
                Err(error) if Instant::now() >= deadline => bail!(
                    "Redis at {address} (REDIS_URL) does not answer: {error}; start it, or leave REDIS_URL out to keep carts in the data folder"
                ),
                Err(_) => tokio::time::sleep(RETRY_AFTER).await,
            }
        }
    }

    /// Sends one command.
    pub(super) async fn query<T>(&self, command: &Cmd) -> StoreResult<T>
    where
        T: FromRedisValue + Send + 'static,
    {
        let command = command.clone();
        let told = Told::of(&command);
        self.run(told, move |mut link| async move {
            command.query_async(&mut link).await
        })
        .await
    }

    /// Talks to Redis, to the end of the talk, which traces show as `told`.
    pub(super) async fn run<T, F>(
        &self,
        told: Told,
        talk: impl FnOnce(MultiplexedConnection) -> F + Send + 'static,
    ) -> StoreResult<T>
    where
        T: Send + 'static,
        F: Future<Output = RedisResult<T>> + Send,
    {
        self.faults.at(Point::CacheCall, "").await?;
        let way = Arc::clone(&self.way);
        self.operations
            .run(async move {
                let span = way.server.span(&told);
                ended(&span, span.run(way.run(talk)).await)
            })
            .await
    }

    /// Hangs up.
    pub(super) async fn close(&self) {
        if !self.operations.close(CLOSE_MAX).await {
            tracing::warn!("commands to Redis are cut off");
        }
        *self.way.link.lock().await = Link::Closed;
    }
}

impl Way {
    async fn run<T, F>(
        &self,
        talk: impl FnOnce(MultiplexedConnection) -> F + Send,
    ) -> StoreResult<T>
    where
        F: Future<Output = RedisResult<T>> + Send,
    {
        let turn = tokio::time::timeout(TURN_MAX, self.turns.acquire()).await;
        let Ok(Ok(_turn)) = turn else {
            return Err(StoreError::Busy("too many commands wait for Redis".into()));
        };
        let link = self.link().await?;
        let outcome = talk((*link).clone()).await;
        if let Err(error) = &outcome
            && (error.is_unrecoverable_error() || error.is_timeout() || error.is_io_error())
        {
            self.give_up(&link, error).await;
        }
        outcome.map_err(store_error)
    }

    /// The open connection, or a new one unless one was refused a moment ago.
    async fn link(&self) -> StoreResult<Arc<MultiplexedConnection>> {
        // Held while connecting, so that one connection is made for all who wait.
        let mut link = self.link.lock().await;
        match &*link {
            Link::Up(open) => return Ok(Arc::clone(open)),
            Link::Down(since, why) if since.elapsed() < RETRY_AFTER => {
                return Err(StoreError::Busy(why.clone()));
            }
            Link::Closed => return Err(StoreError::Busy("the store is closed".into())),
            Link::Fresh | Link::Down(..) => {}
        }
        match self.connect().await {
            Ok(open) => {
                *link = Link::Up(Arc::clone(&open));
                Ok(open)
            }
            Err(error) => {
                let why = format!("Redis cannot be reached: {error}");
                *link = Link::Down(Instant::now(), why.clone());
                Err(StoreError::Busy(why))
            }
        }
    }

    async fn connect(&self) -> RedisResult<Arc<MultiplexedConnection>> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_MAX))
            .set_response_timeout(Some(RESPONSE_MAX));
        let open = self
            .client
            .get_multiplexed_async_connection_with_config(&config)
            .await?;
        Ok(Arc::new(open))
    }

    /// Forgets a connection that failed, unless somebody else did.
    async fn give_up(&self, failed: &Arc<MultiplexedConnection>, error: &RedisError) {
        let mut link = self.link.lock().await;
        if matches!(&*link, Link::Up(open) if Arc::ptr_eq(open, failed)) {
            self.lost.failed(|suppressed| {
                tracing::warn!(%error, suppressed, "the connection to Redis was lost");
            });
            *link = Link::Fresh;
        }
    }
}

fn client(settings: &Settings) -> anyhow::Result<Client> {
    // The error of the parser says nothing of what it read.
    let info = settings.url.expose().into_connection_info()?;
    let Some(file) = &settings.ca_file else {
        return Ok(Client::open(info)?);
    };
    let root_cert = std::fs::read(file)
        .with_context(|| format!("REDIS_CA_FILE: cannot read {}", file.display()))?;
    let certificates = TlsCertificates {
        client_tls: None,
        root_cert: Some(root_cert),
    };
    Client::build_with_tls(info, certificates)
        .with_context(|| format!("REDIS_CA_FILE: {} cannot be used", file.display()))
}

fn is_refused_login(error: &RedisError) -> bool {
    error.kind() == redis::ErrorKind::AuthenticationFailed
        || matches!(error.code(), Some("WRONGPASS" | "NOAUTH" | "NOPERM"))
}

/// Everything passes but a question that Redis will never answer.
fn store_error(error: RedisError) -> StoreError {
    match error.code() {
        Some("WRONGTYPE" | "NOPERM" | "NOAUTH" | "WRONGPASS" | "CROSSSLOT") => {
            StoreError::Failed(format!("Redis refuses: {error}"))
        }
        _ if error.kind() == redis::ErrorKind::UnexpectedReturnType => {
            StoreError::Failed(format!("Redis answers strangely: {error}"))
        }
        _ => StoreError::Busy(format!("Redis: {error}")),
    }
}

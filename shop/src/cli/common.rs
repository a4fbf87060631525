//! What every long-running command of the shop has: data, secrets, addresses, and the way it starts and ends.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::json;
use telemetry::Sinks;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use super::telemetry::{TelemetryArgs, env_of};
use crate::backends::BackendArgs;
use crate::config::{Config, PipelineSettings};
use crate::listener::descriptors;
use crate::secret::Secret;
use crate::server::{Shop, Stopped};
use crate::service::Service;

/// How long a shop whose lifeline broke may take to finish what is under way.
const ORPHAN_DRAIN_MAX: Duration = Duration::from_millis(200);

/// How long it may live at all: starting, it may be busy with something that cannot be called off.
const ORPHAN_LIFE_MAX: Duration = Duration::from_millis(400);

/// How long the runtime waits for blocking work once everything else has ended.
const LEFT_BEHIND_MAX: Duration = Duration::from_millis(300);

/// Flags of every process that runs the shop or a part of it.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct CommonArgs {
    /// Folder for the databases and for the secrets that the shop makes
    #[arg(
        long,
        value_name = "DIR",
        default_value = "shop-data",
        env = "SHOP_DATA"
    )]
    data: PathBuf,
    /// Seed of the catalogue: the same seed makes the same products
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Products in the catalogue
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    products: u32,
    /// Seconds for which an order waits for the confirmation of its payment intent
    #[arg(long, value_name = "S", default_value_t = 900, value_parser = clap::value_parser!(u64).range(1..=31_536_000))]
    intent_ttl_s: u64,
    #[command(flatten)]
    process: ProcessArgs,
    #[command(flatten)]
    peers: PeerArgs,
    #[command(flatten)]
    secrets: SecretArgs,
    #[command(flatten)]
    backends: BackendArgs,
    #[command(flatten)]
    pipeline: PipelineSettings,
}

/// How a process starts, logs and ends.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct ProcessArgs {
    /// Write a JSON file with the process id and the URLs once every port listens
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
    /// Stop when standard input ends, so that no process outlives whoever started it. After a line on it there is time to
    /// finish what is under way, without one 0.2 seconds
    #[arg(long)]
    lifeline: bool,
    #[command(flatten)]
    telemetry: TelemetryArgs,
}

/// Where services are that run in another process; without it, at their default ports here.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Services elsewhere")]
struct PeerArgs {
    /// URL of the orders service
    #[arg(long, value_name = "URL", env = "ORDERS_URL")]
    orders_url: Option<PeerUrl>,
    /// URL of the cart service
    #[arg(long, value_name = "URL", env = "CART_URL")]
    cart_url: Option<PeerUrl>,
    /// URL of the auth service
    #[arg(long, value_name = "URL", env = "AUTH_URL")]
    auth_url: Option<PeerUrl>,
    /// URL of the payment service
    #[arg(long, value_name = "URL", env = "PAYMENT_URL")]
    payment_url: Option<PeerUrl>,
    /// URL of the search service
    #[arg(long, value_name = "URL", env = "SEARCH_URL")]
    search_url: Option<PeerUrl>,
    /// URL of the recommendations service
    #[arg(long, value_name = "URL", env = "RECOMMENDATIONS_URL")]
    recommendations_url: Option<PeerUrl>,
    /// URL of the notifications service
    #[arg(long, value_name = "URL", env = "NOTIFICATIONS_URL")]
    notifications_url: Option<PeerUrl>,
}

/// Secrets come from the environment alone: a command line can be read by everyone on the machine.
#[derive(Clone, Default, clap::Args)]
#[command(next_help_heading = "Secrets (environment only)")]
struct SecretArgs {
    /// Signs access tokens
    #[arg(long, hide = true, env = "JWT_SECRET", hide_env_values = true)]
    jwt_secret: Option<String>,
    /// Signs webhooks
    #[arg(long, hide = true, env = "WEBHOOK_SECRET", hide_env_values = true)]
    webhook_secret: Option<String>,
    /// When set, catalogue changes need it or an administrator's token
    #[arg(long, hide = true, env = "SHOP_ADMIN_TOKEN", hide_env_values = true)]
    admin_token: Option<String>,
    /// Whoever shows it may read the shop's books, as an audit does
    #[arg(long, hide = true, env = "SHOP_AUDIT_TOKEN", hide_env_values = true)]
    audit_token: Option<String>,
}

impl std::fmt::Debug for SecretArgs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretArgs(…)")
    }
}

#[derive(Clone, Debug)]
struct PeerUrl(String);

impl FromStr for PeerUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url: http::Uri = text
            .parse()
            .map_err(|error| format!("not a URL: {error}"))?;
        if url.scheme_str() != Some("http") || url.host().is_none() {
            return Err("it must be a plain URL such as `http://127.0.0.1:8080`".to_owned());
        }
        Ok(PeerUrl(text.trim_end_matches('/').to_owned()))
    }
}

impl CommonArgs {
    /// The configuration that the flags describe. Fails when this build cannot do what they ask for.
    pub(super) fn config(&self) -> anyhow::Result<Config> {
        let mut config = Config::new(&self.data);
        config.peer_urls = self.peers.urls();
        config.env = env_of(&self.process.telemetry.settings()?);
        config.seed = self.seed;
        config.products = self.products;
        // An empty one is a mistake that the start refuses, not the absence of one.
        let given = |secret: &Option<String>| secret.clone().map(Secret::new);
        config.admin_token = given(&self.secrets.admin_token);
        config.audit_token = given(&self.secrets.audit_token);
        config.jwt_secret = given(&self.secrets.jwt_secret);
        config.webhook_secret = given(&self.secrets.webhook_secret);
        config.intent_ttl = Duration::from_secs(self.intent_ttl_s);
        config.backends = self.backends.backends()?;
        config.pipeline = self.pipeline.clone();
        Ok(config)
    }

    /// Runs what the configuration says until the process is told to stop.
    pub(super) fn run(&self, mut config: Config) -> anyhow::Result<()> {
        self.process.run(async |process, sinks| {
            config.telemetry = sinks;
            process.serve(config).await
        })
    }
}

impl ProcessArgs {
    /// Sets up telemetry and runtime, does `work`, and takes both down in order.
    pub(super) fn run(
        &self,
        work: impl AsyncFnOnce(&ProcessArgs, Sinks) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let settings = self.telemetry.settings()?;
        // Dropped last: it sends and writes what is queued.
        let telemetry = self.telemetry.start(settings)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .thread_name("shop")
            .build()
            .context("cannot start the runtime")?;
        let descriptors = descriptors::raise_limit();
        tracing::debug!(descriptors, "file descriptors that the process may have");
        let outcome = runtime.block_on(work(self, telemetry.sinks()));
        // What the work has left behind waits for something that does not come.
        runtime.shutdown_timeout(LEFT_BEHIND_MAX);
        outcome
    }

    async fn serve(&self, config: Config) -> anyhow::Result<()> {
        let mut end = self.end()?;
        let shop = tokio::select! {
            shop = Shop::start(config) => shop?,
            () = end.broken() => return Ok(()),
        };
        for (service, url) in shop.urls() {
            tracing::info!(service = service.name(), url, "listening");
        }
        self.ready(
            shop.urls()
                .iter()
                .map(|(service, url)| (service.name(), url.as_str())),
        )?;
        let stopped = match end.wait().await {
            Why::Told => shop.shutdown().await,
            Why::LifelineBroke => tokio::time::timeout(ORPHAN_DRAIN_MAX, shop.shutdown())
                .await
                .unwrap_or(Stopped::CutOff),
        };
        match stopped {
            Stopped::Drained => tracing::info!("stopped; everything under way was finished"),
            Stopped::CutOff => tracing::warn!("stopped at the deadline; something was cut off"),
        }
        Ok(())
    }

    /// What will tell the process to end. Made first, so that nothing told meanwhile is missed.
    pub(super) fn end(&self) -> anyhow::Result<End> {
        Ok(End {
            lifeline: self.lifeline.then(watch_standard_input).transpose()?,
            signals: Signals::install()?,
        })
    }

    /// Says where everything listens, to whoever waits for the file.
    pub(super) fn ready<'a>(
        &self,
        services: impl Iterator<Item = (&'static str, &'a str)>,
    ) -> anyhow::Result<()> {
        match &self.ready_file {
            Some(file) => write_ready_file(file, services),
            None => Ok(()),
        }
    }
}

/// What tells a process to end.
pub(super) struct End {
    lifeline: Option<oneshot::Receiver<Why>>,
    signals: Signals,
}

impl End {
    /// Returns when the process shall end, and why.
    pub(super) async fn wait(&mut self) -> Why {
        let (text, why) = tokio::select! {
            signal = self.signals.next() => (signal, Why::Told),
            why = ended(&mut self.lifeline) => ("standard input ended", why),
        };
        tracing::info!(why = text, "stopping");
        why
    }

    /// Returns when whoever holds the lifeline is gone.
    async fn broken(&mut self) {
        if ended(&mut self.lifeline).await == Why::Told {
            // The process stops when it has started; `wait` must still see it.
            self.lifeline = Some(told());
            std::future::pending().await
        }
    }
}

/// Why a process ends.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Why {
    /// By a signal, or by something written to the lifeline before its end: there is time to finish what is under way.
    Told,
    /// The lifeline ended without a word, as it does when its holder is killed: nobody waits for an answer any more.
    LifelineBroke,
}

fn told() -> oneshot::Receiver<Why> {
    let (over, ended) = oneshot::channel();
    let _ = over.send(Why::Told);
    ended
}

impl PeerArgs {
    fn urls(&self) -> BTreeMap<Service, String> {
        [
            (Service::Orders, &self.orders_url),
            (Service::Cart, &self.cart_url),
            (Service::Auth, &self.auth_url),
            (Service::Payment, &self.payment_url),
            (Service::Search, &self.search_url),
            (Service::Recommendations, &self.recommendations_url),
            (Service::Notifications, &self.notifications_url),
        ]
        .into_iter()
        .filter_map(|(service, url)| Some((service, url.clone()?.0)))
        .collect()
    }
}

struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    fn install() -> anyhow::Result<Self> {
        let install = |kind| signal(kind).context("cannot listen for signals");
        Ok(Signals {
            interrupt: install(SignalKind::interrupt())?,
            terminate: install(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "interrupted",
            _ = self.terminate.recv() => "terminated",
        }
    }
}

/// A thread that reads standard input to its end; it ends with the process at the latest, since a
/// blocking read of a terminal or pipe cannot be called off.
fn watch_standard_input() -> anyhow::Result<oneshot::Receiver<Why>> {
    let (over, ended) = oneshot::channel();
    std::thread::Builder::new()
        .name("lifeline".into())
        .spawn(move || {
            let mut buffer = [0; 256];
            let mut input = std::io::stdin().lock();
            let mut why = Why::LifelineBroke;
            while matches!(input.read(&mut buffer), Ok(read) if read > 0) {
                why = Why::Told;
            }
            // Nobody waits any more when the shop is stopping for another reason.
            let _ = over.send(why);
            if why == Why::LifelineBroke {
                std::thread::sleep(ORPHAN_LIFE_MAX);
                end_now();
            }
        })
        .context("cannot watch standard input")?;
    Ok(ended)
}

/// Ends a process that nobody waits for, as a crash would: what was acknowledged is on the disk.
#[expect(
    clippy::exit,
    clippy::disallowed_methods,
    reason = "the owner of everything in this process is gone, and so is who would wait for an orderly end"
)]
fn end_now() {
    std::process::exit(1)
}

async fn ended(lifeline: &mut Option<oneshot::Receiver<Why>>) -> Why {
    match lifeline {
        Some(lifeline) => lifeline.await.unwrap_or(Why::LifelineBroke),
        None => std::future::pending().await,
    }
}

/// Written beside its place and moved there, so that whoever waits for it never sees half of it.
fn write_ready_file<'a>(
    path: &Path,
    services: impl Iterator<Item = (&'static str, &'a str)>,
) -> anyhow::Result<()> {
    let services: serde_json::Map<String, serde_json::Value> = services
        .map(|(service, url)| (service.to_owned(), json!(url)))
        .collect();
    let text = json!({ "pid": std::process::id(), "services": services }).to_string();
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    crate::private::create(Path::new(&beside))
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .and_then(|()| std::fs::rename(&beside, path))
        .with_context(|| format!("cannot write the ready file {}", path.display()))
}

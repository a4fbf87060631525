//! The command line of the shop: flags and variables in, a valid [`Config`] out, and the run itself.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::json;
use telemetry::Identity;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use crate::backends::BackendArgs;
use crate::config::{Config, PasswordCost, Secret};
use crate::pipeline;
use crate::server::{RunningShop, Shop, Stopped};
use crate::service::Service;

mod dead_letters;
mod health;
mod migrate;

use dead_letters::DeadLetterArgs;
use health::HealthArgs;
use migrate::MigrateArgs;

/// Commands of the shop.
#[derive(Debug, clap::Args)]
pub struct ShopArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Runs the shop, whole or single services of it, until it is told to stop
    Serve(Box<ServeArgs>),
    /// Looks after messages that no consumer could handle
    DeadLetters(DeadLetterArgs),
    /// Asks a service whether it is well, as a container's health check does
    Health(HealthArgs),
    /// Looks after the schema of the databases
    Migrate(Box<MigrateArgs>),
}

/// How to run the shop.
#[derive(Clone, Debug, clap::Args)]
pub struct ServeArgs {
    /// Run this service only; repeat it for several [default: all of them]
    #[arg(long = "service", value_name = "NAME")]
    services: Vec<Service>,
    /// Folder for the databases and for the secrets that the shop makes
    #[arg(
        long,
        value_name = "DIR",
        default_value = "shop-data",
        env = "SHOP_DATA"
    )]
    data: PathBuf,
    /// Address to listen on
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    bind: IpAddr,
    /// Listen on N for the first service, N+1 for the next and so on, in the order of `--help`'s URLs
    #[arg(long, value_name = "N", conflicts_with = "free_ports")]
    port_base: Option<u16>,
    /// Listen on free ports
    #[arg(long)]
    free_ports: bool,
    /// Port of one service, such as `gateway=8000`; 0 takes a free one
    #[arg(long = "port", value_name = "SERVICE=PORT")]
    ports: Vec<PortOf>,
    /// Seed of the catalogue: the same seed makes the same products
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Products in the catalogue
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    products: u32,
    /// Write a JSON file with the process id and the URLs once every port listens
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
    /// Stop when standard input ends, so that no shop outlives whoever started it
    #[arg(long)]
    lifeline: bool,
    /// What is logged: error, warn, info, debug, or a filter such as `shop=debug`
    #[arg(long, value_name = "FILTER", default_value = "info", env = "SHOP_LOG")]
    log_level: String,
    /// Name of the environment in telemetry
    #[arg(long, value_name = "NAME", default_value = "dev", env = "DD_ENV")]
    env: String,
    /// Requests a second that the gateway lets through for one client address
    #[arg(long, value_name = "N", default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..))]
    rate_limit: u32,
    /// Seconds for which an access token is good
    #[arg(long, value_name = "S", default_value_t = 3_600, value_parser = clap::value_parser!(u64).range(1..=31_536_000))]
    token_ttl_s: u64,
    /// Seconds for which an untouched cart is kept
    #[arg(long, value_name = "S", default_value_t = 86_400, value_parser = clap::value_parser!(u64).range(1..=31_536_000))]
    cart_ttl_s: u64,
    /// Seconds for which an order waits for the confirmation of its payment intent
    #[arg(long, value_name = "S", default_value_t = 900, value_parser = clap::value_parser!(u64).range(1..=31_536_000))]
    intent_ttl_s: u64,
    /// Cost of one password hash: KiB of memory, passes, lanes
    #[arg(
        long,
        value_name = "M,T,P",
        default_value = "19456,2,1",
        env = "PASSWORD_COST"
    )]
    password_cost: PasswordCost,
    #[command(flatten)]
    peers: PeerArgs,
    #[command(flatten)]
    secrets: SecretArgs,
    #[command(flatten)]
    backends: BackendArgs,
    #[command(flatten)]
    pipeline: pipeline::Settings,
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

#[derive(Clone, Copy, Debug)]
struct PortOf {
    service: Service,
    port: u16,
}

impl FromStr for PortOf {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (service, port) = text
            .split_once('=')
            .ok_or("write it as SERVICE=PORT, such as `gateway=8000`")?;
        Ok(PortOf {
            service: service
                .parse()
                .map_err(|error: crate::service::UnknownService| error.to_string())?,
            port: port
                .parse()
                .map_err(|_| format!("`{port}` is not a port; ports are 0 to 65535"))?,
        })
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

impl FromStr for PasswordCost {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let numbers: Vec<u32> = text
            .split(',')
            .map(|number| number.trim().parse())
            .collect::<Result<_, _>>()
            .map_err(|_| "write three numbers, such as `19456,2,1`".to_owned())?;
        let [memory_kib, passes, lanes] = numbers[..] else {
            return Err("write three numbers, such as `19456,2,1`".to_owned());
        };
        argon2::Params::new(memory_kib, passes, lanes, None)
            .map_err(|error| format!("Argon2 refuses these numbers: {error}"))?;
        Ok(PasswordCost {
            memory_kib,
            passes,
            lanes,
        })
    }
}

impl ShopArgs {
    /// Does what the command says; returns when it is done or was told to stop.
    pub fn run(self) -> anyhow::Result<()> {
        match self.command {
            Command::Serve(args) => args.run(),
            Command::DeadLetters(args) => runtime()?.block_on(args.run(&mut std::io::stdout())),
            Command::Health(args) => args.run(&mut std::io::stdout()),
            Command::Migrate(args) => runtime()?.block_on(args.run(&mut std::io::stdout())),
        }
    }
}

/// What a command needs that only asks and answers.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
}

impl ServeArgs {
    /// The configuration that the flags describe.
    pub fn config(&self) -> anyhow::Result<Config> {
        let mut config = Config::new(&self.data);
        if !self.services.is_empty() {
            config.services = self.services.clone();
            config.services.sort_unstable();
            config.services.dedup();
        }
        config.ports = self.port_table()?;
        config.bind = self.bind;
        config.peer_urls = self.peers.urls();
        config.env.clone_from(&self.env);
        config.seed = self.seed;
        config.products = self.products;
        config.admin_token = Secret::given(self.secrets.admin_token.as_deref());
        config.jwt_secret = Secret::given(self.secrets.jwt_secret.as_deref());
        config.webhook_secret = Secret::given(self.secrets.webhook_secret.as_deref());
        config.audit_token = Secret::given(self.secrets.audit_token.as_deref());
        config.password_cost = self.password_cost;
        config.token_ttl = Duration::from_secs(self.token_ttl_s);
        config.cart_ttl = Duration::from_secs(self.cart_ttl_s);
        config.intent_ttl = Duration::from_secs(self.intent_ttl_s);
        config.gateway_rate_per_s = self.rate_limit;
        config.backends = self.backends.backends();
        config.pipeline = self.pipeline.clone();
        Ok(config)
    }

    fn port_table(&self) -> anyhow::Result<BTreeMap<Service, u16>> {
        let mut ports = BTreeMap::new();
        if self.free_ports {
            ports.extend(Service::all().map(|service| (service, 0)));
        }
        if let Some(base) = self.port_base {
            for (offset, service) in (0u16..).zip(Service::all()) {
                let port = base.checked_add(offset).with_context(|| {
                    format!(
                        "`--port-base {base}` leaves no room for all services; choose a smaller one"
                    )
                })?;
                ports.insert(service, port);
            }
        }
        ports.extend(self.ports.iter().map(|of| (of.service, of.port)));
        Ok(ports)
    }

    fn run(self) -> anyhow::Result<()> {
        let config = self.config()?;
        let identity = Identity::new("rum-shop", config.env.as_str(), env!("CARGO_PKG_VERSION"));
        // Dropped last: it writes out the lines that are queued.
        let _log = telemetry::log::init(identity, &self.log_level)
            .context("`--log-level` cannot be used")?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .thread_name("shop")
            .build()
            .context("cannot start the runtime")?;
        let outcome = runtime.block_on(self.serve(config));
        drop(runtime);
        outcome
    }

    async fn serve(&self, config: Config) -> anyhow::Result<()> {
        let lifeline = self.lifeline.then(watch_standard_input).transpose()?;
        let mut signals = Signals::install()?;
        let shop = Shop::start(config).await?;
        for (service, url) in shop.urls() {
            tracing::info!(service = service.name(), url, "listening");
        }
        if let Some(file) = &self.ready_file {
            write_ready_file(file, &shop)?;
        }
        let why = tokio::select! {
            signal = signals.next() => signal,
            () = ended(lifeline) => "standard input ended",
        };
        tracing::info!(why, "stopping");
        match shop.shutdown().await {
            Stopped::Drained => tracing::info!("stopped; everything under way was finished"),
            Stopped::CutOff => tracing::warn!("stopped at the deadline; something was cut off"),
        }
        Ok(())
    }
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
fn watch_standard_input() -> anyhow::Result<oneshot::Receiver<()>> {
    let (over, ended) = oneshot::channel();
    std::thread::Builder::new()
        .name("lifeline".into())
        .spawn(move || {
            let mut buffer = [0; 256];
            let mut input = std::io::stdin().lock();
            while matches!(input.read(&mut buffer), Ok(read) if read > 0) {}
            // Nobody waits any more when the shop is stopping for another reason.
            let _ = over.send(());
        })
        .context("cannot watch standard input")?;
    Ok(ended)
}

async fn ended(lifeline: Option<oneshot::Receiver<()>>) {
    match lifeline {
        Some(lifeline) => drop(lifeline.await),
        None => std::future::pending().await,
    }
}

/// Written beside its place and moved there, so that whoever waits for it never sees half of it.
fn write_ready_file(path: &Path, shop: &RunningShop) -> anyhow::Result<()> {
    let services: serde_json::Map<String, serde_json::Value> = shop
        .urls()
        .iter()
        .map(|(service, url)| (service.name().to_owned(), json!(url)))
        .collect();
    let text = json!({ "pid": std::process::id(), "services": services }).to_string();
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    std::fs::File::create(&beside)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .and_then(|()| std::fs::rename(&beside, path))
        .with_context(|| format!("cannot write the ready file {}", path.display()))
}

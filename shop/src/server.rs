//! Server lifecycle: how the shop lives and dies. Check, bind, open the stores, start the services, serve, drain.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Extension};
use axum::middleware::{from_fn, from_fn_with_state};
use telemetry::metrics::Registry;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::blocking::{Closer, off_thread};
use crate::config::Config;
use crate::context::{AppState, Context};
use crate::fault::{self, Armed, Faults, Given};
use crate::listener::{self, ConnectionLimits, descriptors};
use crate::observe::Observer;
use crate::peer::Peers;
use crate::pipeline::{self, RunningPipeline};
use crate::provider::simulated::SimulatedProviders;
use crate::role::PipelineRole;
use crate::service::Service;
use crate::services::entry::{Entry, Started};
use crate::services::{self, auth};
use crate::token::Tokens;

mod adapters;
mod common;
mod data_folder;
mod exposure;
mod middleware;
mod openapi;
mod readiness;
mod runtime;
mod secrets;
mod sockets;
mod strict;

pub(crate) use adapters::open_queue;
pub use adapters::open_stores;
use common::common_routes;
use middleware::observe;
use readiness::LatestVerdict;
use sockets::{bind_all, bind_metrics, own_urls, peer_urls};

/// Starts shops.
pub struct Shop;

/// A shop whose ports listen.
pub struct RunningShop {
    context: Arc<Context>,
    urls: BTreeMap<Service, String>,
    servers: Vec<Server>,
    upkeep: Vec<Server>,
    pipeline: RunningPipeline,
    closers: Vec<Closer>,
    simulated: Option<Arc<SimulatedProviders>>,
    /// The faults that the configuration asks for, for as long as the shop runs.
    _configured: Vec<Armed>,
}

/// One task that serves until told to stop.
struct Server {
    service: Option<Service>,
    stop: watch::Sender<bool>,
    task: JoinHandle<bool>,
}

/// How a shutdown went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// Everything under way was finished.
    Drained,
    /// The deadline cut something off.
    CutOff,
}

impl Shop {
    /// Binds every port, opens the stores, fills an empty shop, then serves.
    pub async fn start(config: Config) -> anyhow::Result<RunningShop> {
        crate::private::create_dir_all(&config.data_dir).with_context(|| {
            format!("cannot make the data folder {}", config.data_dir.display())
        })?;
        exposure::check(&config)?;
        let listeners = bind_all(&config)?;
        let metrics = bind_metrics(&config)?;
        let urls = own_urls(&listeners)?;
        let opened = open(config, &urls).await?;
        let context = Arc::new(opened.context);
        let configured = arm_configured(&context)?;
        fill(&context).await?;
        let mut services = Vec::new();
        for (service, listener) in listeners {
            let entry = services::entry(service);
            let started = (entry.start)(Arc::clone(&context)).await?;
            services.push((entry, started, listener));
        }
        let mut shop = RunningShop {
            pipeline: pipeline::start(&context)?,
            context,
            urls,
            servers: Vec::new(),
            upkeep: Vec::new(),
            closers: Vec::new(),
            simulated: opened.simulated,
            _configured: configured,
        };
        for (entry, started, listener) in services {
            shop.serve(entry, started, listener);
        }
        let metrics = metrics.map(|listener| serve_metrics(listener, &shop.context));
        shop.servers.extend(metrics);
        shop.show_runtime();
        Ok(shop)
    }
}

impl RunningShop {
    /// The base URL of a service of this process.
    pub fn url(&self, service: Service) -> Option<&str> {
        self.urls.get(&service).map(String::as_str)
    }

    /// The base URL of every service of this process.
    pub fn urls(&self) -> &BTreeMap<Service, String> {
        &self.urls
    }

    /// What the handlers work with.
    pub fn context(&self) -> &Arc<Context> {
        &self.context
    }

    /// The simulated payment and mail providers, where the shop has them.
    pub fn simulated_providers(&self) -> Option<&Arc<SimulatedProviders>> {
        self.simulated.as_ref()
    }

    /// Serves a service that has been started.
    fn serve(&mut self, entry: &Entry, started: Started, listener: TcpListener) {
        let service = entry.service;
        let state = AppState {
            service,
            context: Arc::clone(&self.context),
            own: started.own,
        };
        let limits = limits(service, &self.context.config);
        let server = serve_app(listener, app(entry, state.clone()), state, limits);
        self.servers.push(server);
        self.closers.push(started.close);
        self.upkeep.extend(started.upkeep.map(keep_up));
    }

    /// Shows what the runtime of the process is doing.
    fn show_runtime(&mut self) {
        let service = first(&self.context.config);
        let registry = self.context.observer(service).registry.clone();
        self.upkeep
            .push(keep_up(|stopped| runtime::show(registry, stopped)));
    }

    /// Stops accepting, lets requests finish, stops the pipeline, closes the stores.
    ///
    /// The gateway goes first, so that what it let in still finds the services behind it.
    pub async fn shutdown(self) -> Stopped {
        let deadline = self.context.config.drain_timeout;
        let (gateway, behind): (Vec<_>, Vec<_>) = self
            .servers
            .into_iter()
            .partition(|server| server.service == Some(Service::Gateway));
        let mut drained = stop_all(gateway, deadline).await;
        drained &= stop_all(behind, deadline).await;
        drained &= stop_all(self.upkeep, deadline).await;
        drained &= self.pipeline.stop(deadline).await;
        self.context.resources.close().await;
        self.context.stores.close().await;
        for close in &self.closers {
            close().await;
        }
        if drained {
            Stopped::Drained
        } else {
            Stopped::CutOff
        }
    }
}

/// Starts work that belongs to no request.
fn keep_up<W: Future<Output = ()> + Send + 'static>(
    work: impl FnOnce(watch::Receiver<bool>) -> W,
) -> Server {
    let (stop, stopped) = watch::channel(false);
    let work = work(stopped);
    Server {
        service: None,
        stop,
        task: tokio::spawn(async move {
            work.await;
            true
        }),
    }
}

async fn stop_all(servers: Vec<Server>, deadline: Duration) -> bool {
    for server in &servers {
        // Nobody listens when the task has ended already.
        server.stop.send_replace(true);
    }
    let mut drained = true;
    let end = tokio::time::Instant::now() + deadline;
    for mut server in servers {
        match tokio::time::timeout_at(end, &mut server.task).await {
            Ok(finished) => drained &= finished.unwrap_or(false),
            Err(_) => {
                server.task.abort();
                drained = false;
            }
        }
    }
    drained
}

/// What a shop consists of before it serves.
pub(crate) struct Opened {
    pub(crate) context: Context,
    pub(crate) simulated: Option<Arc<SimulatedProviders>>,
}

/// Opens everything but the ports.
pub(crate) async fn open(
    mut config: Config,
    own_urls: &BTreeMap<Service, String>,
) -> anyhow::Result<Opened> {
    let check = config.clone();
    off_thread(move || {
        let _locked = data_folder::lock(&check.data_dir)?;
        data_folder::check(&check)
    })
    .await??;
    let jwt_secret = secrets::load_or_make(&config, config.jwt_secret.as_ref(), "jwt.secret")?;
    let webhook_secret =
        secrets::load_or_make(&config, config.webhook_secret.as_ref(), "webhook.secret")?;
    config.webhook_secret = Some(webhook_secret);
    let observers = observers(&config)?;
    let faults = Faults::default();
    let registry = &observers[&first(&config)].registry;
    let adapters = adapters::open(&config, &faults, registry).await?;
    let opened = config.clone();
    off_thread(move || data_folder::remember(&opened)).await??;
    let context = Context {
        stores: adapters.stores,
        resources: adapters.resources,
        peers: Peers::new(peer_urls(&config, own_urls))
            .measured(registries(&observers))
            .with_faults(&faults),
        tokens: Tokens::new(&jwt_secret, config.token_ttl),
        faults,
        observers,
        config,
    };
    Ok(Opened {
        context,
        simulated: adapters.simulated,
    })
}

fn registries(observers: &BTreeMap<Service, Observer>) -> BTreeMap<&'static str, Registry> {
    let observers = observers.iter();
    observers
        .map(|(service, observer)| (service.telemetry_name(), observer.registry.clone()))
        .collect()
}

/// The service that shows what is the whole process's: the first that runs here.
fn first(config: &Config) -> Service {
    let mut running = Service::all().filter(|service| config.runs(*service));
    running.next().unwrap_or(Service::Gateway)
}

/// One observer a service. What the process drops of its telemetry is shown by the first service that runs here.
fn observers(config: &Config) -> anyhow::Result<BTreeMap<Service, Observer>> {
    let sinks = &config.telemetry;
    let observers: BTreeMap<Service, Observer> = Service::all()
        .map(|service| Ok((service, Observer::new(service, &config.env, sinks)?)))
        .collect::<anyhow::Result<_>>()?;
    sinks.show_drops_in(&observers[&first(config)].registry);
    Ok(observers)
}

/// Arms what the configuration asks for: a cold start.
fn arm_configured(context: &Context) -> anyhow::Result<Vec<Armed>> {
    let cold_start = context.config.pipeline.cold_start;
    if cold_start.is_zero() {
        return Ok(Vec::new());
    }
    let given = Given::default().with("delay", format!("{}ms", cold_start.as_millis()));
    Ok(vec![fault::install("cold_start", &context.faults, &given)?])
}

/// Gives a fresh shop its catalogue, and an old one its demo account as it should be.
async fn fill(context: &Arc<Context>) -> anyhow::Result<()> {
    let config = &context.config;
    if config.runs(Service::Orders) || config.roles().contains(&PipelineRole::Orders) {
        let products = crate::catalogue::Catalogue::generate(config.seed, config.products);
        let products = crate::store::seed_products(&products);
        let added = context.stores.products.seed(products).await?;
        tracing::info!(added, "catalogue ready");
    }
    auth::demote_demo_account(context).await
}

fn serve_metrics(listener: TcpListener, context: &Arc<Context>) -> Server {
    let state = AppState {
        service: Service::Gateway,
        context: Arc::clone(context),
        own: Arc::new(()),
    };
    let app = common::metrics_app(state.clone());
    let mut server = serve_app(listener, app, state, ConnectionLimits::PRIVATE);
    // It goes with the services, so that the last moments of the gateway can still be read.
    server.service = None;
    server
}

fn serve_app(
    listener: TcpListener,
    app: Router,
    state: AppState,
    limits: ConnectionLimits,
) -> Server {
    let (stop, stopped) = watch::channel(false);
    let service = state.service;
    Server {
        service: Some(service),
        stop,
        task: tokio::spawn(async move {
            let opened = || state.observer().connection();
            listener::serve(listener, app, limits, opened, stopped).await;
            true
        }),
    }
}

/// What the clients of a service may hold: little where they are strangers.
fn limits(service: Service, config: &Config) -> ConnectionLimits {
    if !config.is_public(service) {
        return ConnectionLimits::PRIVATE.with_connections(descriptors::private_connections_max());
    }
    let public = config.public_limits.unwrap_or_else(|| {
        ConnectionLimits::PUBLIC.with_connections(descriptors::public_connections_max())
    });
    match service {
        Service::Gateway => public,
        // The gateway adds to what it passes on.
        _ => ConnectionLimits {
            head_bytes_max: ConnectionLimits::PRIVATE.head_bytes_max,
            headers_max: ConnectionLimits::PRIVATE.headers_max,
            ..public
        },
    }
}

/// The whole of one service: its routes, the common ones, and what surrounds each request.
fn app(entry: &Entry, state: AppState) -> Router {
    let (routes, _) = common_routes()
        .layer(Extension(Arc::<LatestVerdict>::default()))
        .merge((entry.routes)())
        .split_for_parts();
    let app = routes
        .merge(openapi::document_route(state.service))
        .method_not_allowed_fallback(common::method_not_allowed)
        .fallback(common::not_found)
        .layer(DefaultBodyLimit::max(Config::BODY_BYTES_MAX));
    (entry.surround)(app, &state)
        .layer(from_fn(strict::strict))
        .layer(from_fn_with_state(state.clone(), observe))
        .with_state(state)
}

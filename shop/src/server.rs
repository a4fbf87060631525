//! How the shop lives and dies: check, bind, open the stores, serve, drain.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::blocking::off_thread;
use crate::config::Config;
use crate::context::{AppState, Context};
use crate::listener::{self, ConnectionLimits, descriptors};
use crate::observe::{Observer, observe};
use crate::peer::Peers;
use crate::pipeline::{self, Duty, Resources, RunningPipeline};
use crate::service::Service;
use crate::services::auth::{self, Passwords};
use crate::services::cart::{self, ProductCache};
use crate::services::gateway::{self, Door};
use crate::store::Stores;
use crate::token::Tokens;

mod common;
mod data_folder;
mod exposure;
mod secrets;
mod strict;

pub(crate) use common::common_routes;

/// Connections that may wait to be accepted.
const LISTEN_BACKLOG: u32 = 2_048;

/// Starts shops.
pub struct Shop;

/// A shop whose ports listen.
pub struct RunningShop {
    context: Arc<Context>,
    urls: BTreeMap<Service, String>,
    servers: Vec<Server>,
    housekeeping: Server,
    pipeline: RunningPipeline,
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
        let context = Arc::new(open(config, &urls).await?);
        fill(&context).await?;
        let pipeline = pipeline::start(&context)?;
        let servers = listeners
            .into_iter()
            .map(|(service, listener)| serve(service, listener, &context))
            .chain(metrics.map(|listener| serve_metrics(listener, &context)))
            .collect();
        let housekeeping = keep_house(&context);
        Ok(RunningShop {
            context,
            urls,
            servers,
            housekeeping,
            pipeline,
        })
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

    /// Stops accepting, lets requests finish, stops the pipeline, closes the stores.
    ///
    /// The gateway goes first, so that what it let in still finds the services behind it.
    pub async fn shutdown(self) -> Stopped {
        let deadline = self.context.config.drain_timeout;
        let (door, behind): (Vec<_>, Vec<_>) = self
            .servers
            .into_iter()
            .partition(|server| server.service == Some(Service::Gateway));
        let mut drained = stop_all(door, deadline).await;
        drained &= stop_all(behind, deadline).await;
        drained &= stop_all(vec![self.housekeeping], deadline).await;
        drained &= self.pipeline.stop(deadline).await;
        self.context.resources.close().await;
        self.context.stores.close().await;
        let context = self.context;
        drained &= tokio::task::spawn_blocking(move || context.passwords.close())
            .await
            .is_ok();
        if drained {
            Stopped::Drained
        } else {
            Stopped::CutOff
        }
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

fn bind_all(config: &Config) -> anyhow::Result<Vec<(Service, TcpListener)>> {
    config
        .services
        .iter()
        .map(|&service| {
            let address = SocketAddr::new(config.bind, config.port(service));
            let listener = bind(address).with_context(|| {
                format!("cannot listen on {address} for {service}; choose another port with `--port {service}=…` or `--free-ports`")
            })?;
            Ok((service, listener))
        })
        .collect()
}

fn bind_metrics(config: &Config) -> anyhow::Result<Option<TcpListener>> {
    let address = config.metrics_listen;
    let address = address.filter(|_| config.runs(Service::Gateway));
    address
        .map(|address| {
            bind(address).with_context(|| {
                format!(
                    "cannot listen on {address}; choose another address with `--metrics-listen`"
                )
            })
        })
        .transpose()
}

fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(LISTEN_BACKLOG)
}

fn own_urls(listeners: &[(Service, TcpListener)]) -> anyhow::Result<BTreeMap<Service, String>> {
    listeners
        .iter()
        .map(|(service, listener)| {
            let mut address = listener.local_addr()?;
            if address.ip().is_unspecified() {
                address.set_ip(match address {
                    SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
                    SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
                });
            }
            Ok((*service, format!("http://{address}")))
        })
        .collect()
}

/// Where every service is: as configured, else in this process, else at its default port here.
fn peer_urls(config: &Config, own: &BTreeMap<Service, String>) -> BTreeMap<Service, String> {
    Service::all()
        .map(|service| {
            let url = config
                .peer_urls
                .get(&service)
                .map(|url| url.trim_end_matches('/').to_owned())
                .or_else(|| own.get(&service).cloned())
                .unwrap_or_else(|| {
                    format!(
                        "http://{}",
                        SocketAddr::new(config.bind, config.port(service))
                    )
                });
            (service, url)
        })
        .collect()
}

/// Opens everything but the ports.
pub(crate) async fn open(
    config: Config,
    own_urls: &BTreeMap<Service, String>,
) -> anyhow::Result<Context> {
    let check = config.clone();
    off_thread(move || {
        let _locked = data_folder::lock(&check.data_dir)?;
        data_folder::check(&check)
    })
    .await??;
    let jwt_secret = secrets::load_or_make(&config, config.jwt_secret.as_ref(), "jwt.secret")?;
    let webhook_secret =
        secrets::load_or_make(&config, config.webhook_secret.as_ref(), "webhook.secret")?;
    let observers = Service::all()
        .map(|service| Ok((service, Observer::new(service, &config.env)?)))
        .collect::<anyhow::Result<_>>()?;
    let (stores, resources) = open_stores(&config).await?;
    Ok(Context {
        stores,
        resources,
        peers: Peers::new(peer_urls(&config, own_urls)),
        tokens: Tokens::new(&jwt_secret, config.token_ttl),
        webhook_secret,
        passwords: Passwords::start(config.password_cost)?,
        cart_products: ProductCache::default(),
        door: Door::new(NonZeroU32::new(config.gateway_rate_per_s).unwrap_or(NonZeroU32::MAX)),
        mail_requests: Default::default(),
        search: Default::default(),
        recommendations: Default::default(),
        readiness: Default::default(),
        observers,
        config,
    })
}

async fn open_stores(config: &Config) -> anyhow::Result<(Stores, Resources)> {
    let stores = Stores::open(config).await?;
    let resources = Resources::open(config).await?;
    let opened = config.clone();
    off_thread(move || data_folder::remember(&opened)).await??;
    Ok((stores, resources))
}

/// Gives a fresh shop its catalogue and its demo account.
async fn fill(context: &Arc<Context>) -> anyhow::Result<()> {
    let config = &context.config;
    if config.runs(Service::Orders) || config.duties().contains(&Duty::Orders) {
        let products = crate::catalogue::Catalogue::generate(config.seed, config.products);
        let products = crate::store::seed_products(&products);
        let added = context.stores.products.seed(products).await?;
        tracing::info!(added, "catalogue ready");
    }
    auth::settle_demo_account(context).await
}

fn serve(service: Service, listener: TcpListener, context: &Arc<Context>) -> Server {
    let state = AppState {
        service,
        context: Arc::clone(context),
    };
    let limits = limits(service, &context.config);
    serve_app(listener, app(state.clone()), state, limits)
}

fn serve_metrics(listener: TcpListener, context: &Arc<Context>) -> Server {
    let state = AppState {
        service: Service::Gateway,
        context: Arc::clone(context),
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
fn app(state: AppState) -> Router {
    let (routes, _) = common_routes()
        .merge(state.service.routes())
        .split_for_parts();
    let mut app = routes
        .merge(common::document_route(state.service))
        .method_not_allowed_fallback(common::method_not_allowed)
        .fallback(common::not_found)
        .layer(DefaultBodyLimit::max(Config::BODY_BYTES_MAX));
    if state.service == Service::Gateway {
        app = app.layer(from_fn_with_state(state.clone(), gateway::guard));
    }
    app.layer(from_fn(strict::strict))
        .layer(from_fn_with_state(state.clone(), observe))
        .with_state(state)
}

/// Regular work that belongs to no request.
fn keep_house(context: &Arc<Context>) -> Server {
    let (stop, stopped) = watch::channel(false);
    let context = Arc::clone(context);
    Server {
        service: None,
        stop,
        task: tokio::spawn(async move {
            if context.config.runs(Service::Cart) {
                cart::sweep_until(&context, stopped).await;
            }
            true
        }),
    }
}

//! Everything that can be configured, already valid. It must not know about flags or variables:
//! [`crate::cli`] turns those into a [`Config`].

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use crate::backends::Backends;
use crate::listener::ConnectionLimits;
use crate::role::PipelineRole;
use crate::secret::Secret;
use crate::service::Service;

pub mod pipeline;

pub use pipeline::PipelineSettings;

/// Names of environments in which nothing is there for show.
const PRODUCTION: [&str; 2] = ["prod", "production"];

/// What one password hash costs (Argon2id).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordCost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl Default for PasswordCost {
    /// The first choice of the OWASP password storage cheat sheet: 19 MiB, two passes, one lane.
    fn default() -> Self {
        PasswordCost {
            memory_kib: 19_456,
            passes: 2,
            lanes: 1,
        }
    }
}

/// How one shop process runs.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the databases and generated secrets live.
    pub data_dir: PathBuf,
    /// The address to listen on.
    pub bind: IpAddr,
    /// The services to run, each once.
    pub services: Vec<Service>,
    /// The parts of the pipeline to run; those that belong to the services when it is not said.
    pub roles: Option<Vec<PipelineRole>>,
    /// Where the gateway's metrics are served besides its public port.
    pub metrics_listen: Option<SocketAddr>,
    /// What strangers may hold and take their time over; the number of connections follows from the descriptors if absent.
    pub public_limits: Option<ConnectionLimits>,
    /// Ports that differ from the defaults; 0 takes a free one.
    pub ports: BTreeMap<Service, u16>,
    /// Where services that run elsewhere are reached.
    pub peer_urls: BTreeMap<Service, String>,
    /// The environment that telemetry names, such as `dev`.
    pub env: String,
    /// Where what is observed is sent; nowhere by default.
    pub telemetry: telemetry::Sinks,
    /// Seed of the catalogue.
    pub seed: u64,
    /// Products in the catalogue.
    pub products: u32,
    /// With it, changes to the catalogue and foreign orders need this token or an administrator's.
    pub admin_token: Option<Secret>,
    /// Opens the books to auditors, and nothing else.
    pub audit_token: Option<Secret>,
    /// Signs access tokens; made and kept in the data folder when absent.
    pub jwt_secret: Option<Secret>,
    /// Signs webhooks; made and kept in the data folder when absent.
    pub webhook_secret: Option<Secret>,
    /// Whether there is a demo account, whose password everybody knows.
    pub demo_account: bool,
    /// What one password hash costs.
    pub password_cost: PasswordCost,
    /// How long an access token is good for.
    pub token_ttl: Duration,
    /// How long an untouched cart is kept.
    pub cart_ttl: Duration,
    /// How long an order waits for the confirmation of its payment intent.
    pub intent_ttl: Duration,
    /// Requests a second that the gateway lets through for one client address.
    pub gateway_rate_per_s: u32,
    /// How long a service may take over one request.
    pub request_timeout: Duration,
    /// How long shutdown waits for requests under way.
    pub drain_timeout: Duration,
    /// The real stores, queue and providers to use instead of the embedded ones.
    pub backends: Backends,
    /// How the pipeline and the simulated outside world behave.
    pub pipeline: PipelineSettings,
}

impl Config {
    /// Largest request body.
    pub const BODY_BYTES_MAX: usize = 256 * 1024;

    /// The defaults over a data folder: every service on its default port.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Config {
            data_dir: data_dir.into(),
            bind: IpAddr::V4(Ipv4Addr::LOCALHOST),
            services: Service::all().collect(),
            roles: None,
            metrics_listen: None,
            public_limits: None,
            ports: BTreeMap::new(),
            peer_urls: BTreeMap::new(),
            env: "dev".to_owned(),
            telemetry: telemetry::Sinks::default(),
            seed: 1,
            products: 10_000,
            admin_token: None,
            audit_token: None,
            jwt_secret: None,
            webhook_secret: None,
            demo_account: true,
            password_cost: PasswordCost::default(),
            token_ttl: Duration::from_secs(3_600),
            cart_ttl: Duration::from_secs(24 * 3_600),
            intent_ttl: Duration::from_secs(15 * 60),
            gateway_rate_per_s: 20_000,
            request_timeout: Duration::from_secs(10),
            drain_timeout: Duration::from_secs(5),
            backends: Backends::default(),
            pipeline: PipelineSettings::default(),
        }
    }

    /// Makes every service listen on a free port.
    #[must_use]
    pub fn with_free_ports(mut self) -> Self {
        self.ports = Service::all().map(|service| (service, 0)).collect();
        self
    }

    /// The port a service listens on.
    pub fn port(&self, service: Service) -> u16 {
        self.ports
            .get(&service)
            .copied()
            .unwrap_or_else(|| service.default_port())
    }

    /// The parts of the pipeline that this process runs, each once.
    pub fn roles(&self) -> Vec<PipelineRole> {
        PipelineRole::all()
            .filter(|role| match &self.roles {
                Some(roles) => roles.contains(role),
                None => self.runs(role.service()),
            })
            .collect()
    }

    /// Whether the environment's name says that real shoppers come here.
    pub fn is_production(&self) -> bool {
        PRODUCTION
            .iter()
            .any(|name| self.env.eq_ignore_ascii_case(name))
    }

    /// Whether strangers can reach the service: the gateway always, the others when they listen beyond this machine.
    pub fn is_public(&self, service: Service) -> bool {
        service == Service::Gateway || self.is_beyond_loopback()
    }

    /// Whether anything but this machine can reach the ports.
    pub fn is_beyond_loopback(&self) -> bool {
        !self.bind.to_canonical().is_loopback()
    }

    /// Whether this process runs the service.
    pub fn runs(&self, service: Service) -> bool {
        self.services.contains(&service)
    }
}

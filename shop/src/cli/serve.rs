//! `serve`: the shop, whole or single services of it.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use anyhow::Context as _;

use super::common::CommonArgs;
use crate::config::{Config, PasswordCost};
use crate::service::Service;

/// How to run the shop.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct ServeArgs {
    /// Run this service only; repeat it for several [default: all of them]
    #[arg(long = "service", value_name = "NAME")]
    services: Vec<Service>,
    /// Answer HTTP only, and leave queues and upkeep to `worker` processes
    #[arg(long)]
    without_consumers: bool,
    /// Address to listen on
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    bind: IpAddr,
    /// Serve the gateway's `/metrics` at this address; beyond 127.0.0.1 its own port does not
    #[arg(long, value_name = "ADDRESS:PORT")]
    metrics_listen: Option<SocketAddr>,
    /// Listen on N for the first service, N+1 for the next and so on, in the order of `--help`'s URLs
    #[arg(long, value_name = "N", conflicts_with = "free_ports")]
    port_base: Option<u16>,
    /// Listen on free ports
    #[arg(long)]
    free_ports: bool,
    /// Port of one service, such as `gateway=8000`; 0 takes a free one
    #[arg(long = "port", value_name = "SERVICE=PORT")]
    ports: Vec<PortOf>,
    /// Requests a second that the gateway lets through for one client address
    #[arg(long, value_name = "N", default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..))]
    rate_limit: u32,
    /// Seconds for which an access token is good
    #[arg(long, value_name = "S", default_value_t = 3_600, value_parser = clap::value_parser!(u64).range(1..=31_536_000))]
    token_ttl_s: u64,
    /// Seconds for which an untouched cart is kept
    #[arg(long, value_name = "S", default_value_t = 86_400, value_parser = clap::value_parser!(u64).range(1..=31_536_000))]
    cart_ttl_s: u64,
    /// Whether demo@rumshop.com can log in with password123 [default: true; false where --env is prod or production]
    #[arg(long, value_name = "true|false", env = "SHOP_DEMO_ACCOUNT")]
    demo_account: Option<bool>,
    /// Cost of one password hash: KiB of memory, passes, lanes
    #[arg(
        long,
        value_name = "M,T,P",
        default_value = "19456,2,1",
        env = "PASSWORD_COST"
    )]
    password_cost: PasswordCost,
    #[command(flatten)]
    common: CommonArgs,
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

impl ServeArgs {
    /// Serves until told to stop.
    pub(super) fn run(self) -> anyhow::Result<()> {
        self.common.run(self.config()?)
    }

    fn config(&self) -> anyhow::Result<Config> {
        let mut config = self.common.config()?;
        if !self.services.is_empty() {
            config.services = self.services.clone();
            config.services.sort_unstable();
            config.services.dedup();
        }
        if self.without_consumers {
            config.roles = Some(Vec::new());
        }
        config.ports = self.port_table()?;
        config.bind = self.bind;
        config.demo_account = self.demo_account.unwrap_or(!config.is_production());
        config.metrics_listen = self.metrics_listen;
        config.password_cost = self.password_cost;
        config.token_ttl = Duration::from_secs(self.token_ttl_s);
        config.cart_ttl = Duration::from_secs(self.cart_ttl_s);
        config.gateway_rate_per_s = self.rate_limit;
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
}

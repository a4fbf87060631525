//! The sockets that a shop listens on, and the addresses under which its services find each other.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use anyhow::Context as _;
use tokio::net::{TcpListener, TcpSocket};

use crate::config::Config;
use crate::service::Service;

/// Connections that may wait to be accepted.
const LISTEN_BACKLOG: u32 = 2_048;

pub(super) fn bind_all(config: &Config) -> anyhow::Result<Vec<(Service, TcpListener)>> {
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

pub(super) fn bind_metrics(config: &Config) -> anyhow::Result<Option<TcpListener>> {
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

pub(super) fn own_urls(
    listeners: &[(Service, TcpListener)],
) -> anyhow::Result<BTreeMap<Service, String>> {
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
pub(super) fn peer_urls(
    config: &Config,
    own: &BTreeMap<Service, String>,
) -> BTreeMap<Service, String> {
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

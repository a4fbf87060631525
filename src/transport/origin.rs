//! Scheme, host and port: what connections are made to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use http::HeaderValue;
use http::uri::{Authority, PathAndQuery};
use rustls::pki_types::ServerName;

use super::Failure;
use super::connect::Addresses;
use crate::scenario::{ConnectTo, places};

/// One target of connections; addresses are resolved on first use.
#[derive(Debug)]
pub struct Origin {
    /// Whether connections use TLS.
    pub tls: bool,
    /// Host as written (IPv6 without brackets).
    pub host: String,
    /// Port.
    pub port: u16,
    /// Value of the `host` header.
    pub authority: HeaderValue,
    /// The same for HTTP/2, if it can be one.
    uri_authority: Option<Authority>,
    /// Whether it has chosen HTTP/1.1 when it had the choice.
    http1: AtomicBool,
    resolved: OnceLock<Addresses>,
}

impl PartialEq for Origin {
    fn eq(&self, other: &Self) -> bool {
        self.tls == other.tls && self.port == other.port && self.host == other.host
    }
}

impl Origin {
    /// The origin of a URL.
    ///
    /// # Errors
    /// A sentence for people when the URL is not `http` or `https`, or has no host.
    pub fn of_url(url: &url::Url) -> Result<Self, String> {
        let tls = match url.scheme() {
            "http" => false,
            "https" => true,
            other => {
                return Err(format!(
                    "'{url}' has the scheme '{other}'; use http or https"
                ));
            }
        };
        let host = url
            .host_str()
            .ok_or_else(|| format!("'{url}' has no host"))?;
        let port = url
            .port_or_known_default()
            .unwrap_or(if tls { 443 } else { 80 });
        let authority = match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        Ok(Self {
            tls,
            host: host.trim_matches(['[', ']']).to_owned(),
            port,
            authority: HeaderValue::from_str(&authority)
                .map_err(|_| format!("'{host}' is no valid host name"))?,
            uri_authority: Authority::try_from(authority).ok(),
            http1: AtomicBool::new(false),
            resolved: OnceLock::new(),
        })
    }

    /// The URL of a path there.
    pub(crate) fn url(&self, path: &PathAndQuery) -> Option<url::Url> {
        let scheme = if self.tls { "https" } else { "http" };
        let authority = self.authority.to_str().ok()?;
        url::Url::parse(&format!("{scheme}://{authority}{path}")).ok()
    }

    /// Whether nobody on the way can listen: by TLS, or within this machine, as browsers have it (W3C Secure Contexts, 3.1).
    pub(crate) fn is_trustworthy(&self) -> bool {
        let is_loopback = |address: IpAddr| address.is_loopback();
        self.tls || is_localhost(&self.host) || self.host.parse().is_ok_and(is_loopback)
    }

    /// What HTTP/2 has in place of `host`.
    pub(super) fn uri_authority(&self) -> Result<Authority, Failure> {
        self.uri_authority.clone().ok_or(Failure::BadRequest)
    }

    /// Whether it has chosen HTTP/1.1.
    pub(super) fn speaks_http1(&self) -> bool {
        self.http1.load(Ordering::Relaxed)
    }

    pub(super) fn note_http1(&self) {
        self.http1.store(true, Ordering::Relaxed);
    }

    /// It has changed its mind.
    pub(super) fn forget_http1(&self) {
        self.http1.store(false, Ordering::Relaxed);
    }

    /// The name that the server's certificate must carry.
    pub(super) fn server_name(&self) -> Option<ServerName<'static>> {
        ServerName::try_from(self.host.clone()).ok()
    }

    /// The addresses to connect to, looked up once; the rules say where connections to this place really go.
    pub(super) async fn addresses(&self, rules: &[ConnectTo]) -> std::io::Result<&Addresses> {
        if let Some(known) = self.resolved.get() {
            return Ok(known);
        }
        let (hosts, port) = places(rules, &self.host, self.port);
        let mut found: Vec<SocketAddr> = Vec::new();
        for host in hosts {
            match is_localhost(host) {
                true => found.extend(LOOPBACK.map(|address| SocketAddr::new(address, port))),
                false => found.extend(tokio::net::lookup_host((host, port)).await?),
            }
        }
        let addresses = Addresses::of(found);
        if addresses.is_empty() {
            return Err(std::io::Error::other("the name has no address"));
        }
        Ok(self.resolved.get_or_init(|| addresses))
    }
}

/// What `localhost` means on every machine, whatever its resolver knows (RFC 6761, 6.3), as for browsers and curl.
const LOOPBACK: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::LOCALHOST),
    IpAddr::V6(Ipv6Addr::LOCALHOST),
];

fn is_localhost(host: &str) -> bool {
    host == "localhost" || host.ends_with(".localhost")
}

//! Scheme, host and port: what connections are made to.

use std::net::{IpAddr, SocketAddr};
use std::sync::Mutex;

use http::HeaderValue;
use http::uri::PathAndQuery;
use rustls::pki_types::ServerName;

use crate::scenario::{ConnectTo, place};

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
    resolved: Mutex<Option<SocketAddr>>,
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
            resolved: Mutex::new(None),
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
        let host = self.host.as_str();
        let is_loopback = |address: IpAddr| address.is_loopback();
        self.tls
            || host == "localhost"
            || host.ends_with(".localhost")
            || host.parse().is_ok_and(is_loopback)
    }

    /// The name that the server's certificate must carry.
    pub(super) fn server_name(&self) -> Option<ServerName<'static>> {
        ServerName::try_from(self.host.clone()).ok()
    }

    /// The address to connect to, looked up once; the rules say where connections to this place really go.
    pub(super) async fn address(&self, rules: &[ConnectTo]) -> std::io::Result<SocketAddr> {
        if let Ok(known) = self.resolved.lock()
            && let Some(address) = *known
        {
            return Ok(address);
        }
        let found: Vec<SocketAddr> = tokio::net::lookup_host(place(rules, &self.host, self.port))
            .await?
            .collect();
        // Browsers race both families; a load generator must not switch between them, so IPv4 comes first if there is one.
        let address = found
            .iter()
            .find(|a| a.is_ipv4())
            .or_else(|| found.first())
            .copied();
        let address = address.ok_or_else(|| std::io::Error::other("the name has no address"))?;
        if let Ok(mut known) = self.resolved.lock() {
            *known = Some(address);
        }
        Ok(address)
    }
}

//! Connections, limits, headers and TLS of all requests. Must not know sockets.

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::scenario::proxy::Proxies;
use crate::scenario::reaching::ConnectTo;
use crate::template::Template;

/// Connections, time and size limits of every request.
#[derive(Debug, Clone)]
pub struct Http {
    /// Longest wait for a whole response, connection included.
    pub timeout: Duration,
    /// Who shares connections with whom.
    pub connections: Connections,
    /// Largest response body read, in bytes; a larger one is the error `body_too_large`.
    pub body_bytes_max: u64,
    /// Redirects followed for one step.
    pub redirects_max: u8,
    /// Headers sent with every request: lower-case name, value.
    pub headers: Vec<(String, Template)>,
    /// The value of `authorization` for the target, and for no other place.
    pub auth: Option<Template>,
    /// Connections that go to another place than their URLs say.
    pub connect_to: Vec<ConnectTo>,
    /// Proxies that requests go through.
    pub proxies: Proxies,
    /// Which version of HTTP is spoken.
    pub version: HttpVersion,
    /// TLS of all connections.
    pub tls: Tls,
}

/// Which version of HTTP is spoken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum HttpVersion {
    /// Over TLS what the target chooses of 2 and 1.1, as browsers do; else 1.1.
    #[default]
    Auto,
    /// 1.1 alone.
    Http1,
    /// 2 alone; without TLS the target is known to speak it (RFC 9113, 3.3).
    Http2,
}

impl std::str::FromStr for HttpVersion {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "1.1" | "1" => Ok(Self::Http1),
            "2" | "2.0" => Ok(Self::Http2),
            other => Err(format!(
                "`{other}` is no version of HTTP that loadgen speaks; write auto, 1.1 or 2"
            )),
        }
    }
}

/// Whom TLS connections trust, and what they show of themselves.
#[derive(Debug, Clone, Default)]
pub struct Tls {
    /// Authorities trusted in place of the system's.
    pub ca: Option<Arc<[CertificateDer<'static>]>>,
    /// Whether certificates are not verified at all.
    pub insecure: bool,
    /// What is shown to targets that ask for it.
    pub client: Option<Arc<ClientCertificate>>,
    /// Whether TLS 1.2 will not do.
    pub tls13_only: bool,
}

/// A client's certificate, those that lead from it to its authority, and its key.
#[derive(Debug)]
pub struct ClientCertificate {
    /// The client's own first.
    pub chain: Vec<CertificateDer<'static>>,
    /// Its key; `Debug` does not show it.
    pub key: PrivateKeyDer<'static>,
}

/// Who shares connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connections {
    /// Each shopper has its own, as a browser does.
    PerShopper {
        /// Parallel connections of one shopper (browsers: 6).
        max: u16,
    },
    /// All shoppers take any free connection.
    Shared {
        /// Connections in all (split over workers); a request that finds none free waits, and its wait is measured.
        max: u32,
    },
}

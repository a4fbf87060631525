//! The way through an HTTP proxy: a tunnel (`CONNECT`), or requests that name their whole URL (RFC 9110, 9.3.6; RFC 9112, 3.2.2).

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{Failure, Origin};
use crate::scenario::{Proxies, Proxy};

/// Longest head of an answer to `CONNECT`.
const HEAD_BYTES_MAX: usize = 64 * 1024;

const HEADERS_MAX: usize = 100;

/// A proxy, its addresses looked up once.
pub(super) struct Hop {
    proxy: Arc<Proxy>,
    pub(super) origin: Origin,
    forward: Arc<Forward>,
}

/// What requests through a proxy carry for it.
pub(super) struct Forward {
    /// The value of `proxy-authorization`.
    pub(super) authorization: Option<String>,
}

impl Hop {
    /// Each of the proxies.
    pub(super) fn all(proxies: &Proxies) -> Vec<Self> {
        let hops = proxies.all().map(|proxy| {
            let credentials = proxy.credentials.as_ref();
            let authorization = credentials.map(crate::scenario::Credentials::header);
            Some(Self {
                proxy: proxy.clone(),
                // Its URL was checked with the scenario.
                origin: Origin::of_url(&proxy.url).ok()?,
                forward: Arc::new(Forward { authorization }),
            })
        });
        hops.flatten().collect()
    }

    pub(super) fn is(&self, proxy: &Arc<Proxy>) -> bool {
        Arc::ptr_eq(&self.proxy, proxy) || self.proxy == *proxy
    }

    pub(super) fn forward(&self) -> Arc<Forward> {
        self.forward.clone()
    }

    /// Makes a connection to the proxy one to a place behind it.
    ///
    /// # Errors
    /// [`Failure::ProxyAuthorization`] and [`Failure::ProxyRefused`] for what the proxy says, [`Failure::ProxyUnreachable`] when it
    /// says nothing that can be understood.
    pub(super) async fn tunnel(
        &self,
        tcp: &mut TcpStream,
        host: &str,
        port: u16,
    ) -> Result<(), Failure> {
        let place = match host.contains(':') {
            true => format!("[{host}]:{port}"),
            false => format!("{host}:{port}"),
        };
        let mut question = format!("CONNECT {place} HTTP/1.1\r\nhost: {place}\r\n");
        if let Some(authorization) = &self.forward.authorization {
            question += &format!("proxy-authorization: {authorization}\r\n");
        }
        question += "\r\n";
        let unreachable = |_: io::Error| Failure::ProxyUnreachable;
        tcp.write_all(question.as_bytes())
            .await
            .map_err(unreachable)?;
        match status(tcp).await.map_err(unreachable)? {
            200..=299 => Ok(()),
            407 => Err(Failure::ProxyAuthorization),
            _ => Err(Failure::ProxyRefused),
        }
    }
}

/// The status of an answer whose body, if it has one, nobody reads.
async fn status(tcp: &mut TcpStream) -> io::Result<u16> {
    let broken = || io::Error::from(io::ErrorKind::InvalidData);
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == HEAD_BYTES_MAX {
            return Err(broken());
        }
        // One at a time: what follows belongs to the place behind the proxy.
        head.push(tcp.read_u8().await?);
    }
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut response = httparse::Response::new(&mut headers);
    let parsed = response.parse(&head);
    parsed.map_err(|_| broken())?;
    response.code.ok_or_else(broken)
}

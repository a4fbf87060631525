//! Opens connections of one worker: to an address of the target or of a proxy, with TLS if the URL says so, and in the version of
//! HTTP that both sides speak.

use std::rc::Rc;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::connect::Reached;
use super::connection::Connection;
use super::counted::OpenCount;
use super::http2::{Http2, Tending};
use super::proxy::{Forward, Hop};
use super::stamped::StampedTcp;
use super::stream::Stream;
use super::tls::{ClientTls, HTTP2, TlsFailure, WorkerTls};
use super::{Failure, Origin};
use crate::scenario::{self, ConnectTo, HttpVersion, Proxies, places};

/// What opens connections.
pub(super) struct Opener {
    pub(super) count: OpenCount,
    pub(super) tending: Rc<Tending>,
    version: HttpVersion,
    reached: Reached,
    /// Where connections really go.
    connect_to: Vec<ConnectTo>,
    proxies: Proxies,
    hops: Vec<Hop>,
    tls: WorkerTls,
}

/// A new connection.
pub(super) enum Opened {
    /// For one request at a time.
    Single(Connection),
    /// For many.
    Multiplexed(Rc<Http2>),
}

impl Opener {
    /// Of a worker with at most so many connections.
    pub(super) fn new(
        settings: &scenario::Http,
        connections_max: u32,
        tls: Arc<ClientTls>,
    ) -> Self {
        Self {
            count: OpenCount::new(connections_max),
            tending: Rc::default(),
            version: settings.version,
            reached: Reached::default(),
            connect_to: settings.connect_to.clone(),
            proxies: settings.proxies.clone(),
            hops: Hop::all(&settings.proxies),
            tls: WorkerTls::new(tls),
        }
    }

    /// Whether a connection there may turn out to be one for many requests.
    pub(super) fn may_multiplex(&self, origin: &Origin) -> bool {
        match self.version {
            HttpVersion::Http1 => false,
            HttpVersion::Auto => origin.tls && !origin.speaks_http1(),
            HttpVersion::Http2 => true,
        }
    }

    /// Opens a connection.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) async fn open(&self, origin: &Origin) -> Result<Opened, Failure> {
        let guard = self.count.open().ok_or(Failure::OutOfConnections)?;
        let (tcp, forward) = match self.hop_to(origin) {
            Some(hop) => self.through(hop, origin).await?,
            None => (self.reach(origin, &self.connect_to).await?, None),
        };
        let stream = match origin.tls {
            false => Stream::Plain(StampedTcp::new(tcp)),
            true => Stream::Tls(Box::new(self.handshake(origin, tcp).await?)),
        };
        match self.is_http2(&stream)? {
            true => {
                let http2 = Http2::open(stream, guard, &self.tending).await?;
                Ok(Opened::Multiplexed(http2))
            }
            false => {
                origin.note_http1();
                Ok(Opened::Single(Connection::new(stream, forward, guard)))
            }
        }
    }

    /// The proxy that leads there, if requests go through one.
    fn hop_to(&self, origin: &Origin) -> Option<&Hop> {
        let proxy = self.proxies.of(origin.tls, &origin.host, origin.port)?;
        self.hops.iter().find(|hop| hop.is(proxy))
    }

    async fn reach(&self, origin: &Origin, rules: &[ConnectTo]) -> Result<TcpStream, Failure> {
        let addresses = origin.addresses(rules).await;
        let addresses = addresses.map_err(|e| Failure::of_io(&e, Failure::Dns))?;
        addresses.connect(&self.reached).await
    }

    /// A connection to the proxy: a tunnel to the target, or, without TLS, one on which the proxy passes requests on.
    async fn through(
        &self,
        hop: &Hop,
        origin: &Origin,
    ) -> Result<(TcpStream, Option<Arc<Forward>>), Failure> {
        let reached = self.reach(&hop.origin, &[]).await;
        let mut tcp = reached.map_err(|failure| match failure.is_own_fault() {
            true => failure,
            false => Failure::ProxyUnreachable,
        })?;
        if !origin.tls && self.version != HttpVersion::Http2 {
            return Ok((tcp, Some(hop.forward())));
        }
        let (hosts, port) = places(&self.connect_to, &origin.host, origin.port);
        let host = hosts.first().copied().unwrap_or(&origin.host);
        hop.tunnel(&mut tcp, host, port).await?;
        Ok((tcp, None))
    }

    /// Whether HTTP/2 is spoken over it: over TLS if the target has chosen it, else if the scenario says so.
    fn is_http2(&self, stream: &Stream) -> Result<bool, Failure> {
        let only_http2 = self.version == HttpVersion::Http2;
        match stream {
            Stream::Plain(_) => Ok(only_http2),
            Stream::Tls(tls) => match tls.get_ref().1.alpn_protocol() == Some(HTTP2) {
                false if only_http2 => Err(Failure::Http2NotSpoken),
                is_http2 => Ok(is_http2),
            },
        }
    }

    async fn handshake(
        &self,
        origin: &Origin,
        tcp: TcpStream,
    ) -> Result<TlsStream<TcpStream>, Failure> {
        let other = Failure::Tls(TlsFailure::Other);
        let name = origin.server_name().ok_or(other)?;
        let connector = self.tls.connector().ok_or(other)?;
        let connected = connector.connect(name, tcp).await;
        connected.map_err(|error| match Failure::of_io(&error, other) {
            Failure::Closed => Failure::Tls(TlsFailure::Closed),
            other => other,
        })
    }
}

//! HTTP listeners: accept connections, bound what their clients may hold, serve them until told to stop.
//!
//! Every connection is in exactly one phase ([`activity`]); how long each phase may last and how many connections there
//! may be is in [`limits`]. It must not know what is served.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

mod activity;
pub mod body;
mod connection;
pub mod descriptors;
pub mod limits;
mod registry;
mod stream;

pub use limits::ConnectionLimits;
pub(crate) use registry::client_of;

use crate::warning::RepeatedWarning;
use registry::{ConnectionSlot, Registry};

/// How long accepting rests when the process is out of file descriptors or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How long a newcomer waits for a place when none can be made.
const PLACE_TIMEOUT: Duration = Duration::from_millis(100);

/// Where a request comes from.
#[derive(Clone, Copy, Debug)]
pub struct ClientAddress(pub SocketAddr);

/// Serves until `stopped`, then lets the requests under way finish; `opened` is called for each connection and what it
/// returns is dropped when the connection closes. The caller sets the deadline of the end.
pub async fn serve<G: Send + 'static>(
    listener: TcpListener,
    app: Router,
    limits: ConnectionLimits,
    opened: impl Fn() -> G,
    mut stopped: watch::Receiver<bool>,
) {
    let registry = Registry::new(limits.connections_max, limits.evicts);
    let mut connections = JoinSet::new();
    let trouble = RepeatedWarning::new();
    // Goes on over the turns of the loop, so that nobody is dropped on the way to a place.
    let mut accepting = Box::pin(accept(&listener, &registry, &trouble));
    loop {
        let accepted = tokio::select! {
            biased;
            () = told_to_stop(&mut stopped) => break,
            Some(_) = connections.join_next() => continue,
            accepted = accepting.as_mut() => accepted,
        };
        accepting.set(accept(&listener, &registry, &trouble));
        let Some((stream, address, place)) = accepted else {
            continue;
        };
        let (app, mut stopped, guard) = (app.clone(), stopped.clone(), opened());
        connections.spawn(async move {
            let activity = Arc::clone(place.activity());
            connection::serve(stream, address, activity, app, &limits, &mut stopped).await;
            drop((guard, place));
        });
    }
    drop(accepting);
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// Returns when the shop stops, or is gone without saying so.
pub async fn told_to_stop(stopped: &mut watch::Receiver<bool>) {
    drop(stopped.wait_for(|stop| *stop).await);
}

/// The next connection that has a place, if there is one.
async fn accept(
    listener: &TcpListener,
    registry: &Arc<Registry>,
    trouble: &RepeatedWarning,
) -> Option<(TcpStream, SocketAddr, ConnectionSlot)> {
    // Where nobody may be sent away for a newcomer, it waits in the backlog.
    registry.wait_for_room().await;
    match listener.accept().await {
        Ok((stream, address)) => {
            trouble
                .recovered(|failures| tracing::info!(failures, "connections are accepted again"));
            let placing = registry.slot_when_free(address.ip());
            let place = tokio::time::timeout(PLACE_TIMEOUT, placing).await.ok()?;
            Some((stream, address, place))
        }
        Err(error) => {
            trouble.failed(|suppressed| {
                tracing::warn!(%error, suppressed, "cannot accept a connection");
            });
            if descriptors::is_exhaustion(&error) {
                registry.shed();
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
            None
        }
    }
}

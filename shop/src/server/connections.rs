//! Accepting and serving the connections of one listener until told to stop.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tower::Service as _;

use crate::context::AppState;

/// Connections that one service holds open at a time; more wait in the listen backlog.
const CONNECTIONS_MAX: usize = 16_384;
/// How long a connection may rest between requests, and a client take over the head of one. Longer
/// than any peer keeps unused connections, so that a peer never sends into one that closes.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);
/// Largest head of a request.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Header fields of one request.
const HEADERS_MAX: usize = 100;
/// How long accepting rests when the process is out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Where a request comes from.
#[derive(Clone, Copy, Debug)]
pub struct ClientAddress(pub SocketAddr);

/// Serves until `stopped`, then lets the requests under way finish. True when all did so by
/// themselves; the caller sets the deadline.
pub(super) async fn serve(
    listener: TcpListener,
    app: Router,
    state: AppState,
    mut stopped: watch::Receiver<bool>,
) -> bool {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            () = told_to_stop(&mut stopped) => break,
            Some(_) = connections.join_next() => continue,
        };
        let Some((stream, address, place)) = accepted else {
            continue;
        };
        let (app, state, stopped) = (app.clone(), state.clone(), stopped.clone());
        connections.spawn(async move {
            let _counted = state.observer().connection();
            serve_one(stream, address, app, stopped).await;
            drop(place);
        });
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
    true
}

/// Returns when the shop stops, or is gone without saying so.
pub(super) async fn told_to_stop(stopped: &mut watch::Receiver<bool>) {
    drop(stopped.wait_for(|stop| *stop).await);
}

type Accepted = (TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit);

async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> Option<Accepted> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, address)) => Some((stream, address, place)),
        Err(error) => {
            tracing::warn!(%error, "cannot accept a connection");
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

async fn serve_one(
    stream: TcpStream,
    address: SocketAddr,
    app: Router,
    mut stopped: watch::Receiver<bool>,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot set TCP_NODELAY");
    }
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(ClientAddress(address));
        app.clone().call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = told_to_stop(&mut stopped) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, %address, "a connection ended early");
    }
}

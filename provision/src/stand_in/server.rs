//! The stand-in's front: connections, keys, rate limits, trouble, control routes; behind it the API's own routes.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use time::OffsetDateTime;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tower::ServiceExt as _;

use super::answer::Refused;
use super::faults::{Failure, Faults, Injection, Injector};
use super::limits::{Limits, Share};
use super::org::{Org, Shared};
use super::{
    Config, corrections, dashboard_lists, dashboards, downtimes, downtimes_v1, monitor_search,
    monitors, slo_history, slos,
};

/// Most connections at a time; further ones wait.
const CONNECTIONS_MAX: usize = 256;
/// Largest body of a request.
const BODY_BYTES_MAX: usize = 8 << 20;
/// Seconds that a made-up 429 asks to wait.
const TOO_MANY_RESET_S: u64 = 1;

#[derive(Debug)]
pub(super) struct Server {
    api: Router,
    front: Arc<Front>,
}

/// What every request passes.
#[derive(Debug)]
struct Front {
    keys: Option<(String, String)>,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    injector: Injector,
    limits: Limits,
    counts: Counts,
}

/// What tests ask for.
#[derive(Debug, Default, Clone, serde::Serialize)]
struct Counts {
    requests: u64,
    writes: u64,
    injected: u64,
    over_limit: u64,
    /// Requests that are never answered; one that takes effect counts once it has.
    silent: u64,
}

impl Server {
    pub(super) fn new(org: Org, config: Config) -> Self {
        let mut limits = Limits::new();
        limits.set(&config.limits);
        let injector = Injector::new(config.faults, config.seed);
        let inner = Inner {
            injector,
            limits,
            counts: Counts::default(),
        };
        let front = Arc::new(Front {
            keys: config.keys,
            inner: Mutex::new(inner),
        });
        let api = Router::new()
            .merge(monitors::router())
            .merge(monitor_search::router())
            .merge(slos::router())
            .merge(slo_history::router())
            .merge(corrections::router())
            .merge(dashboards::router())
            .merge(dashboard_lists::router())
            .merge(downtimes::router())
            .merge(downtimes_v1::router())
            .route(
                "/api/v1/validate",
                get(|| async { Json(json!({ "valid": true })) }),
            )
            .fallback(|| async { Refused::not_found("Not Found") })
            .with_state(Shared::new(org));
        Self { api, front }
    }

    pub(super) async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()>,
    ) -> io::Result<()> {
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let mut connections = JoinSet::new();
        let mut shutdown = std::pin::pin!(shutdown);
        loop {
            // Closed connections give their place back here; the set never outgrows the semaphore by much.
            while connections.try_join_next().is_some() {}
            let (stream, place) = tokio::select! {
                () = &mut shutdown => break,
                accepted = accept(&listener, &places) => accepted?,
            };
            let (api, front) = (self.api.clone(), Arc::clone(&self.front));
            connections.spawn(async move {
                connection(stream, api, front).await;
                drop(place);
            });
        }
        // Requests change nothing after their answer, and an unanswered one is what clients must cope with anyway.
        connections.shutdown().await;
        Ok(())
    }
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let place = Arc::clone(places)
        .acquire_owned()
        .await
        .map_err(io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    Ok((stream, place))
}

/// A connection that a client drops is no event here, so its error goes nowhere.
async fn connection(stream: TcpStream, api: Router, front: Arc<Front>) {
    let service = hyper::service::service_fn(move |request| {
        let (api, front) = (api.clone(), Arc::clone(&front));
        async move { front.answer(api, request.map(Body::new)).await }
    });
    let _ = stream.set_nodelay(true);
    let served = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
    drop(served);
}

/// Why a connection closes without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is dropped on demand")]
struct Dropped;

impl Front {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The order is the API's: limits count before keys are looked at, trouble strikes at any time.
    async fn answer(&self, api: Router, request: Request<Body>) -> Result<Response, Dropped> {
        if let Some(rest) = request.uri().path().strip_prefix("/_control/") {
            let rest = rest.to_owned();
            return Ok(self.control(&rest, request).await);
        }
        let (injection, latency_ms, slow_ms) = self.inject(&request);
        if injection.silent && !injection.takes_effect {
            self.lock().counts.silent += 1;
            return std::future::pending().await;
        }
        tokio::time::sleep(Duration::from_millis(latency_ms)).await;
        if injection.failure == Some(Failure::TooMany) {
            return Ok(self.too_many_for_no_reason(&request));
        }
        let mut answer = None;
        if injection.takes_effect {
            answer = Some(self.within_limits(api, request).await);
        }
        if injection.silent {
            self.lock().counts.silent += 1;
            return std::future::pending().await;
        }
        match injection.failure {
            None => {}
            Some(Failure::Slow) => tokio::time::sleep(Duration::from_millis(slow_ms)).await,
            Some(Failure::Drop) => return Err(Dropped),
            Some(failure) => return Ok(failed(failure)),
        }
        Ok(answer.unwrap_or_else(|| failed(Failure::Internal)))
    }

    fn too_many_for_no_reason(&self, request: &Request<Body>) -> Response {
        let (method, path) = (request.method(), request.uri().path());
        let Some(share) = self.lock().limits.exhausted(method, path, TOO_MANY_RESET_S) else {
            return failed(Failure::Internal);
        };
        let mut response = too_many(&share).into_response();
        limit_headers(response.headers_mut(), &share);
        response
    }

    fn inject(&self, request: &Request<Body>) -> (Injection, u64, u64) {
        let mut inner = self.lock();
        let injection = inner.injector.next();
        inner.counts.requests += 1;
        inner.counts.writes += u64::from(request.method() != Method::GET);
        inner.counts.injected += u64::from(injection.failure.is_some());
        let faults = inner.injector.faults();
        (injection, faults.latency_ms, faults.slow_ms)
    }

    async fn within_limits(&self, api: Router, request: Request<Body>) -> Response {
        let now_s = OffsetDateTime::now_utc().unix_timestamp().unsigned_abs();
        let share = {
            let mut inner = self.lock();
            let share = inner
                .limits
                .take(request.method(), request.uri().path(), now_s);
            inner.counts.over_limit +=
                u64::from(share.as_ref().is_some_and(|share| !share.allowed));
            share
        };
        let mut response = match (&share, self.refuse_keys(request.headers())) {
            (Some(share), _) if !share.allowed => too_many(share).into_response(),
            (_, Some(refused)) => refused.into_response(),
            _ => route(api, request).await,
        };
        if let Some(share) = share {
            limit_headers(response.headers_mut(), &share);
        }
        response
    }

    fn refuse_keys(&self, headers: &HeaderMap) -> Option<Refused> {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let (api, app) = (header("dd-api-key"), header("dd-application-key"));
        let (Some(api), Some(app)) = (api, app) else {
            return Some(Refused::new(StatusCode::UNAUTHORIZED, "Unauthorized"));
        };
        let right = match &self.keys {
            Some((known_api, known_app)) => api == known_api && app == known_app,
            None => !api.is_empty() && !app.is_empty(),
        };
        (!right).then(|| Refused::new(StatusCode::FORBIDDEN, "Forbidden"))
    }

    /// `GET counts`, `GET faults`, `PUT faults`, `PUT limits`.
    async fn control(&self, name: &str, request: Request<Body>) -> Response {
        let method = request.method().clone();
        let body = match request.into_body().collect().await {
            Ok(body) => body.to_bytes(),
            Err(_) => return Refused::bad("unreadable body").into_response(),
        };
        let mut inner = self.lock();
        let done: Result<Value, serde_json::Error> = match (method, name) {
            (Method::GET, "counts") => Ok(json!(inner.counts)),
            (Method::GET, "faults") => Ok(json!(inner.injector.faults())),
            (Method::PUT, "faults") => serde_json::from_slice::<Faults>(&body).map(|faults| {
                inner.injector.set(faults);
                inner.counts = Counts::default();
                json!(inner.injector.faults())
            }),
            (Method::PUT, "limits") => serde_json::from_slice(&body).map(|limits| {
                inner.limits.set(&limits);
                json!({})
            }),
            _ => return Refused::not_found("Not Found").into_response(),
        };
        match done {
            Ok(value) => Json(value).into_response(),
            Err(error) => Refused::bad(error.to_string()).into_response(),
        }
    }
}

async fn route(api: Router, request: Request<Body>) -> Response {
    let (head, body) = request.into_parts();
    let body = match Limited::new(body, BODY_BYTES_MAX).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => {
            return Refused::new(StatusCode::PAYLOAD_TOO_LARGE, "Payload Too Large")
                .into_response();
        }
        Err(_) => return Refused::bad("unreadable body").into_response(),
    };
    let answered: Result<Response, Infallible> = api
        .oneshot(Request::from_parts(head, Body::from(body)))
        .await;
    match answered {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

fn too_many(share: &Share) -> Refused {
    let (requests, period) = (share.limit.requests, share.limit.period_s);
    Refused::new(
        StatusCode::TOO_MANY_REQUESTS,
        format!(
            "Rate limit of {requests} requests in {period} seconds reached. Please try again later."
        ),
    )
}

fn limit_headers(headers: &mut HeaderMap, share: &Share) {
    headers.insert("x-ratelimit-limit", share.limit.requests.into());
    headers.insert("x-ratelimit-period", share.limit.period_s.into());
    headers.insert("x-ratelimit-remaining", share.remaining.into());
    headers.insert("x-ratelimit-reset", share.reset_s.into());
    if let Ok(name) = HeaderValue::from_str(&share.name) {
        headers.insert("x-ratelimit-name", name);
    }
}

fn failed(failure: Failure) -> Response {
    let status = |code, body: Value| (code, Json(body)).into_response();
    match failure {
        Failure::BadGateway => status(
            StatusCode::BAD_GATEWAY,
            json!({ "status": "error", "code": 502, "errors": ["Bad Gateway"] }),
        ),
        Failure::Timeout => (
            StatusCode::GATEWAY_TIMEOUT,
            [("content-type", "text/html")],
            "<html><body><h1>504 Gateway Time-out</h1>\nThe server didn't respond in time.\n</body></html>\n",
        )
            .into_response(),
        Failure::Internal | Failure::TooMany | Failure::Drop | Failure::Slow => status(
            StatusCode::INTERNAL_SERVER_ERROR,
            json!({ "errors": ["Internal Server Error"] }),
        ),
    }
}

//! Calls between services: always HTTP, always with trace context and a deadline.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde::de::DeserializeOwned;
use telemetry::Context;
use telemetry::catalogue::metric;
use telemetry::metrics::{Registry, known_method};
use telemetry::span::{self, OpenSpan};

use crate::error::ApiError;
use crate::fault::{Faults, Point};
use crate::listener::body::{BodyFault, Pace, within_limit};
use crate::service::Service;
use crate::warning::RepeatedWarning;

/// How long one call may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(3);
/// How long a call may take whose outcome the caller does not depend on.
const TELL_TIMEOUT: Duration = Duration::from_millis(500);
/// How long connecting may take: peers are near.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// How long an unused connection is kept.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// Unused connections kept for each peer.
const IDLE_CONNECTIONS_MAX: usize = 256;
/// Largest answer that a caller reads.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// The kind of failure of a call that its caller gave up.
const CANCELLED: &str = "cancelled";

/// Where the other services are, and the connections to them. Cheap to clone.
#[derive(Clone)]
pub struct Peers {
    urls: BTreeMap<Service, String>,
    client: Client<HttpConnector, Body>,
    faults: Faults,
    /// Where each service of this process measures its calls, by its telemetry name.
    registries: Arc<BTreeMap<&'static str, Registry>>,
}

/// Why a peer gave no usable answer.
#[derive(Debug, thiserror::Error)]
pub enum PeerError {
    /// It cannot be reached.
    #[error("{service} cannot be reached: {cause}")]
    Unreachable {
        /// Which peer.
        service: Service,
        /// What was wrong.
        cause: String,
    },
    /// It did not answer in time.
    #[error("{service} did not answer within {} ms", limit.as_millis())]
    TimedOut {
        /// Which peer.
        service: Service,
        /// How long it had.
        limit: Duration,
    },
    /// It answered with another status than success.
    #[error("{service} answered {status}")]
    Status {
        /// Which peer.
        service: Service,
        /// What it answered.
        status: StatusCode,
    },
    /// The body to be passed on was larger than the caller allows.
    #[error("the body for {service} is too large")]
    BodyTooLarge {
        /// Which peer.
        service: Service,
    },
    /// The body to be passed on did not come whole.
    #[error("the body for {service} did not come whole: {fault}")]
    BrokenBody {
        /// Which peer.
        service: Service,
        /// What became of it.
        fault: BodyFault,
    },
    /// Its answer made no sense.
    #[error("{service} answered something unreadable: {cause}")]
    Unreadable {
        /// Which peer.
        service: Service,
        /// What was wrong.
        cause: String,
    },
}

impl PeerError {
    /// The status of an answer that was no success.
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            PeerError::Status { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// The class of failure that the call's span shows; an answer's status stands there already.
    fn span_error_type(&self) -> Option<&'static str> {
        match self {
            PeerError::Unreachable { .. } => Some("unreachable"),
            PeerError::TimedOut { .. } => Some("timeout"),
            PeerError::Status { .. } => None,
            PeerError::BodyTooLarge { .. } => Some("body_too_large"),
            PeerError::BrokenBody { .. } => Some("broken_body"),
            PeerError::Unreadable { .. } => Some("unreadable"),
        }
    }
}

impl From<PeerError> for ApiError {
    fn from(error: PeerError) -> Self {
        static FAILING: RepeatedWarning = RepeatedWarning::new();
        span::exception("peer_failed", &error.to_string());
        FAILING.failed(|suppressed| tracing::warn!(%error, suppressed, "a peer failed"));
        ApiError::unavailable("a service behind this one is down; try again shortly")
    }
}

impl Peers {
    /// Peers at these base URLs.
    pub fn new(urls: BTreeMap<Service, String>) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
            .pool_timer(TokioTimer::new())
            .build(connector);
        Peers {
            urls,
            client,
            faults: Faults::default(),
            registries: Arc::default(),
        }
    }

    /// Measures each call under the name of the service that makes it.
    #[must_use]
    pub fn measured(mut self, registries: BTreeMap<&'static str, Registry>) -> Self {
        self.registries = Arc::new(registries);
        self
    }

    /// Lets faults act on the calls.
    #[must_use]
    pub fn with_faults(mut self, faults: &Faults) -> Self {
        self.faults = faults.clone();
        self
    }

    /// The base URL of a service, without a slash at its end.
    pub fn url(&self, service: Service) -> Option<&str> {
        self.urls.get(&service).map(String::as_str)
    }

    /// Reads JSON from a peer.
    pub async fn get<T: DeserializeOwned>(
        &self,
        service: Service,
        path: &str,
    ) -> Result<T, PeerError> {
        self.call(service, path, Request::new(Body::empty())).await
    }

    /// Reads JSON from a peer on behalf of whom `authorization` names.
    pub async fn get_as<T: DeserializeOwned>(
        &self,
        service: Service,
        path: &str,
        authorization: Option<HeaderValue>,
    ) -> Result<T, PeerError> {
        let mut request = Request::new(Body::empty());
        if let Some(authorization) = authorization {
            request
                .headers_mut()
                .insert(header::AUTHORIZATION, authorization);
        }
        self.call(service, path, request).await
    }

    /// Sends JSON to a peer on behalf of whom `authorization` names, and reads its JSON answer.
    pub async fn post_as<T: DeserializeOwned>(
        &self,
        service: Service,
        path: &str,
        body: &serde_json::Value,
        authorization: HeaderValue,
    ) -> Result<T, PeerError> {
        let mut request = Request::new(Body::from(body.to_string()));
        *request.method_mut() = Method::POST;
        let headers = request.headers_mut();
        headers.insert(header::AUTHORIZATION, authorization);
        self.call(service, path, request).await
    }

    /// Asks a peer to do something; its answer does not matter beyond success.
    pub async fn tell(
        &self,
        service: Service,
        method: Method,
        path: &str,
    ) -> Result<(), PeerError> {
        let mut request = Request::new(Body::empty());
        *request.method_mut() = method;
        let response = self
            .forward(service, path, request, TELL_TIMEOUT, None)
            .await?;
        let status = response.status();
        if status.is_success() {
            Ok(())
        } else {
            Err(PeerError::Status { service, status })
        }
    }

    async fn call<T: DeserializeOwned>(
        &self,
        service: Service,
        path: &str,
        mut request: Request<Body>,
    ) -> Result<T, PeerError> {
        let unreadable = |cause: String| PeerError::Unreadable { service, cause };
        request.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        let call = self.begin(service, path, &mut request)?;
        let exchange = async {
            let response = call.send(self, request).await?;
            let status = response.status();
            if !status.is_success() {
                return Err(PeerError::Status { service, status });
            }
            let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX)
                .collect()
                .await
                .map_err(|error| unreadable(error.to_string()))?;
            serde_json::from_slice(&body.to_bytes()).map_err(|error| unreadable(error.to_string()))
        };
        let ended = within_limit(CALL_TIMEOUT, None, exchange).await;
        call.end(ended, CALL_TIMEOUT)
    }

    /// Passes a request on as it is, but for its target and the trace headers of a new client span, and waits for the
    /// head of the answer: at most `limit`, not counting the time in which the client of `pace` was waited for.
    ///
    /// A request that carries nothing of its caller's connection: version, target and `Host` are the peer's.
    pub(crate) async fn forward(
        &self,
        service: Service,
        path_and_query: &str,
        mut request: Request<Body>,
        limit: Duration,
        pace: Option<&Pace>,
    ) -> Result<Response<Incoming>, PeerError> {
        let call = self.begin(service, path_and_query, &mut request)?;
        let ended = within_limit(limit, pace, call.send(self, request)).await;
        call.end(ended, limit)
    }

    /// Addresses the request and opens the span of the call.
    fn begin(
        &self,
        service: Service,
        path_and_query: &str,
        request: &mut Request<Body>,
    ) -> Result<Call, PeerError> {
        let unreachable = |cause: String| PeerError::Unreachable { service, cause };
        let base = self
            .url(service)
            .ok_or_else(|| unreachable("its address is not configured".to_owned()))?;
        *request.version_mut() = http::Version::HTTP_11;
        *request.uri_mut() = format!("{base}{path_and_query}")
            .parse()
            .map_err(|error: http::uri::InvalidUri| unreachable(error.to_string()))?;
        let span = span::client(request.method(), service.telemetry_name(), request.uri());
        if let Some(context) = span.context() {
            context.inject_headers(request.headers_mut());
        }
        Ok(Call {
            service,
            span,
            method: known_method(request.method()),
            began: Instant::now(),
            registry: self.registry(),
            status: OnceLock::new(),
            failed: Some(CANCELLED),
        })
    }

    /// Where the service that works now measures its calls.
    fn registry(&self) -> Option<Registry> {
        let caller = Context::current()?;
        self.registries.get(caller.identity().service()).cloned()
    }
}

/// A call under way. However it ends, its span says so: a call that is dropped before was given up by its caller.
struct Call {
    service: Service,
    span: OpenSpan,
    method: &'static str,
    began: Instant,
    registry: Option<Registry>,
    status: OnceLock<StatusCode>,
    /// The kind of failure; until the end, what it is if that never comes.
    failed: Option<&'static str>,
}

impl Call {
    /// Sends the request and waits for the head of the answer.
    async fn send(
        &self,
        peers: &Peers,
        request: Request<Body>,
    ) -> Result<Response<Incoming>, PeerError> {
        let service = self.service;
        let passed = peers.faults.at(Point::PeerCall, service.name()).await;
        passed.map_err(|injected| PeerError::Unreachable {
            service,
            cause: injected.0,
        })?;
        match self.span.run(peers.client.request(request)).await {
            Ok(response) => {
                self.span.answered(response.status());
                // Sent once, so answered once.
                let _ = self.status.set(response.status());
                Ok(response)
            }
            Err(error) if is_too_large(&error) => Err(PeerError::BodyTooLarge { service }),
            Err(error) => Err(match BodyFault::of(&error) {
                Some(fault) => PeerError::BrokenBody { service, fault },
                None => PeerError::Unreachable {
                    service,
                    cause: telemetry::text::chain(&error),
                },
            }),
        }
    }

    /// Ends the call with what came of it, or with nothing when its time was up.
    fn end<T>(
        mut self,
        ended: Option<Result<T, PeerError>>,
        limit: Duration,
    ) -> Result<T, PeerError> {
        let service = self.service;
        let outcome = ended.unwrap_or(Err(PeerError::TimedOut { service, limit }));
        self.failed = outcome.as_ref().err().and_then(PeerError::span_error_type);
        if let (Some(kind), Err(error)) = (self.failed, &outcome) {
            self.span.fail_with(kind, error);
        }
        outcome
    }

    fn observe(&self) {
        let Some(registry) = &self.registry else {
            return;
        };
        let status = self.status.get().map(StatusCode::as_str);
        let tags = [
            ("peer", self.service.telemetry_name()),
            ("method", self.method),
            ("status", self.failed.or(status).unwrap_or_default()),
        ];
        registry
            .distribution(metric::HTTP_CLIENT_REQUEST_DURATION, &tags)
            .observe(self.began.elapsed().as_secs_f64());
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if self.failed == Some(CANCELLED) {
            self.span.fail(CANCELLED, "the caller did not wait for it");
        }
        self.observe();
    }
}

fn is_too_large(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| error.source())
        .any(|error| error.is::<LengthLimitError>())
}

//! The only public door: path routing, rate limit, request ids, CORS.
//!
//! It must not know what the services behind it do; bodies stream through it unread.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use http_body_util::Limited;
use hyper::body::Body as _;
use utoipa_axum::router::OpenApiRouter;

use super::entry::{Entry, Started};
use crate::config::Config;
use crate::context::{AppState, Context, Own};
use crate::error::ApiError;
use crate::listener::body::Pace;
use crate::listener::{ClientAddress, client_of as one_client};
use crate::peer::PeerError;
use crate::service::Service;
use crate::warning::RepeatedWarning;

/// Client addresses that the rate limit remembers before it forgets the idle ones.
const ADDRESSES_MAX: usize = 100_000;
/// How much longer than a service's own time limit the gateway waits for it.
const GRACE: Duration = Duration::from_secs(1);

/// Longest path and query that are passed on: a URL has 64 KiB, of which the service's own address takes a part.
const TARGET_BYTES_MAX: usize = 32 * 1024;

/// Headers that belong to one connection and are not passed on (RFC 9110, 7.6.1), and `Expect`, which the gateway fulfils.
const HOP_BY_HOP: [HeaderName; 9] = [
    header::CONNECTION,
    header::EXPECT,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
];

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const ALLOWED_METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PUT, DELETE, OPTIONS");
const EXPOSED_HEADERS: HeaderValue =
    HeaderValue::from_static("x-request-id, retry-after, location");
const PREFLIGHT_MAX_AGE_S: HeaderValue = HeaderValue::from_static("600");

/// Counts each client address's requests, and knows which services are in trouble.
struct ClientRateLimiter {
    limiter: DefaultKeyedRateLimiter<IpAddr>,
    trouble: BTreeMap<Service, RepeatedWarning>,
}

impl ClientRateLimiter {
    /// A limiter that lets `rate_per_s` requests a second through for each address.
    fn new(rate_per_s: NonZeroU32) -> Self {
        ClientRateLimiter {
            limiter: RateLimiter::keyed(Quota::per_second(rate_per_s)),
            trouble: Service::all()
                .map(|service| (service, RepeatedWarning::new()))
                .collect(),
        }
    }

    /// Lets a request in, or says in how many seconds to try again.
    fn admit(&self, client: IpAddr) -> Result<(), u32> {
        if self.limiter.len() > ADDRESSES_MAX {
            self.limiter.retain_recent();
        }
        self.limiter.check_key(&client).map_err(|until| {
            let wait = until.wait_time_from(DefaultClock::default().now());
            u32::try_from(wait.as_secs())
                .unwrap_or(u32::MAX)
                .saturating_add(1)
        })
    }
}

pub(super) const SERVICE: Entry = Entry::new(Service::Gateway, routes)
    .starting(|context| Box::pin(start(context)))
    .surrounded(|router, state| router.layer(from_fn_with_state(state.clone(), guard)));

async fn start(context: Arc<Context>) -> anyhow::Result<Started> {
    let rate_per_s = NonZeroU32::new(context.config.gateway_rate_per_s);
    let limiter = ClientRateLimiter::new(rate_per_s.unwrap_or(NonZeroU32::MAX));
    Ok(Started::with(limiter))
}

/// The gateway's routes: every public prefix of every service.
fn routes() -> OpenApiRouter<AppState> {
    Service::all()
        .flat_map(Service::prefixes)
        .fold(OpenApiRouter::new(), |router, prefix| {
            router
                .route(prefix, any(pass_on))
                .route(&format!("{prefix}/"), any(pass_on))
                .route(&format!("{prefix}/{{*rest}}"), any(pass_on))
        })
}

/// The middleware at the door: preflights are answered, too many requests are turned away.
async fn guard(Own(limiter): Own<ClientRateLimiter>, request: Request, next: Next) -> Response {
    let client = client_of(&request);
    let origin = request.headers().get(header::ORIGIN).cloned();
    let mut response = match limiter.admit(one_client(client.ip())) {
        Err(retry_after_s) => ApiError::too_many_requests(retry_after_s).into_response(),
        Ok(()) if request.method() == Method::OPTIONS => preflight(request.headers()),
        Ok(()) => next.run(request).await,
    };
    if let Some(origin) = origin {
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED_HEADERS);
        headers.append(header::VARY, HeaderValue::from_static("origin"));
    }
    response
}

fn client_of(request: &Request) -> SocketAddr {
    request.extensions().get::<ClientAddress>().map_or(
        SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        |ClientAddress(address)| *address,
    )
}

/// The answer to any `OPTIONS`. It has no `Allow`: only the service behind knows a path's methods.
fn preflight(asked: &HeaderMap) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    if asked.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, ALLOWED_METHODS);
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, PREFLIGHT_MAX_AGE_S);
        if let Some(names) = asked.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
        }
    }
    response
}

/// Why a request cannot be passed on, whatever its service thinks of it.
fn check(request: &Request) -> Result<(), ApiError> {
    if matches!(*request.method(), Method::CONNECT | Method::TRACE) {
        return Err(ApiError::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            "no path has this method",
        )
        .with_header(header::ALLOW, ALLOWED_METHODS));
    }
    if path_and_query(request.uri()).len() > TARGET_BYTES_MAX {
        return Err(ApiError::new(
            StatusCode::URI_TOO_LONG,
            "uri_too_long",
            "the path with its query is longer than the shop accepts",
        ));
    }
    if request.body().size_hint().lower() > Config::BODY_BYTES_MAX as u64 {
        return Err(ApiError::payload_too_large());
    }
    Ok(())
}

async fn pass_on(
    State(state): State<AppState>,
    Own(limiter): Own<ClientRateLimiter>,
    request: Request,
) -> Result<Response, ApiError> {
    let service = Service::for_path(request.uri().path())
        .ok_or_else(|| ApiError::not_found("there is nothing at this path"))?;
    check(&request)?;
    let pace = request.extensions().get::<Pace>().cloned();
    let target = path_and_query(request.uri()).to_owned();
    let client = client_of(&request);
    let mut request = request.map(bounded);
    let headers = request.headers_mut();
    remove_hop_by_hop(headers);
    headers.remove(header::HOST);
    if let Ok(address) = HeaderValue::try_from(client.ip().to_string()) {
        // In place of what the client claims: services are fair by this address.
        headers.insert(FORWARDED_FOR, address);
    }
    let limit = state.context.config.request_timeout + GRACE;
    let peers = &state.context.peers;
    let answer = peers.forward(service, &target, request, limit, pace.as_ref());
    let trouble = &limiter.trouble[&service];
    match answer.await {
        Ok(response) => {
            trouble.recovered(|failures| {
                tracing::info!(failures, %service, "a service answers again");
            });
            let mut response = response.map(Body::new);
            remove_hop_by_hop(response.headers_mut());
            Ok(response)
        }
        Err(error) => Err(failure(service, error, pace.as_ref(), trouble)),
    }
}

/// The answer when the service gave none.
fn failure(
    service: Service,
    error: PeerError,
    pace: Option<&Pace>,
    trouble: &RepeatedWarning,
) -> ApiError {
    // Whatever else went wrong followed from it.
    if let Some(fault) = pace.and_then(Pace::fault) {
        return ApiError::broken_body(fault);
    }
    match error {
        PeerError::BodyTooLarge { .. } => return ApiError::payload_too_large(),
        PeerError::BrokenBody { fault, .. } => return ApiError::broken_body(fault),
        PeerError::TimedOut { .. } => {
            return ApiError::new(
                StatusCode::GATEWAY_TIMEOUT,
                "upstream_timeout",
                format!("the {service} service did not answer in time"),
            );
        }
        _ => {}
    }
    trouble.failed(|suppressed| {
        tracing::warn!(%error, suppressed, "no answer from a service");
    });
    ApiError::unavailable(format!("the {service} service is down; try again shortly"))
}

/// Cuts a body off that turns out larger than any service reads.
fn bounded(body: Body) -> Body {
    if body.size_hint().exact().is_some() {
        return body;
    }
    Body::new(Limited::new(body, Config::BODY_BYTES_MAX))
}

fn path_and_query(uri: &Uri) -> &str {
    uri.path_and_query().map_or("/", |target| target.as_str())
}

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|names| names.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
}

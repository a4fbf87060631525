//! What a shopper's browser adds to every request, and does by itself: headers, cookies, redirects, preflights.

use std::cell::RefCell;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{
    ACCEPT_LANGUAGE, COOKIE, HOST, HeaderName, HeaderValue, LOCATION, ORIGIN, SET_COOKIE,
    USER_AGENT,
};
use http::{HeaderMap, Method, StatusCode};
use telemetry::browser::{
    BrowserConfig, BrowserSession, HeaderBuffer, HeaderPlan, Injection, RequestIds, SampleRate,
    Style, Visitor,
};
use telemetry::trace::Propagators;

use super::plan::locate;
use crate::scenario::{self, Propagator, Scenario, TraceStyle};
use crate::shopper::{Shopper, World};
use crate::transport::{Answer, Exchange, Failure, Origin, Outgoing, Reading, Transport};

/// Cookies that one shopper keeps; the oldest go first.
const COOKIES_MAX: usize = 64;

/// Headers that a page may set across origins without a preflight (Fetch standard, CORS-safelisted request headers), and
/// those that the browser sets itself.
const SAFELISTED: [&str; 8] = [
    "accept",
    "accept-language",
    "content-language",
    "user-agent",
    "cookie",
    "origin",
    "host",
    "content-length",
];

/// What is the same for all shoppers of a worker.
pub(super) struct BrowserSetup {
    /// `None` when no trace headers are wanted.
    trace: Option<HeaderPlan>,
    buffer: RefCell<HeaderBuffer>,
    preflight: bool,
    origin: HeaderValue,
}

/// One shopper's browser.
pub(super) struct BrowserState {
    user_agent: HeaderValue,
    accept_language: HeaderValue,
    session: Option<BrowserSession>,
    cookies: Vec<(Box<str>, Box<str>)>,
    /// Requests that have been allowed by a preflight: hash of method, path and header names.
    allowed: Vec<u64>,
}

impl BrowserSetup {
    pub(super) fn new(scenario: &Scenario, target: &Arc<Origin>) -> Self {
        let scheme = if target.tls { "https" } else { "http" };
        // The page comes from the storefront's origin, not from the API's: that is what makes a request cross-origin.
        let origin = HeaderValue::from_str(&format!("{scheme}://{}", target.host))
            .unwrap_or(HeaderValue::from_static("null"));
        Self {
            trace: (scenario.browser.style != TraceStyle::Off)
                .then(|| HeaderPlan::new(trace_config(&scenario.browser))),
            buffer: RefCell::new(HeaderBuffer::default()),
            preflight: scenario.browser.preflight,
            origin,
        }
    }

    /// The browser of a shopper that arrives.
    pub(super) fn open(&self, world: &World, shopper: &Shopper) -> BrowserState {
        let client = shopper.client(world);
        BrowserState {
            user_agent: HeaderValue::from_static(client.user_agent),
            accept_language: HeaderValue::from_static(client.accept_language),
            session: self
                .trace
                .as_ref()
                .map(|plan| plan.session(shopper.session(), Visitor::default())),
            cookies: Vec::new(),
            allowed: Vec::new(),
        }
    }

    /// Adds the browser's headers; returns the request's Datadog trace id, 0 without one.
    pub(super) fn add_headers(
        &self,
        state: &mut BrowserState,
        shopper: &mut Shopper,
        out: &mut HeaderMap,
    ) -> u64 {
        out.insert(USER_AGENT, state.user_agent.clone());
        out.insert(ACCEPT_LANGUAGE, state.accept_language.clone());
        if self.preflight {
            out.insert(ORIGIN, self.origin.clone());
        }
        if let Some(cookies) = cookie_header(&state.cookies) {
            out.insert(COOKIE, cookies);
        }
        let (Some(plan), Some(session)) = (&self.trace, &state.session) else {
            return 0;
        };
        // Drawn for unsampled sessions too, so that the sampling rate changes no other id.
        let ids = RequestIds::draw(shopper.ids());
        plan.write(session, ids, &mut self.buffer.borrow_mut(), out);
        if plan.sends_headers(session) {
            ids.trace_id
        } else {
            0
        }
    }

    fn preflight_of(&self, state: &BrowserState, outgoing: &Outgoing) -> Option<Outgoing> {
        if !self.preflight || state.allowed.contains(&fingerprint(outgoing)) {
            return None;
        }
        let names = unsafe_names(outgoing);
        let simple = matches!(outgoing.method, Method::GET | Method::HEAD | Method::POST);
        if simple && names.is_empty() {
            return None;
        }
        let mut headers = HeaderMap::new();
        headers.insert(HOST, outgoing.origin.authority.clone());
        headers.insert(USER_AGENT, state.user_agent.clone());
        headers.insert(ORIGIN, self.origin.clone());
        headers.insert(
            "access-control-request-method",
            HeaderValue::from_str(outgoing.method.as_str()).ok()?,
        );
        if !names.is_empty() {
            headers.insert(
                "access-control-request-headers",
                HeaderValue::from_str(&names.join(",")).ok()?,
            );
        }
        Some(Outgoing {
            origin: outgoing.origin.clone(),
            method: Method::OPTIONS,
            path: outgoing.path.clone(),
            headers,
            body: Bytes::new(),
        })
    }
}

fn trace_config(browser: &scenario::Browser) -> BrowserConfig {
    let rate = |share: f64| SampleRate::percent(share * 100.0).unwrap_or(SampleRate::ALL);
    let propagator = |propagator: &Propagator| match propagator {
        Propagator::TraceContext => telemetry::trace::Propagator::TraceContext,
        Propagator::Datadog => telemetry::trace::Propagator::Datadog,
        Propagator::B3 => telemetry::trace::Propagator::B3,
        Propagator::B3Multi => telemetry::trace::Propagator::B3Multi,
    };
    BrowserConfig {
        style: match browser.style {
            TraceStyle::Synthetics => Style::Synthetics,
            TraceStyle::Rum | TraceStyle::Off => Style::Rum,
        },
        propagators: browser
            .propagators
            .iter()
            .map(propagator)
            .collect::<Propagators>(),
        baggage: browser.baggage,
        injection: if browser.inject_all {
            Injection::All
        } else {
            Injection::Sampled
        },
        session_rate: rate(browser.session_sample),
        trace_rate: rate(browser.trace_sample),
    }
}

/// Names of the headers that need the target's permission: sorted, lower case.
fn unsafe_names(outgoing: &Outgoing) -> Vec<&str> {
    let mut names: Vec<&str> = outgoing
        .headers
        .iter()
        .filter(|(name, value)| {
            !SAFELISTED.contains(&name.as_str()) && !is_simple_content_type(name, value)
        })
        .map(|(name, _)| name.as_str())
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn is_simple_content_type(name: &HeaderName, value: &HeaderValue) -> bool {
    let simple: [&[u8]; 3] = [
        b"application/x-www-form-urlencoded",
        b"multipart/form-data",
        b"text/plain",
    ];
    *name == http::header::CONTENT_TYPE
        && simple
            .iter()
            .any(|simple| value.as_bytes().starts_with(simple))
}

fn fingerprint(outgoing: &Outgoing) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    outgoing.method.hash(&mut hasher);
    outgoing.path.path().hash(&mut hasher);
    unsafe_names(outgoing).hash(&mut hasher);
    hasher.finish()
}

impl BrowserState {
    /// Keeps the cookies of an answer, and forgets those that it deletes. Cookies are kept by name for the whole target; path
    /// and domain attributes are not looked at.
    pub(super) fn remember_cookies(&mut self, headers: &HeaderMap) {
        if headers.contains_key(SET_COOKIE) {
            store_cookies(&mut self.cookies, headers);
        }
    }

    /// The target has allowed this request.
    pub(super) fn remember_preflight(&mut self, outgoing: &Outgoing) {
        if outgoing.headers.contains_key(ORIGIN) {
            let fingerprint = fingerprint(outgoing);
            if !self.allowed.contains(&fingerprint) {
                self.allowed.push(fingerprint);
            }
        }
    }
}

fn store_cookies(jar: &mut Vec<(Box<str>, Box<str>)>, headers: &HeaderMap) {
    for header in headers.get_all(SET_COOKIE) {
        let Ok(text) = header.to_str() else { continue };
        let mut parts = text.split(';').map(str::trim);
        let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else {
            continue;
        };
        jar.retain(|(known, _)| **known != *name);
        let deleted = parts.any(|attribute| {
            let (key, value) = attribute.split_once('=').unwrap_or((attribute, ""));
            key.eq_ignore_ascii_case("max-age")
                && value.parse::<i64>().is_ok_and(|seconds| seconds <= 0)
        });
        if !deleted {
            if jar.len() == COOKIES_MAX {
                jar.remove(0);
            }
            jar.push((name.into(), value.into()));
        }
    }
}

fn cookie_header(jar: &[(Box<str>, Box<str>)]) -> Option<HeaderValue> {
    if jar.is_empty() {
        return None;
    }
    let pairs: Vec<String> = jar
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    HeaderValue::from_str(&pairs.join("; ")).ok()
}

/// How one shopper's requests travel.
pub(super) struct Route<'a, T: Transport> {
    pub(super) transport: &'a T,
    pub(super) session: &'a T::Session,
    pub(super) redirects_max: u8,
}

impl<T: Transport> Route<'_, T> {
    /// Sends a request as a browser does: permission first where it is needed, then redirects to their end. The headers of
    /// answers on the way (they may set cookies) come back too, in order.
    pub(super) async fn fetch(
        &self,
        setup: &BrowserSetup,
        state: &BrowserState,
        outgoing: &Outgoing,
        reading: Reading,
    ) -> (Exchange, Vec<HeaderMap>) {
        if let Some(preflight) = setup.preflight_of(state, outgoing) {
            // The request itself follows the answer at once.
            let reading = Reading {
                may_wait: false,
                ..reading
            };
            // Rare ways are boxed, so that thousands of waiting shoppers do not carry their state.
            let exchange = Box::pin(self.exchange(&preflight, reading)).await;
            let allowed = |answer: &Answer| answer.status.is_success();
            if !exchange.result.as_ref().is_ok_and(allowed) {
                return (exchange, Vec::new());
            }
        }
        let first = self.exchange(outgoing, reading).await;
        if self.redirects_max > 0 && is_redirect(&first) {
            return Box::pin(self.follow(state, outgoing.clone(), first, reading)).await;
        }
        (first, Vec::new())
    }

    async fn exchange(&self, outgoing: &Outgoing, reading: Reading) -> Exchange {
        self.transport
            .exchange(self.session, outgoing, reading)
            .await
    }

    async fn follow(
        &self,
        state: &BrowserState,
        mut outgoing: Outgoing,
        first: Exchange,
        reading: Reading,
    ) -> (Exchange, Vec<HeaderMap>) {
        let (asked, sent) = (first.asked, first.sent);
        let mut jar = state.cookies.clone();
        let mut hops = Vec::new();
        let mut exchange = first;
        let mut resent = exchange.resent;
        for _ in 0..self.redirects_max {
            let Ok(answer) = &exchange.result else { break };
            if !is_redirect(&exchange) {
                break;
            }
            hops.push(answer.headers.clone());
            store_cookies(&mut jar, &answer.headers);
            match redirected(outgoing, answer.status, &answer.headers) {
                Ok(next) => outgoing = next,
                Err(failure) => {
                    return (
                        Exchange {
                            asked,
                            sent,
                            result: Err(failure),
                            ..exchange
                        },
                        hops,
                    );
                }
            }
            if let Some(cookies) = cookie_header(&jar) {
                outgoing.headers.insert(COOKIE, cookies);
            }
            exchange = self.exchange(&outgoing, reading).await;
            resent |= exchange.resent;
        }
        if is_redirect(&exchange) {
            exchange.result = Err(Failure::Redirects);
        }
        (
            Exchange {
                asked,
                sent,
                ..exchange
            },
            hops,
        )
    }
}

fn is_redirect(exchange: &Exchange) -> bool {
    let followed = [301, 302, 303, 307, 308];
    exchange.result.as_ref().is_ok_and(|answer| {
        followed.contains(&answer.status.as_u16()) && answer.headers.contains_key(LOCATION)
    })
}

/// The next request (Fetch standard, HTTP-redirect fetch).
fn redirected(
    mut outgoing: Outgoing,
    status: StatusCode,
    headers: &HeaderMap,
) -> Result<Outgoing, Failure> {
    let location = headers
        .get(LOCATION)
        .and_then(|value| value.to_str().ok())
        .ok_or(Failure::Redirects)?;
    let scheme = if outgoing.origin.tls { "https" } else { "http" };
    let authority = outgoing
        .origin
        .authority
        .to_str()
        .map_err(|_| Failure::Redirects)?;
    let here = url::Url::parse(&format!("{scheme}://{authority}{}", outgoing.path))
        .map_err(|_| Failure::Redirects)?;
    let there = here.join(location).map_err(|_| Failure::Redirects)?;
    let before = outgoing.origin.clone();
    (outgoing.origin, outgoing.path) =
        locate(there.as_str(), &before, "").map_err(|_| Failure::Redirects)?;
    outgoing
        .headers
        .insert(HOST, outgoing.origin.authority.clone());
    let becomes_get = status == StatusCode::SEE_OTHER && outgoing.method != Method::HEAD
        || matches!(status.as_u16(), 301 | 302) && outgoing.method == Method::POST;
    if becomes_get {
        outgoing.method = Method::GET;
        outgoing.body = Bytes::new();
        outgoing.headers.remove(http::header::CONTENT_TYPE);
    }
    if outgoing.origin != before {
        outgoing.headers.remove(http::header::AUTHORIZATION);
    }
    Ok(outgoing)
}

//! What a shopper's browser adds to every request, and does by itself: headers, cookies, redirects, preflights.

use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, ACCEPT_LANGUAGE, AUTHORIZATION, COOKIE, HOST, HeaderValue, LOCATION, ORIGIN,
    PROXY_AUTHORIZATION, USER_AGENT,
};
use http::uri::PathAndQuery;
use http::{HeaderMap, Method, StatusCode};
use telemetry::browser::{
    BrowserConfig, BrowserSession, HeaderBuffer, HeaderPlan, Injection, RequestIds, SampleRate,
    Style, Visitor,
};
use telemetry::trace::Propagators;
use uuid::Uuid;

use super::cookies::CookieJar;
use super::preflight::{Permissions, Preflight};
use super::request::{Located, locate};
use crate::response::{Hop, Place};
use crate::scenario::{Propagator, Scenario, TraceStyle};
use crate::shopper::{ScenarioData, Shopper};
use crate::transport::{Exchange, Failure, Origin, Outgoing, Reading, Transport};

/// What is the same for all shoppers of a worker.
pub(crate) struct BrowserSetup {
    /// `None` when no trace headers are wanted.
    trace: Option<HeaderPlan>,
    buffer: RefCell<HeaderBuffer>,
    preflight: bool,
    origin: HeaderValue,
    /// What bodies may be compressed with.
    accept_encoding: HeaderValue,
    /// Whether shoppers call themselves by their browsers' names.
    named: bool,
}

/// What a request's headers say of its trace.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Traced {
    /// Its Datadog trace id, 0 without trace headers.
    pub(crate) trace_id: u64,
    /// The ids, if the trace is sampled.
    pub(crate) sampled: Option<RequestIds>,
}

/// What shoppers are who are no browsers.
pub(crate) const USER_AGENT_HONEST: &str = concat!("loadgen/", env!("CARGO_PKG_VERSION"));

/// One shopper's browser.
pub(crate) struct BrowserState {
    user_agent: HeaderValue,
    accept_language: Option<HeaderValue>,
    session: Option<BrowserSession>,
    cookies: CookieJar,
    /// What preflights have allowed; written while the requests that they come before are on their way.
    permissions: RefCell<Permissions>,
}

impl BrowserSetup {
    pub(crate) fn new(scenario: &Scenario, target: &Arc<Origin>) -> Self {
        let scheme = if target.tls { "https" } else { "http" };
        // The page comes from the storefront's origin, not from the API's: that is what makes a request cross-origin.
        let origin = HeaderValue::from_str(&format!("{scheme}://{}", target.host))
            .unwrap_or(HeaderValue::from_static("null"));
        Self {
            trace: trace_config(scenario).map(HeaderPlan::new),
            buffer: RefCell::new(HeaderBuffer::default()),
            preflight: scenario.browser.preflight,
            origin,
            accept_encoding: HeaderValue::from_static(accept_encoding(target)),
            named: scenario.names_browsers(),
        }
    }

    /// The browser of a shopper that arrives.
    pub(crate) fn open(&self, world: &ScenarioData, shopper: &Shopper) -> BrowserState {
        let client = self.named.then(|| shopper.client(world));
        BrowserState {
            user_agent: HeaderValue::from_static(
                client.map_or(USER_AGENT_HONEST, |client| client.user_agent),
            ),
            accept_language: client.map(|client| HeaderValue::from_static(client.accept_language)),
            session: self
                .trace
                .as_ref()
                .map(|plan| plan.session(shopper.session(), Visitor::default())),
            cookies: CookieJar::default(),
            permissions: RefCell::default(),
        }
    }

    /// Another session begins in the same browser.
    pub(crate) fn renew(&self, state: &mut BrowserState, id: Uuid) {
        if let Some(plan) = &self.trace {
            state.session = Some(plan.session(id, Visitor::default()));
        }
    }

    /// Adds the browser's headers; returns what they say of the trace.
    pub(crate) fn add_headers(
        &self,
        state: &mut BrowserState,
        shopper: &mut Shopper,
        out: &mut HeaderMap,
    ) -> Traced {
        out.insert(USER_AGENT, state.user_agent.clone());
        if let Some(languages) = &state.accept_language {
            out.insert(ACCEPT_LANGUAGE, languages.clone());
        }
        out.insert(ACCEPT_ENCODING, self.accept_encoding.clone());
        if self.preflight {
            out.insert(ORIGIN, self.origin.clone());
        }
        let (Some(plan), Some(session)) = (&self.trace, &state.session) else {
            return Traced::default();
        };
        // Drawn for unsampled sessions too, so that the sampling rate changes no other id.
        let ids = RequestIds::draw(shopper.ids());
        plan.write(session, ids, &mut self.buffer.borrow_mut(), out);
        Traced {
            trace_id: match plan.sends_headers(session) {
                true => ids.trace_id,
                false => 0,
            },
            sampled: session.is_trace_sampled().then_some(ids),
        }
    }

    /// Adds the cookies that belong to where the request goes to those that the step brings, which come back.
    pub(super) fn add_cookies(
        &self,
        state: &BrowserState,
        outgoing: &mut Outgoing,
    ) -> Option<HeaderValue> {
        let own = outgoing.headers.get(COOKIE).cloned();
        if !state.cookies.is_empty() {
            set_cookies(&state.cookies, own.as_ref(), outgoing);
        }
        own
    }

    fn preflight_of(&self, state: &BrowserState, outgoing: &Outgoing) -> Option<Preflight> {
        if !self.preflight {
            return None;
        }
        let permissions = state.permissions.borrow();
        Preflight::of(outgoing, &permissions, &self.origin, &state.user_agent)
    }
}

/// The content codings that browsers take from there: the younger ones not in the clear, where old proxies are.
fn accept_encoding(target: &Origin) -> &'static str {
    match target.is_trustworthy() {
        true => "gzip, deflate, br, zstd",
        false => "gzip, deflate",
    }
}

/// What trace headers say; `None` when none are wanted.
fn trace_config(scenario: &Scenario) -> Option<BrowserConfig> {
    let style = match scenario.trace_style() {
        TraceStyle::Off => return None,
        TraceStyle::Rum => Style::Rum,
        TraceStyle::Synthetics => Style::Synthetics,
    };
    let browser = &scenario.browser;
    let rate = |share: f64| SampleRate::percent(share * 100.0).unwrap_or(SampleRate::ALL);
    let propagator = |propagator: &Propagator| match propagator {
        Propagator::TraceContext => telemetry::trace::Propagator::TraceContext,
        Propagator::Datadog => telemetry::trace::Propagator::Datadog,
        Propagator::B3 => telemetry::trace::Propagator::B3,
        Propagator::B3Multi => telemetry::trace::Propagator::B3Multi,
    };
    Some(BrowserConfig {
        style,
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
    })
}

impl BrowserState {
    /// The session of a browser under RUM.
    pub(crate) fn session(&self) -> Option<&BrowserSession> {
        self.session.as_ref()
    }

    /// Keeps the cookies of an answer from this place, and forgets those that it deletes.
    pub(super) fn remember_cookies(
        &mut self,
        origin: &Origin,
        path: &PathAndQuery,
        headers: &HeaderMap,
    ) {
        self.cookies.store(origin, path, headers);
    }
}

/// Gives a request the cookies that belong to where it goes, and no others.
fn set_cookies(jar: &CookieJar, own: Option<&HeaderValue>, outgoing: &mut Outgoing) {
    let (origin, path) = (&outgoing.origin, &outgoing.path);
    match jar.header(origin, path, own) {
        Some(cookies) => drop(outgoing.headers.insert(COOKIE, cookies)),
        None => drop(outgoing.headers.remove(COOKIE)),
    }
}

/// What came of a request, redirects included.
pub(crate) struct Fetched {
    pub(crate) exchange: Exchange,
    /// Answers on the way, in order.
    pub(crate) hops: Vec<Hop>,
    /// Where the last answer came from, if not from where the request was sent.
    pub(super) moved_to: Option<Place>,
}

impl From<Exchange> for Fetched {
    fn from(exchange: Exchange) -> Self {
        Self {
            exchange,
            hops: Vec::new(),
            moved_to: None,
        }
    }
}

/// How one shopper's requests travel.
pub(super) struct Route<'a, T: Transport> {
    pub(super) transport: &'a T,
    pub(super) session: &'a T::Session,
    pub(super) redirects_max: u8,
}

impl<T: Transport> Route<'_, T> {
    /// Sends a request as a browser does: permission first where it is needed, then redirects to their end. The headers of
    /// answers on the way come back too: they may set cookies. `own` are the cookies that the step itself brings.
    pub(super) async fn fetch(
        &self,
        setup: &BrowserSetup,
        state: &BrowserState,
        outgoing: &Outgoing,
        own: Option<&HeaderValue>,
        reading: Reading,
    ) -> Fetched {
        if let Some(preflight) = setup.preflight_of(state, outgoing) {
            // Rare ways are boxed, so that thousands of waiting shoppers do not carry their state.
            if let Some(refused) = Box::pin(self.ask(state, &preflight, reading)).await {
                return refused.into();
            }
        }
        let first = self.exchange(outgoing, reading).await;
        if self.redirects_max > 0 && is_redirect(&first) {
            let (outgoing, own) = (outgoing.clone(), own.cloned());
            return Box::pin(self.follow(state, outgoing, own, first, reading)).await;
        }
        first.into()
    }

    /// Asks for permission. Comes back with what the request ends in when there is none: it is not sent then.
    async fn ask(
        &self,
        state: &BrowserState,
        preflight: &Preflight,
        reading: Reading,
    ) -> Option<Exchange> {
        // The request itself follows the answer at once.
        let reading = Reading {
            may_defer: false,
            ..reading
        };
        let mut exchange = self.exchange(&preflight.question, reading).await;
        let granted = match &exchange.result {
            Ok(answer) => preflight.granted(answer.status, &answer.headers),
            Err(_) => return Some(exchange),
        };
        if let Some(max_age) = granted {
            let mut permissions = state.permissions.borrow_mut();
            permissions.keep(preflight.request, exchange.done, max_age);
            return None;
        }
        exchange.result = Err(Failure::PreflightRefused);
        Some(exchange)
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
        mut own: Option<HeaderValue>,
        first: Exchange,
        reading: Reading,
    ) -> Fetched {
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
            jar.store(&outgoing.origin, &outgoing.path, &answer.headers);
            let hop = Hop {
                status: answer.status.as_u16(),
                headers: answer.headers.clone(),
                place: place_of(&outgoing),
            };
            if let Err(failure) = redirect(&mut outgoing, answer.status, &answer.headers) {
                exchange.result = Err(failure);
                hops.push(hop);
                break;
            }
            own = own.filter(|_| outgoing.origin == hop.place.origin);
            hops.push(hop);
            set_cookies(&jar, own.as_ref(), &mut outgoing);
            exchange = self.exchange(&outgoing, reading).await;
            resent |= exchange.resent;
        }
        if is_redirect(&exchange) {
            exchange.result = Err(Failure::Redirects);
        }
        let exchange = Exchange {
            asked,
            sent,
            resent,
            ..exchange
        };
        Fetched {
            exchange,
            hops,
            moved_to: Some(place_of(&outgoing)),
        }
    }
}

/// Where a request goes.
pub(super) fn place_of(outgoing: &Outgoing) -> Place {
    Place {
        origin: outgoing.origin.clone(),
        path: outgoing.path.clone(),
    }
}

fn is_redirect(exchange: &Exchange) -> bool {
    let followed = [301, 302, 303, 307, 308];
    exchange.result.as_ref().is_ok_and(|answer| {
        followed.contains(&answer.status.as_u16()) && answer.headers.contains_key(LOCATION)
    })
}

/// Turns a request into the next one (Fetch standard, HTTP-redirect fetch). What was meant for one origin alone does not go to
/// another: credentials in headers stay where they were sent first, cookies with their host.
fn redirect(
    outgoing: &mut Outgoing,
    status: StatusCode,
    headers: &HeaderMap,
) -> Result<(), Failure> {
    let before = outgoing.origin.clone();
    let Located { origin, path, .. } = leads_to(outgoing, headers).ok_or(Failure::BadRedirect)?;
    (outgoing.origin, outgoing.path) = (origin, path);
    let headers = &mut outgoing.headers;
    let becomes_get = status == StatusCode::SEE_OTHER && outgoing.method != Method::HEAD
        || matches!(status.as_u16(), 301 | 302) && outgoing.method == Method::POST;
    if becomes_get {
        outgoing.method = Method::GET;
        outgoing.body = Bytes::new();
        headers.remove(http::header::CONTENT_TYPE);
    }
    if outgoing.origin != before {
        headers.insert(HOST, outgoing.origin.authority.clone());
        headers.remove(AUTHORIZATION);
        headers.remove(PROXY_AUTHORIZATION);
    }
    Ok(())
}

/// Where an answer points to; `None` if that is no place for a request.
fn leads_to(outgoing: &Outgoing, headers: &HeaderMap) -> Option<Located> {
    let location = location_text(headers.get(LOCATION)?);
    let origin = &outgoing.origin;
    let there = origin.url(&outgoing.path)?.join(&location).ok()?;
    locate(there.as_str(), origin, "").ok()
}

/// A `Location` may be UTF-8, and goes on as it is; other bytes beyond ASCII go on encoded.
fn location_text(value: &HeaderValue) -> Cow<'_, str> {
    let bytes = value.as_bytes();
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => bytes
            .iter()
            .map(|byte| match byte.is_ascii() {
                true => char::from(*byte).to_string(),
                false => format!("%{byte:02X}"),
            })
            .collect(),
    }
}

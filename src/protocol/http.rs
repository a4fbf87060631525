//! HTTP as a browser speaks it: the first step kind.
//!
//! Must not know: how bytes travel ([`Transport`] does), and what a step is counted under.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Instant;

use ::http::HeaderMap;
use ::http::header::HeaderValue;

use telemetry::browser::BrowserSession;
use uuid::Uuid;

use super::{Awaiting, Protocol};
use crate::measure::Replay;
use crate::measure::samples::ExchangeText;
use crate::redact::Redactor;
use crate::response::{Place, Response};
use crate::scenario::{Step, StepId};
use crate::shopper::{ScenarioData, Shopper};
use crate::transport::{Exchange, Failure, Origin, Outgoing, Reading, Transport};

pub(crate) mod browser;
mod cookies;
mod evidence;
mod idempotency;
mod preflight;
pub(crate) mod request;

use browser::{BrowserSetup, BrowserState, Fetched, Route, Traced, place_of};
use idempotency::SentKeys;
use request::{Located, PreparedRequest};

/// Room for the headers of a usual request: growing is dearer than a little spare room.
const HEADERS_USUAL: usize = 20;

/// What all shoppers of a worker share.
pub(crate) struct Http<T> {
    /// The connections.
    pub(crate) transport: T,
    target: Arc<Origin>,
    browser: BrowserSetup,
    body_bytes_max: u64,
    /// Steps whose last answer was a redirect: the next request follows at once.
    redirected: Box<[Cell<bool>]>,
}

/// One shopper's browser and connections.
pub(crate) struct HttpClient<T: Transport> {
    session: T::Session,
    browser: BrowserState,
    keys: SentKeys,
}

/// A request, made and not yet sent.
pub(crate) struct HttpSending {
    /// What its headers say of its trace.
    pub(crate) traced: Traced,
    /// Its idempotency key in short, if it has one.
    key: Option<u64>,
    outgoing: Result<Outgoing, Failure>,
    /// Redirects that are followed.
    redirects_max: u8,
    /// The cookies that the step itself brings.
    own_cookies: Option<HeaderValue>,
}

impl<T: Transport> Http<T> {
    /// Of a worker.
    pub(crate) fn new(world: &ScenarioData, target: &Arc<Origin>, transport: T) -> Self {
        let scenario = world.scenario();
        Self {
            transport,
            target: target.clone(),
            browser: BrowserSetup::new(scenario, target),
            body_bytes_max: scenario.http.body_bytes_max,
            redirected: vec![Cell::new(false); scenario.steps.len()].into(),
        }
    }

    /// Lets a shopper's browser learn from what came of a request, and tells what the answer was to an idempotency key.
    pub(crate) fn learn(
        client: &mut HttpClient<T>,
        step: &Step,
        request: &HttpSending,
        fetched: &Fetched,
    ) -> Replay {
        for hop in &fetched.hops {
            let Place { origin, path } = &hop.place;
            client.browser.remember_cookies(origin, path, &hop.headers);
        }
        let (Ok(outgoing), Ok(answer)) = (&request.outgoing, &fetched.exchange.result) else {
            return Replay::Unkeyed;
        };
        let (origin, path) = match &fetched.moved_to {
            Some(place) => (&place.origin, &place.path),
            None => (&outgoing.origin, &outgoing.path),
        };
        client
            .browser
            .remember_cookies(origin, path, &answer.headers);
        let resent = fetched.exchange.resent;
        client
            .keys
            .judge(request.key, resent, step, &answer.headers)
    }

    /// The session of a shopper's browser, if it is one under RUM.
    pub(crate) fn session(client: &HttpClient<T>) -> Option<&BrowserSession> {
        client.browser.session()
    }

    /// Another session begins in a shopper's browser.
    pub(crate) fn renew(&self, client: &mut HttpClient<T>, id: Uuid) {
        self.browser.renew(&mut client.browser, id);
    }

    /// What is sent, if it could be made.
    pub(crate) fn sent(request: &HttpSending) -> Option<&Outgoing> {
        request.outgoing.as_ref().ok()
    }

    /// Where the last answer came from.
    pub(crate) fn place(request: &HttpSending, fetched: &Fetched) -> Option<Place> {
        let sent_to = request.outgoing.as_ref().ok();
        fetched.moved_to.clone().or_else(|| sent_to.map(place_of))
    }

    /// The request, unless a value outgrew its bound since the step before.
    fn outgoing(
        &self,
        step: &PreparedRequest,
        headers: HeaderMap,
        world: &ScenarioData,
        shopper: &mut Shopper,
    ) -> Result<Outgoing, Failure> {
        let made = self.render(step, headers, world, shopper);
        match shopper.take_too_large() {
            true => Err(Failure::ValueTooLarge),
            false => made,
        }
    }

    fn render(
        &self,
        step: &PreparedRequest,
        mut headers: HeaderMap,
        world: &ScenarioData,
        shopper: &mut Shopper,
    ) -> Result<Outgoing, Failure> {
        step.add_headers(world, shopper, &mut headers)?;
        let Located { origin, path, .. } =
            step.locate(world, shopper, &self.target, &mut headers)?;
        Ok(Outgoing {
            origin,
            method: step.method.clone(),
            path,
            headers,
            body: step.body(world, shopper),
        })
    }
}

impl<T: Transport> Protocol for Http<T> {
    type Prepared = PreparedRequest;
    type Client = HttpClient<T>;
    type Request = HttpSending;
    type Answered = Fetched;

    fn client(&self, world: &ScenarioData, shopper: &Shopper) -> HttpClient<T> {
        HttpClient {
            session: self.transport.session(),
            browser: self.browser.open(world, shopper),
            keys: SentKeys::default(),
        }
    }

    fn prepare(
        &self,
        client: &mut HttpClient<T>,
        step: &PreparedRequest,
        world: &ScenarioData,
        shopper: &mut Shopper,
    ) -> HttpSending {
        let mut headers = HeaderMap::with_capacity(HEADERS_USUAL);
        let browser = &mut client.browser;
        let traced = self.browser.add_headers(browser, shopper, &mut headers);
        let mut outgoing = self.outgoing(step, headers, world, shopper);
        let (mut key, mut own_cookies) = (None, None);
        if let Ok(outgoing) = &mut outgoing {
            own_cookies = self.browser.add_cookies(&client.browser, outgoing);
            key = client.keys.note(&outgoing.headers);
        }
        HttpSending {
            traced,
            key,
            outgoing,
            redirects_max: step.redirects_max,
            own_cookies,
        }
    }

    async fn exchange(
        &self,
        client: &HttpClient<T>,
        id: StepId,
        request: &HttpSending,
        awaiting: Awaiting,
    ) -> Fetched {
        let asked = Instant::now();
        let outgoing = match &request.outgoing {
            Ok(outgoing) => outgoing,
            Err(failure) => return Exchange::failed(asked, *failure).into(),
        };
        let redirected = &self.redirected[usize::from(id.0)];
        let reading = Reading {
            deadline: asked + awaiting.timeout,
            body_bytes_max: self.body_bytes_max,
            keep_bytes: awaiting.keep_bytes,
            keep_error_bytes: awaiting.keep_error_bytes,
            may_defer: !awaiting.followed_at_once && !redirected.get(),
        };
        let route = Route {
            transport: &self.transport,
            session: &client.session,
            redirects_max: request.redirects_max,
        };
        let own = request.own_cookies.as_ref();
        let fetched = route
            .fetch(&self.browser, &client.browser, outgoing, own, reading)
            .await;
        redirected.set(!fetched.hops.is_empty());
        fetched
    }

    fn evidence(
        request: &HttpSending,
        result: Result<&Response, Failure>,
        redactor: &mut Redactor,
    ) -> ExchangeText {
        evidence::text(request.outgoing.as_ref().ok(), result, redactor)
    }
}

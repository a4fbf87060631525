//! Step kinds: how shoppers talk to the system under test. HTTP is the first.
//!
//! A kind is an implementation of [`Protocol`] in a file or folder here, a line in [`StepKind`] (what a scenario says of it, which
//! `scenario/check/request.rs` checks) and a line in [`PreparedKind`]; the compiler names the places that tell kinds apart. Must not
//! know: journeys, schedules, who records what.

use std::future::Future;
use std::time::Duration;

use crate::measure::samples::ExchangeText;
use crate::redact::Redactor;
use crate::response::Response;
use crate::scenario::{Http as Settings, StepId, StepKind};
use crate::shopper::{ScenarioData, Shopper};
use crate::transport::Failure;

pub(crate) mod http;

use http::request::{PreparedRequest, Site};

/// A step made ready for a target before the run. One line for each kind.
#[derive(Debug)]
pub(crate) enum PreparedKind {
    /// One HTTP exchange.
    Http(PreparedRequest),
}

impl PreparedKind {
    /// Makes a step of any kind ready.
    ///
    /// # Errors
    /// A sentence for people when what is fixed in it is not valid.
    pub(crate) fn new(kind: &StepKind, settings: &Settings, site: &Site) -> Result<Self, String> {
        match kind {
            StepKind::Http(request) => {
                PreparedRequest::new(request, settings, site).map(Self::Http)
            }
        }
    }
}

/// How a step's answer is waited for and kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Awaiting {
    /// Longest wait for the answer.
    pub(crate) timeout: Duration,
    /// How much of a successful answer's body is kept, bytes.
    pub(crate) keep_bytes: usize,
    /// How much of an erroneous answer's body is kept, bytes.
    pub(crate) keep_error_bytes: usize,
    /// Whether what the shopper does after it may be another request at once.
    pub(crate) followed_at_once: bool,
}

/// How steps of one kind are carried out: what all shoppers of a worker share of it.
pub(crate) trait Protocol {
    /// A step made ready before the run.
    type Prepared;
    /// One shopper's side of it, kept between its steps.
    type Client;
    /// One request of one shopper, made and not yet sent.
    type Request;
    /// What came of a request.
    type Answered;

    /// The side of a shopper that arrives.
    fn client(&self, world: &ScenarioData, shopper: &Shopper) -> Self::Client;

    /// Makes a request. Whatever is drawn for it is drawn here, so that what a shopper sends does not depend on which answer
    /// comes first.
    fn prepare(
        &self,
        client: &mut Self::Client,
        step: &Self::Prepared,
        world: &ScenarioData,
        shopper: &mut Shopper,
    ) -> Self::Request;

    /// Sends it, and waits for the answer. Several may be under way for one shopper.
    fn exchange(
        &self,
        client: &Self::Client,
        id: StepId,
        request: &Self::Request,
        awaiting: Awaiting,
    ) -> impl Future<Output = Self::Answered>;

    /// The request, and its answer or why there is none, as text for an example; secrets removed. The redactor learns those of
    /// the exchange.
    fn evidence(
        request: &Self::Request,
        result: Result<&Response, Failure>,
        redactor: &mut Redactor,
    ) -> ExchangeText;
}

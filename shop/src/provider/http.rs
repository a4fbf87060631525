//! Real providers over HTTP: payment in the shape of Stripe's API, mail in the shape of SendGrid's.
//!
//! Both have a bounded number of calls under way, each with a deadline. What a provider says about the shop's key is never passed
//! on, and no key, card or address stands in an error.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use reqwest::header::{HeaderMap, HeaderName};
use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::Value;
use tokio::sync::Semaphore;

use crate::fault::{Faults, Point};
use crate::secret::Secret;

mod args;
mod mail;
mod payments;

pub use args::ProviderArgs;
pub use mail::HttpMail;
pub use payments::HttpPayments;

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long one call may take; below the time that a shopper's request has.
const CALL_TIMEOUT: Duration = Duration::from_secs(8);
/// Calls under way to one provider; others wait their turn.
const CALLS_MAX: usize = 128;
/// Unused connections that are kept.
const IDLE_CONNECTIONS_MAX: usize = 32;
/// Largest answer that is read.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;
/// The header under which both providers recognise a repeated call.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Where a payment provider is.
#[derive(Clone, Debug)]
pub struct PaymentAddress {
    /// Base URL, `https://api.stripe.com`.
    pub url: Secret,
    /// The shop's key there.
    pub key: Option<Secret>,
    /// The payment method that stands for what a customer left with the provider.
    pub on_file: String,
}

/// Where a mail provider is.
#[derive(Clone, Debug)]
pub struct MailAddress {
    /// Base URL, `https://api.sendgrid.com`.
    pub url: Secret,
    /// The shop's key there.
    pub key: Option<Secret>,
    /// Whom mail comes from.
    pub from: Option<String>,
}

/// The connections to one provider.
struct Caller {
    client: Client,
    base: String,
    key: Secret,
    slots: Arc<Semaphore>,
    faults: Faults,
    point: Point,
}

/// What a provider answered.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

/// No usable answer; whether the call had an effect is not known.
struct NoAnswer(String);

impl Caller {
    /// `variable` names the provider in errors: `PAYMENT_PROVIDER`.
    fn new(
        variable: &str,
        url: &Secret,
        key: Option<&Secret>,
        point: Point,
    ) -> anyhow::Result<Self> {
        let valid = url.expose().parse::<http::Uri>().is_ok_and(|uri| {
            matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some()
        });
        anyhow::ensure!(
            valid,
            "{variable}_URL is not the URL of a provider; write it like https://api.example.com"
        );
        let key = key.with_context(|| {
            format!("{variable}_KEY is not set, but {variable}_URL is; the provider needs both")
        })?;
        let client = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(CALL_TIMEOUT)
            .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
            // A redirect would carry the key elsewhere.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .with_context(|| format!("cannot make an HTTP client for {variable}_URL"))?;
        Ok(Self {
            client,
            base: url.expose().trim_end_matches('/').to_owned(),
            key: key.clone(),
            slots: Arc::new(Semaphore::new(CALLS_MAX)),
            faults: Faults::default(),
            point,
        })
    }

    fn get(&self, path_and_query: &str) -> RequestBuilder {
        self.client.get(format!("{}{path_and_query}", self.base))
    }

    fn post(&self, path: &str, idempotency_key: &str) -> RequestBuilder {
        self.client
            .post(format!("{}{path}", self.base))
            .header(IDEMPOTENCY_KEY, idempotency_key)
    }

    async fn call(&self, request: RequestBuilder) -> Result<Answer, NoAnswer> {
        let _slot = self
            .slots
            .acquire()
            .await
            .map_err(|_| NoAnswer("the shop is closing".to_owned()))?;
        self.faults
            .at(self.point, "call")
            .await
            .map_err(|injected| NoAnswer(injected.0))?;
        let request = request.bearer_auth(self.key.expose());
        let mut response = request.send().await.map_err(no_answer)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(no_answer)? {
            if bytes.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(NoAnswer("the answer is too large".to_owned()));
            }
            bytes.extend_from_slice(&chunk);
        }
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Ok(Answer {
            status,
            headers,
            body,
        })
    }
}

/// What happened, without the URL, which may hold a password.
fn no_answer(error: reqwest::Error) -> NoAnswer {
    let what = if error.is_connect() {
        "it cannot be reached"
    } else if error.is_timeout() {
        "it did not answer in time"
    } else {
        "the connection broke"
    };
    NoAnswer(what.to_owned())
}

/// The statuses after which the same call may be answered otherwise.
fn passes(status: StatusCode) -> bool {
    status.is_server_error()
        || matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS
                | StatusCode::CONFLICT
                | StatusCode::REQUEST_TIMEOUT
                | StatusCode::UNAUTHORIZED
                | StatusCode::FORBIDDEN
        )
}

/// Why the call has to be repeated. A key that is refused is the shop's mistake: orders wait until it is mended.
fn reason(status: StatusCode) -> String {
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            format!("it refuses the shop's key ({status})")
        }
        other => format!("it answered {other}"),
    }
}

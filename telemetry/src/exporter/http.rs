//! Sending over HTTP from an exporter's own thread, to receivers that fare badly: a time limit for each request, few more tries
//! and only at one that has answered before, and a word for every way to fail. Must not know what is sent.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, StatusCode, Uri};
use reqwest::header::RETRY_AFTER;

use super::EXPORT_MAX;
use crate::text::chain;

/// How often a request is sent at most.
const TRIES_MAX: u32 = 3;
/// The pause before the second try; each further one is twice as long.
const PAUSE: Duration = Duration::from_millis(250);
/// Longest answer that is read.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Sends requests to one receiver. Its runtime and connections live on the thread that uses it.
pub(crate) struct HttpSender {
    runtime: tokio::runtime::Runtime,
    client: reqwest::Client,
    timeout: Duration,
    /// Whether the last request failed: then there is one try each, until one is answered.
    down: bool,
}

/// Why nothing was taken.
#[derive(Debug)]
pub(crate) struct SendError {
    /// A word for `telemetry.exports.dropped`.
    pub(crate) reason: &'static str,
    pub(crate) message: String,
}

/// An answer that says yes.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) body: Vec<u8>,
}

impl HttpSender {
    /// # Errors
    /// When a certificate cannot be used, or the operating system refuses what a client needs.
    pub(crate) fn new(to: &Uri, timeout: Duration, certificate: Option<&[u8]>) -> io::Result<Self> {
        let mut client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("loadgen-telemetry/", env!("CARGO_PKG_VERSION")))
            .timeout(timeout.min(EXPORT_MAX));
        if is_here(to) {
            client = client.no_proxy();
        }
        if let Some(pem) = certificate {
            for certificate in reqwest::Certificate::from_pem_bundle(pem).map_err(other)? {
                client = client.add_root_certificate(certificate);
            }
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        Ok(Self {
            runtime,
            client: client.build().map_err(other)?,
            timeout: timeout.min(EXPORT_MAX),
            down: false,
        })
    }

    /// Sends a request, again where that may help, for at most [`EXPORT_MAX`] in all.
    pub(crate) fn post(
        &mut self,
        to: &Uri,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> Result<Answer, SendError> {
        let deadline = Instant::now() + EXPORT_MAX;
        let tries = if self.down { 1 } else { TRIES_MAX };
        let mut pause = PAUSE;
        for attempt in 1.. {
            let failure = match self.runtime.block_on(self.attempt(to, headers, body)) {
                Ok(answer) => {
                    self.down = false;
                    return Ok(answer);
                }
                Err(failure) => failure,
            };
            let wait = failure.retry_after.unwrap_or(pause);
            let again = Instant::now() + wait + self.timeout <= deadline;
            if !failure.may_help || attempt >= tries || !again {
                self.down = failure.may_help;
                return Err(failure.error);
            }
            thread::sleep(wait);
            pause *= 2;
        }
        unreachable!("the loop ends by returning")
    }

    async fn attempt(
        &self,
        to: &Uri,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> Result<Answer, Failure> {
        let request = self.client.post(to.to_string());
        let request = request.headers(headers.clone()).body(body.clone());
        let mut answer = request.send().await.map_err(Failure::of)?;
        let status = answer.status();
        if !status.is_success() {
            return Err(Failure::refused(status, answer.headers()));
        }
        let mut body = Vec::new();
        while let Some(part) = answer.chunk().await.map_err(Failure::of)? {
            body.extend_from_slice(&part);
            if body.len() > ANSWER_BYTES_MAX {
                break;
            }
        }
        Ok(Answer { body })
    }
}

/// What an attempt has come to.
struct Failure {
    error: SendError,
    may_help: bool,
    retry_after: Option<Duration>,
}

impl Failure {
    fn of(error: reqwest::Error) -> Self {
        let reason = match () {
            () if error.is_timeout() => "timeout",
            () if error.is_connect() => "connect",
            () => "connection",
        };
        Self {
            error: SendError {
                reason,
                // Without the address: whoever tells of it names it.
                message: chain(&error.without_url()),
            },
            may_help: true,
            retry_after: None,
        }
    }

    fn refused(status: StatusCode, headers: &HeaderMap) -> Self {
        let seconds = headers
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.parse().ok());
        Self {
            error: SendError {
                reason: status_reason(status),
                message: format!("the receiver answers {status}"),
            },
            may_help: status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS,
            retry_after: seconds.map(Duration::from_secs),
        }
    }
}

/// A word for a status; rare ones share one.
fn status_reason(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400 => "status_400",
        401 => "status_401",
        403 => "status_403",
        404 => "status_404",
        413 => "status_413",
        415 => "status_415",
        429 => "status_429",
        500 => "status_500",
        502 => "status_502",
        503 => "status_503",
        504 => "status_504",
        _ if status.is_redirection() => "status_3xx",
        _ if status.is_client_error() => "status_4xx",
        _ => "status_5xx",
    }
}

/// Whether the receiver is on this machine: no proxy stands between.
fn is_here(to: &Uri) -> bool {
    let host = to.host().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse();
    host == "localhost" || address.is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

fn other(error: reqwest::Error) -> io::Error {
    io::Error::other(chain(&error))
}

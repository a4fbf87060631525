//! Sits in the API client and sends each request when the rate limits allow it, again where that is safe. Must not
//! know what requests mean: a POST that may have worked goes back to the caller, who can look.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::{Extensions, Method, StatusCode};
use reqwest::{Request, Response};
use reqwest_middleware::{Error, Middleware, Next};

use super::limiter::{Limiter, Report, Span, Turn};
use crate::progress::Progress;

/// How often a request that failed on the way or on the server is sent.
const ATTEMPTS_MAX: u32 = 10;
/// How often a request that was told to come back later is sent.
const RATE_LIMITED_MAX: u32 = 100;
/// The pause after a first failure; it doubles.
const BACKOFF_FIRST: Duration = Duration::from_millis(200);
/// The longest pause between attempts.
const BACKOFF_MAX: Duration = Duration::from_secs(10);
/// Pauses for limits shorter than this are not worth a line.
const QUIET_BELOW: Duration = Duration::from_secs(2);
/// How long to wait before asking again whether it is time.
const WAIT_MAX: Duration = Duration::from_secs(1);
/// Largest answer taken.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// The pause before attempt `attempt` + 1.
pub(crate) fn backoff(attempt: u32) -> Duration {
    BACKOFF_FIRST
        .saturating_mul(1 << attempt.min(8))
        .min(BACKOFF_MAX)
}

/// The limiter and retries of one client.
#[derive(Debug)]
pub(crate) struct LimitAndRetry {
    limiter: Mutex<Limiter>,
    /// Until when a wait was announced; those who wait with it say nothing.
    announced: Mutex<Option<Instant>>,
    progress: Progress,
}

/// What to do after an attempt.
enum Verdict {
    Done,
    RateLimited,
    Failed,
}

impl LimitAndRetry {
    pub(crate) fn new(progress: Progress) -> Self {
        Self {
            limiter: Mutex::new(Limiter::default()),
            announced: Mutex::new(None),
            progress,
        }
    }

    /// Counters stay sound when a holder panics, so a poisoned lock is as good as any.
    fn limiter(&self) -> MutexGuard<'_, Limiter> {
        self.limiter.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn wait_turn(&self, endpoint: &str) {
        loop {
            let turn = self.limiter().ask(endpoint, Instant::now());
            let Turn::Wait(wait) = turn else { return };
            if wait >= QUIET_BELOW {
                self.announce(endpoint, wait);
            }
            // Others may end earlier than expected, so a long wait is looked at again.
            tokio::time::sleep(wait.min(WAIT_MAX)).await;
        }
    }

    fn announce(&self, endpoint: &str, wait: Duration) {
        let now = Instant::now();
        let mut announced = self
            .announced
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if announced.is_some_and(|until| now < until) {
            return;
        }
        *announced = Some(now + wait);
        let limiter = self.limiter();
        let name = limiter.name(endpoint).unwrap_or(endpoint);
        let seconds = wait.as_secs();
        self.progress
            .note(&format!("waiting {seconds} s for the rate limit {name}"));
    }

    async fn attempt(
        &self,
        endpoint: &str,
        request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response, Error> {
        self.wait_turn(endpoint).await;
        let sent = Instant::now();
        let outcome = send(request, extensions, next).await;
        let answered = Instant::now();
        match outcome.as_ref().ok().and_then(report) {
            Some(report) => self
                .limiter()
                .learn(endpoint, &report, Span { sent, answered }),
            None => self.limiter().end(endpoint, outcome.is_ok(), answered),
        }
        outcome
    }
}

#[async_trait]
impl Middleware for LimitAndRetry {
    async fn handle(
        &self,
        request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response, Error> {
        let endpoint = endpoint(request.method(), request.url().path());
        let repeatable = *request.method() != Method::POST;
        let (mut failed, mut limited) = (0, 0);
        loop {
            let Some(copy) = request.try_clone() else {
                return self.attempt(&endpoint, request, extensions, next).await;
            };
            let outcome = self
                .attempt(&endpoint, copy, extensions, next.clone())
                .await;
            match judge(&outcome) {
                Verdict::Done => return outcome,
                Verdict::RateLimited => {
                    limited += 1;
                    if limited >= RATE_LIMITED_MAX {
                        return outcome;
                    }
                    // Without a report the limiter knows of no limit, so the pause must come from here.
                    if outcome
                        .as_ref()
                        .is_ok_and(|response| report(response).is_none())
                    {
                        tokio::time::sleep(backoff(limited)).await;
                    }
                }
                Verdict::Failed => {
                    failed += 1;
                    if !repeatable || failed >= ATTEMPTS_MAX {
                        return outcome;
                    }
                    tokio::time::sleep(backoff(failed - 1)).await;
                }
            }
        }
    }
}

fn judge(outcome: &Result<Response, Error>) -> Verdict {
    match outcome.as_ref().map(Response::status) {
        Ok(StatusCode::TOO_MANY_REQUESTS) => Verdict::RateLimited,
        Ok(status) if status.is_server_error() => Verdict::Failed,
        Ok(_) => Verdict::Done,
        Err(_) => Verdict::Failed,
    }
}

/// Reads the whole answer, so that a connection that drops halfway counts as dropped.
async fn send(
    request: Request,
    extensions: &mut Extensions,
    next: Next<'_>,
) -> Result<Response, Error> {
    let mut response = next.run(request, extensions).await?;
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            let text = format!("the answer is larger than {ANSWER_BYTES_MAX} bytes");
            return Err(Error::middleware(std::io::Error::other(text)));
        }
        body.extend_from_slice(&chunk);
    }
    let mut whole = http::Response::new(Bytes::from(body));
    *whole.status_mut() = response.status();
    *whole.headers_mut() = response.headers().clone();
    Ok(Response::from(whole))
}

/// Requests that share a limit until their answers say otherwise: a method and a path with its ids left out.
fn endpoint(method: &Method, path: &str) -> String {
    let mut parts = path.split('/').skip_while(|part| *part != "api").skip(2);
    let kind = parts.next().unwrap_or_default();
    let rest = match parts.next() {
        None => "",
        Some(word @ ("search" | "validate" | "can_delete")) => word,
        Some(_) => "{id}",
    };
    format!("{method} {kind}/{rest}")
}

fn report(response: &Response) -> Option<Report> {
    let headers = response.headers();
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let number = |name: &str| text(name).and_then(|text| text.trim().parse().ok());
    Some(Report {
        name: text("x-ratelimit-name").unwrap_or("unnamed").to_owned(),
        limit: number("x-ratelimit-limit")?,
        period_s: number("x-ratelimit-period")?,
        remaining: number("x-ratelimit-remaining")?,
        reset_s: number("x-ratelimit-reset")?,
        refused: response.status() == StatusCode::TOO_MANY_REQUESTS,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_has_no_ids() {
        let of = |path| endpoint(&Method::GET, path);
        assert_eq!(of("/api/v1/monitor"), "GET monitor/");
        assert_eq!(of("/api/v1/monitor/123"), "GET monitor/{id}");
        assert_eq!(of("/prefix/api/v1/monitor/search"), "GET monitor/search");
    }

    #[test]
    fn pauses_grow_to_a_bound() {
        assert_eq!(backoff(0), BACKOFF_FIRST);
        assert_eq!(backoff(1), BACKOFF_FIRST * 2);
        assert_eq!(backoff(u32::MAX), BACKOFF_MAX);
    }
}

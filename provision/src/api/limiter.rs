//! When the next request may be sent: the API's rate limits as its own answers report them. Pure: callers pass the
//! moment and do the waiting. Must not know HTTP.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// From this share of a limit on, the requests that are left are spread over the time that is left.
const SLOW_BELOW: u32 = 5;
/// Answers round the seconds until the reset; asking a moment later costs nothing.
const RESET_MARGIN: Duration = Duration::from_millis(50);
/// How soon to ask again while the first request to an endpoint is under way.
const PROBE_WAIT: Duration = Duration::from_millis(10);
/// Endpoints and names are a handful; more means that names are made up per request.
const NAMES_MAX: usize = 1000;

/// What an answer says about its limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) name: String,
    pub(crate) limit: u32,
    pub(crate) period_s: u32,
    pub(crate) remaining: u32,
    pub(crate) reset_s: u32,
}

/// Whether a request may go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Now; it is counted. Every such turn ends with [`Limiter::learn`] or [`Limiter::end`].
    Go,
    /// Not before this time has passed; ask again then.
    Wait(Duration),
}

/// All limits known so far.
#[derive(Debug, Default)]
pub(crate) struct Limiter {
    endpoints: HashMap<String, Endpoint>,
    buckets: HashMap<String, Bucket>,
}

#[derive(Debug, Default)]
struct Endpoint {
    /// The limit that its last answer named.
    name: Option<String>,
    answered: bool,
    in_flight: u32,
}

#[derive(Debug)]
struct Bucket {
    limit: u32,
    period: Duration,
    left: u32,
    resets_at: Instant,
    next_slot: Instant,
}

impl Limiter {
    /// Asks for a turn. Of an endpoint whose limit is not known yet, one request goes ahead and the others wait for
    /// what its answer says.
    pub(crate) fn ask(&mut self, endpoint: &str, now: Instant) -> Turn {
        if self.endpoints.len() >= NAMES_MAX && !self.endpoints.contains_key(endpoint) {
            return Turn::Go;
        }
        let known = self.endpoints.entry(endpoint.to_owned()).or_default();
        if !known.answered && known.in_flight > 0 {
            return Turn::Wait(PROBE_WAIT);
        }
        let name = known.name.clone();
        let in_flight = self.in_flight(name.as_deref());
        let bucket = name.and_then(|name| self.buckets.get_mut(&name));
        let turn = bucket.map_or(Turn::Go, |bucket| bucket.ask(in_flight, now));
        if turn == Turn::Go
            && let Some(known) = self.endpoints.get_mut(endpoint)
        {
            known.in_flight += 1;
        }
        turn
    }

    /// Takes in what an answer reports.
    pub(crate) fn learn(&mut self, endpoint: &str, report: &Report, now: Instant) {
        self.end(endpoint, true);
        if self.buckets.len() >= NAMES_MAX && !self.buckets.contains_key(&report.name) {
            return;
        }
        if let Some(known) = self.endpoints.get_mut(endpoint) {
            known.name = Some(report.name.clone());
        }
        let in_flight = self.in_flight(Some(&report.name));
        let bucket = self.buckets.entry(report.name.clone());
        bucket
            .or_insert_with(|| Bucket::new(report, now))
            .learn(report, in_flight, now);
    }

    /// A request ended without a report, with an answer or without one.
    pub(crate) fn end(&mut self, endpoint: &str, answered: bool) {
        if let Some(known) = self.endpoints.get_mut(endpoint) {
            known.in_flight = known.in_flight.saturating_sub(1);
            known.answered |= answered;
        }
    }

    /// The limit's name for an endpoint, for people.
    pub(crate) fn name(&self, endpoint: &str) -> Option<&str> {
        self.endpoints.get(endpoint)?.name.as_deref()
    }

    fn in_flight(&self, name: Option<&str>) -> u32 {
        let sharing = self
            .endpoints
            .values()
            .filter(|known| known.name.as_deref() == name);
        sharing.map(|known| known.in_flight).sum()
    }
}

impl Bucket {
    fn new(report: &Report, now: Instant) -> Self {
        Self {
            limit: report.limit,
            period: Duration::from_secs(u64::from(report.period_s)),
            left: report.remaining,
            resets_at: now,
            next_slot: now,
        }
    }

    fn ask(&mut self, in_flight: u32, now: Instant) -> Turn {
        if now >= self.resets_at {
            self.left = self.limit.saturating_sub(in_flight).max(1);
            self.resets_at = now + self.period.max(Duration::from_secs(1));
            self.next_slot = now;
        }
        if self.left == 0 {
            return Turn::Wait(self.resets_at - now);
        }
        if self.left <= self.limit / SLOW_BELOW {
            if now < self.next_slot {
                return Turn::Wait(self.next_slot - now);
            }
            self.next_slot = now + (self.resets_at - now) / (self.left + 1);
        }
        self.left -= 1;
        Turn::Go
    }

    /// Within a window the smaller count is right: requests on their way are not in the report yet. In a new window
    /// those may count against it, so they are taken off.
    fn learn(&mut self, report: &Report, in_flight: u32, now: Instant) {
        let resets_at = now + Duration::from_secs(u64::from(report.reset_s.max(1))) + RESET_MARGIN;
        let new_window = resets_at > self.resets_at + Duration::from_secs(1);
        self.limit = report.limit;
        self.period = Duration::from_secs(u64::from(report.period_s));
        if new_window {
            self.left = report.remaining.saturating_sub(in_flight);
            self.resets_at = resets_at;
            self.next_slot = now;
        } else {
            self.left = self.left.min(report.remaining);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(remaining: u32, reset_s: u32) -> Report {
        Report {
            name: "n".into(),
            limit: 10,
            period_s: 10,
            remaining,
            reset_s,
        }
    }

    /// A server with a limit of 10 in 10 s, asked as fast as the limiter allows for a minute.
    #[test]
    fn never_exceeds_a_limit_and_uses_nearly_all_of_it() {
        let (start, mut limiter) = (Instant::now(), Limiter::default());
        let (mut now_ms, mut sent) = (0_u64, vec![0_u32; 10]);
        while now_ms < 60_000 {
            let now = start + Duration::from_millis(now_ms);
            match limiter.ask("e", now) {
                Turn::Wait(wait) => now_ms += wait.as_millis() as u64 + 1,
                Turn::Go => {
                    let window = (now_ms / 10_000) as usize;
                    sent[window] += 1;
                    assert!(sent[window] <= 10, "window {window}");
                    let reset = (10_000 - now_ms % 10_000).div_ceil(1000) as u32;
                    limiter.learn("e", &report(10 - sent[window], reset), now);
                }
            }
        }
        assert!(sent.iter().sum::<u32>() >= 54, "{sent:?}");
    }

    #[test]
    fn slows_down_before_the_limit_is_reached() {
        let (now, mut limiter) = (Instant::now(), Limiter::default());
        assert_eq!(limiter.ask("e", now), Turn::Go);
        limiter.learn("e", &report(2, 9), now);
        assert_eq!(limiter.ask("e", now), Turn::Go);
        assert!(
            matches!(limiter.ask("e", now), Turn::Wait(wait) if wait >= Duration::from_secs(2))
        );
    }

    #[test]
    fn the_first_request_to_an_endpoint_goes_alone() {
        let (now, mut limiter) = (Instant::now(), Limiter::default());
        assert_eq!(limiter.ask("e", now), Turn::Go);
        assert_eq!(limiter.ask("e", now), Turn::Wait(PROBE_WAIT));
        limiter.end("e", true);
        assert_eq!(limiter.ask("e", now), Turn::Go);
        assert_eq!(limiter.ask("e", now), Turn::Go);
    }

    #[test]
    fn waits_for_the_reset_when_nothing_is_left() {
        let (now, mut limiter) = (Instant::now(), Limiter::default());
        assert_eq!(limiter.ask("e", now), Turn::Go);
        limiter.learn("e", &report(0, 7), now);
        assert!(
            matches!(limiter.ask("e", now), Turn::Wait(wait) if wait >= Duration::from_secs(7))
        );
        assert_eq!(limiter.ask("other", now), Turn::Go);
    }
}

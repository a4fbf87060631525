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
    /// The request itself was one too many.
    pub(crate) refused: bool,
}

/// When a request was sent and its answer came; the server looked at its clock somewhere between.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    pub(crate) sent: Instant,
    pub(crate) answered: Instant,
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

/// One limit. The server's window ends at a moment that is known between two bounds only: answers give whole seconds
/// and take time.
#[derive(Debug)]
struct Bucket {
    limit: u32,
    period: Duration,
    left: u32,
    ends_early: Instant,
    ends_late: Instant,
    /// Requests that ended between the bounds: they count against this window and the next.
    straddling: u32,
    blocked_until: Instant,
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
    pub(crate) fn learn(&mut self, endpoint: &str, report: &Report, span: Span) {
        if self.buckets.len() >= NAMES_MAX && !self.buckets.contains_key(&report.name) {
            return self.end(endpoint, true, span.answered);
        }
        if let Some(known) = self.endpoints.get_mut(endpoint) {
            known.in_flight = known.in_flight.saturating_sub(1);
            known.answered = true;
            known.name = Some(report.name.clone());
        }
        let in_flight = self.in_flight(Some(&report.name));
        let bucket = self.buckets.entry(report.name.clone());
        bucket
            .or_insert_with(|| Bucket::new(report, in_flight, span))
            .learn(report, in_flight, span);
    }

    /// A request ended without a report, with an answer or without one.
    pub(crate) fn end(&mut self, endpoint: &str, answered: bool, now: Instant) {
        let Some(known) = self.endpoints.get_mut(endpoint) else {
            return;
        };
        known.in_flight = known.in_flight.saturating_sub(1);
        known.answered |= answered;
        let bucket = known
            .name
            .as_ref()
            .and_then(|name| self.buckets.get_mut(name));
        if let Some(bucket) = bucket.filter(|bucket| now >= bucket.ends_early) {
            bucket.straddling += 1;
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
    fn new(report: &Report, in_flight: u32, span: Span) -> Self {
        let (ends_early, ends_late) = bounds(report, span);
        Self {
            limit: report.limit.max(1),
            period: period(report),
            left: report.remaining.saturating_sub(in_flight),
            ends_early,
            ends_late,
            straddling: 0,
            blocked_until: span.answered,
            next_slot: span.answered,
        }
    }

    fn ask(&mut self, in_flight: u32, now: Instant) -> Turn {
        self.roll_over(in_flight, now);
        if now < self.blocked_until {
            return Turn::Wait(self.blocked_until - now);
        }
        if self.left == 0 {
            return Turn::Wait(self.ends_late - now);
        }
        if self.left <= self.limit / SLOW_BELOW {
            if now < self.next_slot {
                return Turn::Wait(self.next_slot - now);
            }
            self.next_slot = now + (self.ends_late - now) / (self.left + 1);
        }
        self.left -= 1;
        Turn::Go
    }

    /// Begins a new window once the old one has ended for certain. What may have been counted against the new one
    /// already is taken off.
    fn roll_over(&mut self, in_flight: u32, now: Instant) {
        let Some(late) = now.checked_duration_since(self.ends_late) else {
            return;
        };
        let skipped = late.as_millis() / self.period.as_millis().max(1);
        let windows = u32::try_from(skipped).unwrap_or(u32::MAX - 1) + 1;
        let straddling = if windows == 1 { self.straddling } else { 0 };
        self.left = self.limit.saturating_sub(in_flight + straddling);
        self.straddling = 0;
        self.ends_early += self.period * windows;
        self.ends_late += self.period * windows;
        self.next_slot = now;
    }

    fn learn(&mut self, report: &Report, in_flight: u32, span: Span) {
        let (early, late) = bounds(report, span);
        self.limit = report.limit.max(1);
        self.period = period(report);
        if report.refused {
            self.blocked_until = self.blocked_until.max(late);
        }
        if early > self.ends_late {
            // The server is in a later window already.
            let unseen = in_flight + self.straddling;
            self.left = report.remaining.saturating_sub(unseen);
            (self.ends_early, self.ends_late) = (early, late);
            self.straddling = 0;
            self.next_slot = span.answered;
        } else if late >= self.ends_early {
            self.straddling += u32::from(span.answered >= self.ends_early);
            self.left = self.left.min(report.remaining);
            // Neighbouring windows cannot be confused while both guesses together are narrower than a period.
            if (late - early) + (self.ends_late - self.ends_early) < self.period {
                self.ends_early = self.ends_early.max(early);
                self.ends_late = self.ends_late.min(late);
            }
        }
    }
}

/// Between which moments the window of a report ends.
fn bounds(report: &Report, span: Span) -> (Instant, Instant) {
    let reset_s = u64::from(report.reset_s.max(1));
    let early = span.sent + Duration::from_secs(reset_s - 1);
    let late = span.answered + Duration::from_secs(reset_s) + RESET_MARGIN;
    (early, late)
}

fn period(report: &Report) -> Duration {
    Duration::from_secs(u64::from(report.period_s.max(1)))
}

#[cfg(test)]
mod tests {
    use std::cmp::Reverse;
    use std::collections::BinaryHeap;

    use proptest::prelude::*;

    use super::*;

    fn report(remaining: u32, reset_s: u32) -> Report {
        Report {
            name: "n".into(),
            limit: 10,
            period_s: 10,
            remaining,
            reset_s,
            refused: false,
        }
    }

    fn at_once(now: Instant) -> Span {
        Span {
            sent: now,
            answered: now,
        }
    }

    #[test]
    fn slows_down_before_the_limit_is_reached() {
        let (now, mut limiter) = (Instant::now(), Limiter::default());
        assert_eq!(limiter.ask("e", now), Turn::Go);
        limiter.learn("e", &report(2, 9), at_once(now));
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
        limiter.end("e", true, now);
        assert_eq!(limiter.ask("e", now), Turn::Go);
        assert_eq!(limiter.ask("e", now), Turn::Go);
    }

    #[test]
    fn waits_for_the_reset_when_nothing_is_left() {
        let (now, mut limiter) = (Instant::now(), Limiter::default());
        assert_eq!(limiter.ask("e", now), Turn::Go);
        limiter.learn("e", &report(0, 7), at_once(now));
        assert!(
            matches!(limiter.ask("e", now), Turn::Wait(wait) if wait >= Duration::from_secs(7))
        );
        assert_eq!(limiter.ask("other", now), Turn::Go);
    }

    #[test]
    fn a_refusal_is_obeyed_whatever_else_is_known() {
        let (now, mut limiter) = (Instant::now(), Limiter::default());
        assert_eq!(limiter.ask("e", now), Turn::Go);
        limiter.learn("e", &report(9, 9), at_once(now));
        assert_eq!(limiter.ask("e", now), Turn::Go);
        let refusal = Report {
            refused: true,
            ..report(0, 1)
        };
        limiter.learn("e", &refusal, at_once(now));
        assert!(
            matches!(limiter.ask("e", now), Turn::Wait(wait) if wait >= Duration::from_secs(1))
        );
    }

    /// A server with one limit, and clients on a network with delays.
    #[derive(Debug, Clone)]
    struct World {
        limit: u32,
        period_s: u32,
        offset_ms: u64,
        workers: usize,
        /// Delays to the server and back, taken in turn.
        delays_ms: Vec<(u64, u64)>,
    }

    #[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
    enum Event {
        Ask,
        Arrive {
            sent_ms: u64,
            back_ms: u64,
        },
        Answer {
            sent_ms: u64,
            remaining: u32,
            reset_s: u32,
        },
    }

    /// How many requests each window of the server saw.
    fn simulate(world: &World, end_ms: u64) -> Vec<u32> {
        let (start, mut limiter) = (Instant::now(), Limiter::default());
        let at = |ms: u64| start + Duration::from_millis(ms);
        let period_ms = u64::from(world.period_s) * 1000;
        let mut seen = vec![0_u32; usize::try_from((end_ms + 60_000) / period_ms + 2).unwrap_or(0)];
        let mut delays = world.delays_ms.iter().cycle();
        let mut events: BinaryHeap<Reverse<(u64, Event)>> = BinaryHeap::new();
        events.extend((0..world.workers).map(|_| Reverse((0, Event::Ask))));
        while let Some(Reverse((now_ms, event))) = events.pop() {
            if now_ms > end_ms {
                break;
            }
            let next = match event {
                Event::Ask => match limiter.ask("e", at(now_ms)) {
                    Turn::Wait(wait) => (now_ms + wait.as_millis() as u64 + 1, Event::Ask),
                    Turn::Go => {
                        let (there_ms, back_ms) = *delays.next().expect("delays");
                        (
                            now_ms + there_ms,
                            Event::Arrive {
                                sent_ms: now_ms,
                                back_ms,
                            },
                        )
                    }
                },
                Event::Arrive { sent_ms, back_ms } => {
                    let clock_ms = now_ms + world.offset_ms;
                    let window = usize::try_from(clock_ms / period_ms).unwrap_or(0);
                    seen[window] += 1;
                    let remaining = world.limit.saturating_sub(seen[window]);
                    let reset_s = (period_ms - clock_ms % period_ms).div_ceil(1000) as u32;
                    (
                        now_ms + back_ms,
                        Event::Answer {
                            sent_ms,
                            remaining,
                            reset_s,
                        },
                    )
                }
                Event::Answer {
                    sent_ms,
                    remaining,
                    reset_s,
                } => {
                    let report = Report {
                        limit: world.limit,
                        period_s: world.period_s,
                        ..report(remaining, reset_s)
                    };
                    let span = Span {
                        sent: at(sent_ms),
                        answered: at(now_ms),
                    };
                    limiter.learn("e", &report, span);
                    (now_ms, Event::Ask)
                }
            };
            events.push(Reverse(next));
        }
        seen
    }

    proptest! {
        /// Whatever the limit, the delays and the moment of the start: no window of the server sees more requests than
        /// it allows.
        #[test]
        fn no_window_sees_more_than_its_limit(
            limit in 1_u32..40,
            period_s in 1_u32..15,
            offset_ms in 0_u64..15_000,
            workers in 1_usize..9,
            delays_ms in prop::collection::vec((0_u64..1500, 0_u64..1500), 1..20),
        ) {
            let world = World { limit, period_s, offset_ms, workers, delays_ms };
            let seen = simulate(&world, 60_000);
            prop_assert!(seen.iter().all(|count| *count <= limit), "{seen:?}");
            prop_assert!(seen.iter().sum::<u32>() > 0);
        }
    }

    #[test]
    fn most_of_a_limit_is_used() {
        let world = World {
            limit: 100,
            period_s: 10,
            offset_ms: 300,
            workers: 8,
            delays_ms: vec![(20, 30), (5, 40)],
        };
        let seen = simulate(&world, 100_000);
        assert!(seen[1..9].iter().sum::<u32>() >= 8 * 80, "{seen:?}");
    }
}

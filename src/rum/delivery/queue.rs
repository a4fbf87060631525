//! When a batch is sent: at once while the intake answers; after a failure one at a time, at growing distances.
//!
//! PURE: whoever holds the clock says what time it is. The rules are the browser SDK's.

use std::collections::VecDeque;
use std::time::Duration;

use crate::rum::batch::Payload;

/// Most bytes that wait or are under way; what comes then is dropped.
pub(super) const BYTES_MAX: usize = 8 << 20;

/// Most bytes and requests under way at a time.
const UNDER_WAY_BYTES_MAX: usize = 80 << 10;
const UNDER_WAY_MAX: usize = 32;

/// Distance of the attempts after a failure: twice as long each time.
const BACKOFF_MIN: Duration = Duration::from_secs(1);
const BACKOFF_MAX: Duration = Duration::from_secs(60);

/// A batch with its past.
#[derive(Debug, Clone)]
pub(super) struct Waiting {
    pub(super) payload: Payload,
    /// Attempts so far, and the status of the last one, 0 without an answer.
    pub(super) retry: Option<(u32, u16)>,
}

/// What an attempt came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It arrived.
    Accepted,
    /// It will not be taken, whenever it is sent.
    Refused(u16),
    /// Later, perhaps; the status is 0 without an answer.
    Later(u16),
}

impl Outcome {
    pub(super) fn of(status: u16) -> Self {
        match status {
            200..400 => Self::Accepted,
            408 | 429 | 500.. => Self::Later(status),
            _ => Self::Refused(status),
        }
    }
}

/// Batches that wait, and what is known of the intake.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: VecDeque<Waiting>,
    under_way: usize,
    under_way_bytes: usize,
    /// While the intake does not answer: when it is asked next, and the distance from there to the attempt after it.
    down: Option<(Duration, Duration)>,
}

impl Queue {
    pub(super) fn push(&mut self, payload: Payload) {
        let retry = None;
        self.waiting.push_back(Waiting { payload, retry });
    }

    /// What is to be sent now.
    pub(super) fn next(&mut self, now: Duration) -> Option<Waiting> {
        let bytes = self.waiting.front()?.payload.body.len();
        let may = match self.down {
            Some((at, _)) => now >= at && self.under_way == 0,
            None => {
                self.under_way == 0
                    || self.under_way < UNDER_WAY_MAX
                        && self.under_way_bytes + bytes <= UNDER_WAY_BYTES_MAX
            }
        };
        if !may {
            return None;
        }
        self.under_way += 1;
        self.under_way_bytes += bytes;
        self.waiting.pop_front()
    }

    /// An attempt came to its end. Gives the batch back when nothing more is done about it.
    pub(super) fn done(
        &mut self,
        mut batch: Waiting,
        outcome: Outcome,
        now: Duration,
    ) -> Option<Waiting> {
        self.under_way -= 1;
        self.under_way_bytes -= batch.payload.body.len();
        let Outcome::Later(status) = outcome else {
            self.down = None;
            return Some(batch);
        };
        batch.retry = Some((batch.retry.map_or(1, |(count, _)| count + 1), status));
        self.waiting.push_front(batch);
        self.down = Some(match self.down {
            None => (now + BACKOFF_MIN, BACKOFF_MIN * 2),
            // Those that were under way when it went down say nothing new.
            Some((at, next)) if now < at => (at, next),
            Some((_, next)) => (now + next, (next * 2).min(BACKOFF_MAX)),
        });
        None
    }

    /// When the intake is asked next, while it does not answer and nothing is under way.
    pub(super) fn wakes_at(&self) -> Option<Duration> {
        let (at, _) = self.down?;
        (self.under_way == 0 && !self.waiting.is_empty()).then_some(at)
    }

    pub(super) fn is_down(&self) -> bool {
        self.down.is_some()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.under_way == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn queue(batches: usize) -> Queue {
        let mut queue = Queue::default();
        for _ in 0..batches {
            queue.push(Payload {
                body: vec![b'x'; 10 << 10],
                events: 1,
                is_exit: false,
                user_agent: "",
            });
        }
        queue
    }

    fn taken(queue: &mut Queue, now: Duration) -> Vec<Waiting> {
        std::iter::from_fn(|| queue.next(now)).collect()
    }

    #[test]
    fn as_much_is_under_way_as_a_browser_would_send() {
        let mut queue = queue(20);
        assert_eq!(taken(&mut queue, SECOND).len(), 8);
    }

    #[test]
    fn an_intake_that_does_not_answer_is_asked_at_growing_distances() {
        let mut queue = queue(20);
        for batch in taken(&mut queue, SECOND) {
            assert!(queue.done(batch, Outcome::of(503), SECOND).is_none());
        }
        let mut now = SECOND;
        let mut distances = Vec::new();
        for _ in 0..8 {
            let at = queue.wakes_at().expect("an attempt");
            distances.push((at - now).as_secs());
            now = at;
            let mut probes = taken(&mut queue, now);
            assert_eq!(probes.len(), 1);
            let probe = probes.remove(0);
            queue.done(probe, Outcome::Later(0), now);
        }
        assert_eq!(distances, [1, 2, 4, 8, 16, 32, 60, 60]);
        now = queue.wakes_at().expect("an attempt");
        let probe = queue.next(now).expect("a probe");
        assert_eq!(probe.retry, Some((9, 0)));
        assert!(queue.done(probe, Outcome::Accepted, now).is_some());
        assert!(!queue.is_down());
        assert_eq!(taken(&mut queue, now).len(), 8);
    }

    #[test]
    fn what_is_refused_is_not_sent_again() {
        let mut queue = queue(1);
        let batch = queue.next(SECOND).expect("a batch");
        assert!(queue.done(batch, Outcome::of(413), SECOND).is_some());
        assert!(queue.is_empty());
    }
}

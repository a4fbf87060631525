//! An estimate of what SQS tells through CloudWatch alone: the age of the oldest message in a queue.
//!
//! Two things are known: how old the messages were that came out lately, and for how long a queue was seen
//! to hold messages without ever getting shorter. The longer of the two is reported. Pure but for its lock.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::queue::{Depth, QueueId};

/// How long the age of a received message says something of the queue.
const RECEIVED_LATELY: Duration = Duration::from_secs(10);

/// What is known of every queue.
#[derive(Default)]
pub(super) struct Ages(Mutex<BTreeMap<QueueId, Seen>>);

#[derive(Default)]
struct Seen {
    /// Age of the oldest message of the last receive, and when that was.
    received: Option<(Duration, Instant)>,
    /// Since when the queue never got shorter, and its length at the last look.
    waiting: Option<(Instant, u64)>,
}

impl Ages {
    /// Messages came out; the oldest had this age.
    pub(super) fn received(&self, queue: QueueId, age_ms: i64, now: Instant) {
        let age = Duration::from_millis(u64::try_from(age_ms).unwrap_or(0));
        let mut queues = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        queues.entry(queue).or_default().received = Some((age, now));
    }

    /// The queue was looked at; estimates the age of its oldest message.
    pub(super) fn looked(&self, queue: QueueId, depth: &Depth, now: Instant) -> Duration {
        let mut queues = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = queues.entry(queue).or_default();
        if depth.total() == 0 {
            *seen = Seen::default();
            return Duration::ZERO;
        }
        let since = match seen.waiting {
            Some((since, before)) if depth.visible > 0 && depth.visible >= before => since,
            _ => now,
        };
        seen.waiting = Some((since, depth.visible));
        let lately = |at: Instant| now.saturating_duration_since(at) < RECEIVED_LATELY;
        let received = seen.received.filter(|(_, at)| lately(*at));
        let received = received.map_or(Duration::ZERO, |(age, _)| age);
        received.max(now.saturating_duration_since(since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::Topic;

    const SECOND: Duration = Duration::from_secs(1);

    fn visible(visible: u64) -> Depth {
        Depth {
            visible,
            ..Depth::default()
        }
    }

    #[test]
    fn a_queue_that_nobody_reads_grows_old() {
        let (ages, queue, start) = (Ages::default(), Topic::Payments.queue(), Instant::now());
        assert_eq!(ages.looked(queue, &visible(1), start), Duration::ZERO);
        assert_eq!(
            ages.looked(queue, &visible(1), start + 5 * SECOND),
            5 * SECOND
        );
        assert_eq!(
            ages.looked(queue, &visible(9), start + 60 * SECOND),
            60 * SECOND
        );
        assert_eq!(
            ages.looked(queue, &visible(8), start + 61 * SECOND),
            Duration::ZERO
        );
        assert_eq!(
            ages.looked(queue, &visible(0), start + 62 * SECOND),
            Duration::ZERO
        );
        let other = Topic::Orders.queue();
        assert_eq!(
            ages.looked(other, &visible(1), start + 63 * SECOND),
            Duration::ZERO
        );
    }

    #[test]
    fn what_comes_out_tells_the_age_for_a_while() {
        let (ages, queue, start) = (Ages::default(), Topic::Payments.queue(), Instant::now());
        ages.received(queue, 30_000, start);
        assert_eq!(ages.looked(queue, &visible(5), start + SECOND), 30 * SECOND);
        assert_eq!(
            ages.looked(queue, &visible(4), start + 11 * SECOND),
            Duration::ZERO
        );
        ages.received(queue, 30_000, start + 12 * SECOND);
        assert_eq!(
            ages.looked(queue, &visible(0), start + 12 * SECOND),
            Duration::ZERO
        );
        assert_eq!(
            ages.looked(queue, &visible(3), start + 13 * SECOND),
            Duration::ZERO
        );
    }
}

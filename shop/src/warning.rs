//! Warnings that repeat, such as one at every attempt during an outage: the first is logged at once, further ones at growing
//! intervals with the number of those left out, and the recovery once.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Shortest time between two lines; doubled with each of them.
const INTERVAL_FIRST: Duration = Duration::from_secs(1);
/// Longest time between two lines.
const INTERVAL_MAX: Duration = Duration::from_secs(60);
/// A success counts as recovery when nothing has failed for so long; a mixture of both is still trouble.
const RECOVERED_AFTER: Duration = Duration::from_secs(1);
/// Trouble of which nobody has heard for so long is over, also where nobody says so.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(120);

/// Causes that are told apart in one place; those beyond share their lines.
const CAUSES_MAX: usize = 32;

/// One kind of trouble in one place.
pub(crate) struct RepeatedWarning {
    /// How long nothing may have failed before a success.
    recovered_after: Duration,
    failing: AtomicBool,
    trouble: Mutex<Option<Trouble>>,
}

struct Trouble {
    failures: u64,
    suppressed: u64,
    last_failure: Instant,
    next_line: Instant,
    interval: Duration,
}

impl Default for RepeatedWarning {
    fn default() -> Self {
        Self::new()
    }
}

impl RepeatedWarning {
    /// No trouble yet.
    pub(crate) const fn new() -> Self {
        RepeatedWarning {
            recovered_after: RECOVERED_AFTER,
            failing: AtomicBool::new(false),
            trouble: Mutex::new(None),
        }
    }

    /// No trouble yet with what is tried this often: a single success between two failures is no recovery.
    pub(crate) const fn of_rounds(every: Duration) -> Self {
        let mut warning = Self::new();
        warning.recovered_after = every.saturating_mul(3);
        warning
    }

    /// Calls `log` with the number of failures since the last line, if a line is due.
    pub(crate) fn failed(&self, log: impl FnOnce(u64)) {
        let due = self.count_failure(Instant::now());
        if let Some(suppressed) = due {
            log(suppressed);
        }
    }

    /// Calls `log` with the number of failures if this success ends them.
    pub(crate) fn recovered(&self, log: impl FnOnce(u64)) {
        if self.failing.load(Ordering::Relaxed)
            && let Some(failures) = self.end_of_failures(Instant::now())
        {
            log(failures);
        }
    }

    /// Whether it is over, although nobody said so.
    fn is_long_ago(&self, now: Instant) -> bool {
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        trouble
            .as_ref()
            .is_none_or(|known| now - known.last_failure >= FORGOTTEN_AFTER)
    }

    fn end_of_failures(&self, now: Instant) -> Option<u64> {
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let over = trouble.take_if(|known| now - known.last_failure >= self.recovered_after)?;
        self.failing.store(false, Ordering::Relaxed);
        Some(over.failures)
    }

    fn count_failure(&self, now: Instant) -> Option<u64> {
        self.failing.store(true, Ordering::Relaxed);
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        // Where nobody says that it is over, a long silence does.
        let known = trouble.take_if(|known| now - known.last_failure < FORGOTTEN_AFTER);
        let mut known = known.unwrap_or(Trouble {
            failures: 0,
            suppressed: 0,
            last_failure: now,
            next_line: now,
            interval: INTERVAL_FIRST,
        });
        known.failures += 1;
        known.last_failure = now;
        let due = now >= known.next_line;
        let suppressed = due.then(|| std::mem::take(&mut known.suppressed));
        if due {
            known.next_line = now + known.interval;
            known.interval = (known.interval * 2).min(INTERVAL_MAX);
        } else {
            known.suppressed += 1;
        }
        *trouble = Some(known);
        suppressed
    }
}

/// Trouble of many kinds in one place, such as errors that nobody expected: each cause is told like a [`RepeatedWarning`] of
/// its own, so that one which repeats does not hide another one.
pub(crate) struct RepeatedCauses {
    /// By the hash of their text: a text may be long.
    causes: Mutex<BTreeMap<u64, Arc<RepeatedWarning>>>,
    others: RepeatedWarning,
}

impl RepeatedCauses {
    /// No trouble yet.
    pub(crate) const fn new() -> Self {
        RepeatedCauses {
            causes: Mutex::new(BTreeMap::new()),
            others: RepeatedWarning::new(),
        }
    }

    /// Calls `log` with the number of failures of this cause since its last line, if a line is due.
    pub(crate) fn failed(&self, cause: &str, log: impl FnOnce(u64)) {
        match self.warning_of(cause) {
            Some(warning) => warning.failed(log),
            None => self.others.failed(log),
        }
    }

    fn warning_of(&self, cause: &str) -> Option<Arc<RepeatedWarning>> {
        let mut hasher = DefaultHasher::new();
        cause.hash(&mut hasher);
        let cause = hasher.finish();
        let mut causes = self.causes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = causes.get(&cause) {
            return Some(Arc::clone(known));
        }
        if causes.len() >= CAUSES_MAX {
            causes.retain(|_, warning| !warning.is_long_ago(Instant::now()));
        }
        if causes.len() >= CAUSES_MAX {
            return None;
        }
        Some(Arc::clone(causes.entry(cause).or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_told_in_few_lines_that_count_the_rest() {
        let warning = RepeatedWarning::new();
        let mut now = Instant::now();
        let mut lines = Vec::new();
        for _ in 0..1_000 {
            lines.extend(warning.count_failure(now));
            now += Duration::from_millis(100);
        }
        // At 0, 1, 3, 7, 15, 31 and 63 seconds.
        assert_eq!(lines, [0, 9, 19, 39, 79, 159, 319]);
        assert_eq!(warning.end_of_failures(now), None, "one was a moment ago");
        now += RECOVERED_AFTER;
        assert_eq!(warning.end_of_failures(now), Some(1_000));
        assert_eq!(warning.end_of_failures(now), None);
        let next_outage = warning.count_failure(now);
        assert_eq!(next_outage, Some(0), "it is told at once");
    }

    #[test]
    fn failures_between_successes_stay_few_lines() {
        let warning = RepeatedWarning::new();
        let mut now = Instant::now();
        let mut lines = 0;
        for _ in 0..600 {
            lines += usize::from(warning.count_failure(now).is_some());
            lines += usize::from(warning.end_of_failures(now).is_some());
            now += Duration::from_millis(10);
        }
        // At 0, 1 and 3 seconds.
        assert_eq!(lines, 3);
    }

    #[test]
    fn rounds_that_fail_by_turns_are_no_recoveries() {
        let every = Duration::from_secs(1);
        let warning = RepeatedWarning::of_rounds(every);
        let mut now = Instant::now();
        let mut lines = 0;
        for _ in 0..10 {
            lines += usize::from(warning.count_failure(now).is_some());
            now += every;
            assert_eq!(warning.end_of_failures(now), None);
            now += every;
        }
        // At 0, 2, 4, 8 and 16 seconds.
        assert_eq!(lines, 5);
        now += every * 3;
        assert_eq!(warning.end_of_failures(now), Some(10));
    }

    #[test]
    fn causes_do_not_hide_each_other_and_too_many_share_their_lines() {
        let causes = RepeatedCauses::new();
        let lines = |cause: &str| {
            let mut lines = 0;
            for _ in 0..100 {
                causes.failed(cause, |_| lines += 1);
            }
            lines
        };
        for number in 0..CAUSES_MAX {
            assert_eq!(lines(&format!("cause {number}")), 1);
        }
        assert_eq!(lines("one more"), 1);
        assert_eq!(lines("and another one"), 0);
        assert_eq!(causes.causes.lock().unwrap().len(), CAUSES_MAX);
    }
}

//! How long a session lasts, as the browser SDK has it.

use std::time::Duration;

/// A session in which nothing happened for so long is over.
const IDLE_MAX: Duration = Duration::from_secs(15 * 60);
/// And so is one that is so old.
const AGE_MAX: Duration = Duration::from_secs(4 * 60 * 60);

/// The age of one session. Times count from anywhere.
#[derive(Debug, Clone, Copy)]
pub struct SessionClock {
    began: Duration,
    active: Duration,
}

impl SessionClock {
    /// Of a session that begins.
    pub fn begin(now: Duration) -> Self {
        Self {
            began: now,
            active: now,
        }
    }

    /// The visitor does something. Whether the session is over, and another one begins with it.
    pub fn is_over_at(&mut self, now: Duration) -> bool {
        let idle = now.saturating_sub(self.active);
        let age = now.saturating_sub(self.began);
        self.active = self.active.max(now);
        let is_over = idle >= IDLE_MAX || age >= AGE_MAX;
        if is_over {
            *self = Self::begin(now);
        }
        is_over
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn a_session_ends_after_a_quarter_of_an_hour_without_activity() {
        let mut clock = SessionClock::begin(MINUTE);
        assert!(!clock.is_over_at(MINUTE * 15));
        assert!(!clock.is_over_at(MINUTE * 29));
        assert!(clock.is_over_at(MINUTE * 44));
        assert!(!clock.is_over_at(MINUTE * 45));
    }

    #[test]
    fn a_session_ends_after_four_hours() {
        let mut clock = SessionClock::begin(Duration::ZERO);
        let over = (1..600).filter(|minute| clock.is_over_at(MINUTE * *minute));
        assert_eq!(over.collect::<Vec<_>>(), [240, 480]);
    }
}

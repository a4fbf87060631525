//! How often a password may be wrong: bounds per account and client, and a softer one per account.
//!
//! Nobody can lock somebody else out: a client whose passwords are wrong is refused by itself, and when many clients
//! together try one account, those that have logged in to it before still may. What is refused costs no hash and tells
//! nothing, not even whether there is such an account. In memory, for each process by itself.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::client::ClientNetwork;

/// So many wrong passwords in a row, and one more whenever one is forgiven.
#[derive(Clone, Copy)]
struct Allowance {
    failures_max: u32,
    forgiven_every: Duration,
}

/// Of one client at one account.
const OF_CLIENT: Allowance = Allowance {
    failures_max: 10,
    forgiven_every: Duration::from_secs(30),
};
/// Of all clients at one account.
const OF_ACCOUNT: Allowance = Allowance {
    failures_max: 100,
    forgiven_every: Duration::from_secs(10),
};
/// How long a client counts as one of the account's own after it logged in.
const TRUSTED_FOR: Duration = Duration::from_secs(30 * 24 * 3_600);
/// Entries of each table; those that would be forgotten next make room.
const ENTRIES_MAX: usize = 50_000;

/// One account as one client tries it. Accounts are known by a keyed digest of their address.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Pair {
    account: u64,
    client: ClientNetwork,
}

/// Who tries to log in where.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The mail address, lower case.
    pub account: String,
    /// From where.
    pub client: ClientNetwork,
}

/// Remembers wrong passwords until they are forgiven.
#[derive(Default)]
pub(super) struct Failures {
    hasher: RandomState,
    tables: Mutex<Tables>,
}

#[derive(Default)]
struct Tables {
    of_clients: Expiring<Pair>,
    of_accounts: Expiring<u64>,
    trusted: Expiring<Pair>,
}

impl Failures {
    /// Whether the attempt may be made now; otherwise how long to wait.
    pub(super) fn check(&self, attempt: &Attempt, now: Instant) -> Result<(), Duration> {
        let pair = self.pair(attempt);
        let tables = self.tables();
        OF_CLIENT.check(tables.of_clients.left(&pair, now))?;
        if tables.trusted.left(&pair, now).is_zero() {
            OF_ACCOUNT.check(tables.of_accounts.left(&pair.account, now))?;
        }
        Ok(())
    }

    /// Takes note of how an attempt ended.
    pub(super) fn record(&self, attempt: &Attempt, genuine: bool, now: Instant) {
        let pair = self.pair(attempt);
        let mut tables = self.tables();
        if genuine {
            tables.of_clients.forget(&pair);
            tables.trusted.set(pair, TRUSTED_FOR, now);
        } else {
            let more = OF_CLIENT.forgiven_every;
            tables.of_clients.prolong(pair, more, now);
            let more = OF_ACCOUNT.forgiven_every;
            tables.of_accounts.prolong(pair.account, more, now);
        }
    }

    fn pair(&self, attempt: &Attempt) -> Pair {
        Pair {
            account: self.hasher.hash_one(&attempt.account),
            client: attempt.client,
        }
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Allowance {
    /// `left` is the time until all failures so far are forgiven.
    fn check(self, left: Duration) -> Result<(), Duration> {
        let limit = self.forgiven_every * (self.failures_max - 1);
        match left.checked_sub(limit) {
            Some(wait) if !wait.is_zero() => Err(wait),
            _ => Ok(()),
        }
    }
}

/// A bounded table of entries that end.
struct Expiring<K>(HashMap<K, Instant>);

impl<K> Default for Expiring<K> {
    fn default() -> Self {
        Expiring(HashMap::new())
    }
}

impl<K: Copy + Eq + Hash> Expiring<K> {
    /// How long the entry is still there.
    fn left(&self, key: &K, now: Instant) -> Duration {
        let end = self.0.get(key);
        end.map_or(Duration::ZERO, |end| end.saturating_duration_since(now))
    }

    fn prolong(&mut self, key: K, by: Duration, now: Instant) {
        let left = self.left(&key, now);
        self.set(key, left + by, now);
    }

    fn set(&mut self, key: K, lasts: Duration, now: Instant) {
        if self.0.len() >= ENTRIES_MAX && !self.0.contains_key(&key) {
            self.make_room(now);
        }
        self.0.insert(key, now + lasts);
    }

    fn forget(&mut self, key: &K) {
        self.0.remove(key);
    }

    fn make_room(&mut self, now: Instant) {
        self.0.retain(|_, end| *end > now);
        if self.0.len() >= ENTRIES_MAX
            && let Some(key) = self
                .0
                .iter()
                .min_by_key(|(_, end)| **end)
                .map(|(key, _)| *key)
        {
            self.0.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;

    fn attempt(account: &str, host: u32) -> Attempt {
        let address = IpAddr::V4(Ipv4Addr::from(0x0a00_0000 + host));
        Attempt {
            account: account.to_owned(),
            client: ClientNetwork::of(address),
        }
    }

    /// Tries wrong passwords until refused; returns how many were taken, and the wait.
    fn fail_until_refused(failures: &Failures, who: &Attempt, now: Instant) -> (u32, Duration) {
        for taken in 0..1_000 {
            if let Err(wait) = failures.check(who, now) {
                return (taken, wait);
            }
            failures.record(who, false, now);
        }
        panic!("never refused");
    }

    #[test]
    fn a_client_may_be_wrong_so_often_and_then_now_and_again() {
        let (failures, now) = (Failures::default(), Instant::now());
        let ann = attempt("ann@example.com", 1);
        let (taken, wait) = fail_until_refused(&failures, &ann, now);
        assert_eq!(
            (taken, wait),
            (OF_CLIENT.failures_max, OF_CLIENT.forgiven_every)
        );
        let later = now + wait;
        assert_eq!(fail_until_refused(&failures, &ann, later).0, 1);
        // Neither the same account from elsewhere nor another account from here suffers.
        assert!(failures.check(&attempt("ann@example.com", 2), now).is_ok());
        assert!(failures.check(&attempt("bob@example.com", 1), now).is_ok());
        // A right password, once it may be tried, wipes the slate clean.
        let later = later + OF_CLIENT.forgiven_every;
        failures.record(&ann, true, later);
        assert_eq!(
            fail_until_refused(&failures, &ann, later).0,
            OF_CLIENT.failures_max
        );
    }

    #[test]
    fn many_clients_together_lock_out_strangers_but_not_the_owner() {
        let (failures, now) = (Failures::default(), Instant::now());
        let owner = attempt("ann@example.com", 0);
        failures.record(&owner, true, now);
        let mut taken = 0;
        for host in 1..=50 {
            taken += fail_until_refused(&failures, &attempt("ann@example.com", host), now).0;
        }
        assert_eq!(taken, OF_ACCOUNT.failures_max);
        assert!(failures.check(&owner, now).is_ok());
        assert!(failures.check(&attempt("bob@example.com", 1), now).is_ok());
        let all_forgiven = now + OF_ACCOUNT.forgiven_every * OF_ACCOUNT.failures_max;
        let stranger = attempt("ann@example.com", 99);
        assert!(failures.check(&stranger, all_forgiven).is_ok());
    }

    #[test]
    fn the_tables_are_bounded_and_the_worst_are_remembered() {
        let (failures, now) = (Failures::default(), Instant::now());
        let worst = attempt("ann@example.com", 0);
        fail_until_refused(&failures, &worst, now);
        for host in 1..=u32::try_from(ENTRIES_MAX).unwrap() + 10 {
            failures.record(&attempt(&format!("{host}@example.com"), host), false, now);
        }
        assert_eq!(failures.tables().of_clients.0.len(), ENTRIES_MAX);
        assert_eq!(failures.tables().of_accounts.0.len(), ENTRIES_MAX);
        assert!(failures.check(&worst, now).is_err());
    }
}

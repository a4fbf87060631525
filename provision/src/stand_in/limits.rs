//! Rate limits as the API has them: by name, in windows aligned to the clock. Must not know HTTP beyond methods and
//! paths, nor the clock: callers pass the second.

use std::collections::BTreeMap;

use http::Method;
use serde::{Deserialize, Serialize};

/// How many requests a name allows in a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// Requests.
    pub requests: u32,
    /// Seconds.
    pub period_s: u32,
}

/// What happens unless told otherwise. The API does not publish its figures and gives them per org; these are of
/// the size that orgs see, on the strict side.
const DEFAULTS: &[(&str, Limit)] = &[
    (
        "monitor_list",
        Limit {
            requests: 60,
            period_s: 10,
        },
    ),
    (
        "monitor_read",
        Limit {
            requests: 300,
            period_s: 10,
        },
    ),
    (
        "monitor_write",
        Limit {
            requests: 100,
            period_s: 10,
        },
    ),
    (
        "slo_read",
        Limit {
            requests: 300,
            period_s: 60,
        },
    ),
    (
        "slo_write",
        Limit {
            requests: 120,
            period_s: 60,
        },
    ),
    (
        "dashboard_list",
        Limit {
            requests: 60,
            period_s: 60,
        },
    ),
    (
        "dashboard_read",
        Limit {
            requests: 600,
            period_s: 60,
        },
    ),
    (
        "dashboard_write",
        Limit {
            requests: 120,
            period_s: 60,
        },
    ),
    (
        "downtime",
        Limit {
            requests: 60,
            period_s: 10,
        },
    ),
];

impl Limit {
    /// The names of all limits.
    pub fn names() -> impl Iterator<Item = &'static str> {
        DEFAULTS.iter().map(|(name, _)| *name)
    }
}

/// The limits with what is used of them.
#[derive(Debug)]
pub(super) struct Limits {
    limits: BTreeMap<String, Limit>,
    used: BTreeMap<String, (u64, u32)>,
}

/// What one request got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Share {
    pub(super) name: String,
    pub(super) limit: Limit,
    pub(super) remaining: u32,
    pub(super) reset_s: u64,
    pub(super) allowed: bool,
}

impl Limits {
    pub(super) fn new() -> Self {
        let limits = DEFAULTS
            .iter()
            .map(|(name, limit)| ((*name).to_owned(), *limit))
            .collect();
        Self {
            limits,
            used: BTreeMap::new(),
        }
    }

    /// Replaces limits by name.
    pub(super) fn set(&mut self, limits: &BTreeMap<String, Limit>) {
        self.limits
            .extend(limits.iter().map(|(name, limit)| (name.clone(), *limit)));
    }

    /// Counts a request at a second of the clock; `None` for paths without a limit.
    pub(super) fn take(&mut self, method: &Method, path: &str, now_s: u64) -> Option<Share> {
        let name = name_of(method, path)?;
        let limit = *self.limits.get(name)?;
        let period = u64::from(limit.period_s.max(1));
        let window = now_s / period;
        let used = self.used.entry(name.to_owned()).or_insert((window, 0));
        if used.0 != window {
            *used = (window, 0);
        }
        let allowed = used.1 < limit.requests;
        used.1 += u32::from(allowed);
        Some(Share {
            name: name.to_owned(),
            limit,
            remaining: limit.requests - used.1,
            reset_s: period - now_s % period,
            allowed,
        })
    }

    /// What a request that is refused without cause is told: nothing left, for this long.
    pub(super) fn exhausted(&self, method: &Method, path: &str, reset_s: u64) -> Option<Share> {
        let name = name_of(method, path)?;
        let limit = *self.limits.get(name)?;
        let name = name.to_owned();
        Some(Share {
            name,
            limit,
            remaining: 0,
            reset_s,
            allowed: false,
        })
    }
}

fn name_of(method: &Method, path: &str) -> Option<&'static str> {
    let rest = path.strip_prefix("/api/")?;
    let (_, rest) = rest.split_once('/')?;
    let (kind, rest) = rest.split_once('/').unwrap_or((rest, ""));
    let reads = method == Method::GET;
    Some(match (kind, reads, rest.is_empty()) {
        ("monitor", true, true) => "monitor_list",
        ("monitor", true, false) => "monitor_read",
        ("monitor", false, _) => "monitor_write",
        ("slo", true, _) => "slo_read",
        ("slo", false, _) => "slo_write",
        ("dashboard", true, true) => "dashboard_list",
        ("dashboard", true, false) => "dashboard_read",
        ("dashboard", false, _) => "dashboard_write",
        ("downtime", ..) => "downtime",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_gives_its_limit_and_not_one_more() {
        let mut limits = Limits::new();
        let tight = Limit {
            requests: 3,
            period_s: 10,
        };
        limits.set(&BTreeMap::from([("slo_read".to_owned(), tight)]));
        let mut take = |now| {
            limits
                .take(&Method::GET, "/api/v1/slo", now)
                .map(|share| share.allowed)
        };
        let first: Vec<_> = (0..5).map(|_| take(11)).collect();
        assert_eq!(
            first,
            [Some(true), Some(true), Some(true), Some(false), Some(false)]
        );
        assert_eq!(take(19), Some(false));
        assert_eq!(take(20), Some(true));
    }
}

//! How many signals each exporter dropped, and why. Must not know queues.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::catalogue::metric;
use crate::metrics::Registry;

/// The counts of all exporters of a process. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Drops(Arc<Mutex<Counts>>);

#[derive(Debug, Default)]
struct Counts {
    /// By exporter and reason: all, and those that the registry does not show yet.
    all: BTreeMap<(&'static str, &'static str), (u64, u64)>,
    shown_in: Option<Registry>,
}

impl Drops {
    pub(crate) fn add(&self, exporter: &'static str, reason: &'static str, dropped: u64) {
        if dropped == 0 {
            return;
        }
        let mut counts = self.lock();
        let (all, unshown) = counts.all.entry((exporter, reason)).or_default();
        *all += dropped;
        *unshown += dropped;
        drop(counts);
        self.show();
    }

    /// Shows these and all later drops as `telemetry.exports.dropped` of a service. The first registry stays: the drops are
    /// the process's, and shown once.
    pub(crate) fn show_in(&self, registry: &Registry) {
        self.lock().shown_in.get_or_insert_with(|| registry.clone());
        self.show();
    }

    pub(crate) fn of(&self, exporter: &'static str) -> u64 {
        let counts = self.lock();
        let own = counts.all.iter().filter(|((name, _), _)| *name == exporter);
        own.map(|(_, (all, _))| all).sum()
    }

    fn show(&self) {
        for (registry, exporter, reason, dropped) in self.take_unshown() {
            let tags = [("exporter", exporter), ("reason", reason)];
            registry
                .counter(metric::EXPORTS_DROPPED, &tags)
                .inc_by(dropped);
        }
    }

    fn take_unshown(&self) -> Vec<(Registry, &'static str, &'static str, u64)> {
        let mut counts = self.lock();
        let Some(registry) = counts.shown_in.clone() else {
            return Vec::new();
        };
        let unshown = counts.all.iter_mut().filter(|(_, (_, new))| *new > 0);
        unshown
            .map(|((exporter, reason), (_, new))| {
                (registry.clone(), *exporter, *reason, std::mem::take(new))
            })
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

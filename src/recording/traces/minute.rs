//! The places for traces of one minute. PURE.

use std::collections::{BTreeMap, HashSet};

use super::Root;
use crate::recording::signal::TraceId;
use crate::rng::ShopperRng;

/// Failed traces of one root's name that are kept a minute, drawn fairly.
pub(super) const FAILED_MAX: usize = 5;
/// Slowest traces of one root's name that are kept a minute.
pub(super) const SLOW_MAX: usize = 3;
/// Traces that are drawn from all of a minute.
pub(super) const DRAWN_MAX: usize = 20;
/// Names of roots that have places of their own; all further ones share.
pub(super) const ROOTS_MAX: usize = 50;

/// Why a trace is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// One of its spans failed.
    Failed,
    /// It is among the slowest of its root's name.
    Slow,
    /// It was drawn.
    Draw,
}

impl Why {
    /// As it stands in the recording.
    pub fn text(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Slow => "slow",
            Self::Draw => "draw",
        }
    }
}

/// Service and name of a root; empty for those that share.
type RootName = (String, String);

#[derive(Debug, Default)]
pub(super) struct Minute {
    failed: BTreeMap<RootName, Reservoir>,
    /// By rising duration.
    slow: BTreeMap<RootName, Vec<(i64, TraceId)>>,
    drawn: Reservoir,
}

/// A fair draw from what was offered.
#[derive(Debug, Default)]
struct Reservoir {
    offered: u64,
    ids: Vec<TraceId>,
}

/// How many places a trace got, and who lost one by that.
#[derive(Debug, Default)]
pub(super) struct Offered {
    pub(super) taken: u8,
    pub(super) lost: Vec<TraceId>,
}

impl Minute {
    /// Offers a trace for every kind of place that it may have; the rest of one that was judged before only for a failure.
    pub(super) fn offer(
        &mut self,
        id: TraceId,
        root: &Root,
        failed: bool,
        is_rest: bool,
        rng: &mut ShopperRng,
    ) -> Offered {
        let mut offered = Offered::default();
        if failed {
            let places = place(&mut self.failed, root);
            offered.count(places.offer(id, FAILED_MAX, rng));
        }
        if !is_rest {
            offered.count(slower(place(&mut self.slow, root), root.duration_us, id));
            offered.count(self.drawn.offer(id, DRAWN_MAX, rng));
        }
        offered
    }

    /// Who has a place and why; each once, by the first reason.
    pub(super) fn places(self) -> Vec<(TraceId, Why)> {
        let failed = self.failed.into_values().flat_map(|places| places.ids);
        let slow = self.slow.into_values().flatten().map(|(_, id)| id);
        let mut seen = HashSet::new();
        failed
            .map(|id| (id, Why::Failed))
            .chain(slow.map(|id| (id, Why::Slow)))
            .chain(self.drawn.ids.into_iter().map(|id| (id, Why::Draw)))
            .filter(|(id, _)| seen.insert(*id))
            .collect()
    }
}

fn place<'m, P: Default>(places: &'m mut BTreeMap<RootName, P>, root: &Root) -> &'m mut P {
    let mut name = (root.service.clone(), root.name.clone());
    if places.len() >= ROOTS_MAX && !places.contains_key(&name) {
        name = RootName::default();
    }
    places.entry(name).or_default()
}

/// Whether a place was got, and who lost it.
type Outcome = (bool, Option<TraceId>);

fn slower(places: &mut Vec<(i64, TraceId)>, duration_us: i64, id: TraceId) -> Outcome {
    if places.len() >= SLOW_MAX && places[0].0 >= duration_us {
        return (false, None);
    }
    let at = places.partition_point(|(known, _)| *known <= duration_us);
    places.insert(at, (duration_us, id));
    let lost = (places.len() > SLOW_MAX).then(|| places.remove(0).1);
    (true, lost)
}

impl Reservoir {
    fn offer(&mut self, id: TraceId, max: usize, rng: &mut ShopperRng) -> Outcome {
        self.offered += 1;
        if self.ids.len() < max {
            self.ids.push(id);
            return (true, None);
        }
        match self.ids.get_mut(rng.below(self.offered) as usize) {
            Some(place) => (true, Some(std::mem::replace(place, id))),
            None => (false, None),
        }
    }
}

impl Offered {
    fn count(&mut self, (taken, lost): Outcome) {
        self.taken += u8::from(taken);
        self.lost.extend(lost);
    }
}

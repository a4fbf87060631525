//! Which traces are kept: the failed, the slowest and a fair draw of each minute. PURE: time is what it is told.
//!
//! Spans gather by trace until nothing has come for a while. Then the trace is judged: a place among the failed or the slowest of its
//! root's name, or in a seeded draw of all, holds it until the minute is over and it is written; without a place it is
//! forgotten. What comes later for a trace that has a place, or is written, joins it.

use std::collections::{HashMap, HashSet, VecDeque};

use super::drops::{Drops, Reason};
use super::signal::{Span, SpanId, TraceId};
use crate::rng::ShopperRng;

mod minute;

use minute::Minute;
pub use minute::Why;

/// Spans of one trace; further ones are left out.
pub const SPANS_MAX: usize = 2_000;
/// Traces that gather spans at once.
pub const OPEN_MAX: usize = 50_000;
/// Memory of the spans that are gathered, bytes; beyond it the quietest traces are judged early.
pub const OPEN_BYTES_MAX: usize = 48 * 1024 * 1024;
/// Memory of the traces that have a place until their minute is over, bytes.
pub const HELD_BYTES_MAX: usize = 48 * 1024 * 1024;
/// How long a trace is quiet before it is judged, seconds.
pub const QUIET_S: i64 = 5;
/// The same while a span waits for its parent in the same process: the slowest traces are those whose roots come late.
pub const WAIT_S: i64 = 60;
/// Forgotten traces whose late spans are known as such.
const FORGOTTEN_MAX: usize = 100_000;
/// Written traces whose late spans still join them.
const WRITTEN_MAX: usize = 100_000;

/// A trace that is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    /// Why.
    pub why: Why,
    /// What began it.
    pub root: Root,
    /// Its spans.
    pub spans: Vec<Span>,
}

/// What began a trace.
#[derive(Debug, Clone, PartialEq)]
pub struct Root {
    /// The service of its first span.
    pub service: String,
    /// The name of its first span.
    pub name: String,
    /// When it began, UNIX microseconds.
    pub start_us: i64,
    /// How long its first span took, microseconds: not what queues do afterwards.
    pub duration_us: i64,
}

/// What there is to write.
#[derive(Debug, Default, PartialEq)]
pub struct Judged {
    /// Traces that are kept.
    pub kept: Vec<Kept>,
    /// Spans that came after their trace was written.
    pub late: Vec<Span>,
}

/// How many traces there were.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TraceCounts {
    /// Traces that were judged.
    pub seen: u64,
    /// Those that were written.
    pub kept: u64,
}

#[derive(Debug, Default)]
struct Gathered {
    spans: Vec<Span>,
    weight: usize,
    last_s: i64,
}

/// Gathers spans and judges traces.
#[derive(Debug)]
pub struct TraceKeeper {
    open: HashMap<TraceId, Gathered>,
    open_weight: usize,
    /// Traces with a place, and in how many.
    held: HashMap<TraceId, (Gathered, u8)>,
    held_weight: usize,
    minute: Minute,
    /// When the minute is over; nothing has been judged yet without it.
    ends_s: Option<i64>,
    forgotten: Remembered,
    written: Remembered,
    late: Vec<Span>,
    rng: ShopperRng,
    drops: Drops,
    counts: TraceCounts,
}

impl TraceKeeper {
    /// None yet. The draw comes from `seed`; what cannot be kept of a trace is counted in `drops`.
    pub fn new(seed: u64, drops: Drops) -> Self {
        Self {
            open: HashMap::new(),
            open_weight: 0,
            held: HashMap::new(),
            held_weight: 0,
            minute: Minute::default(),
            ends_s: None,
            forgotten: Remembered::new(FORGOTTEN_MAX),
            written: Remembered::new(WRITTEN_MAX),
            late: Vec::new(),
            rng: ShopperRng::new(seed, "telemetry.draw", 0),
            drops,
            counts: TraceCounts::default(),
        }
    }

    /// How many traces there were so far.
    pub fn counts(&self) -> TraceCounts {
        self.counts
    }

    /// Takes a span in; `now_s` is the time at which it arrived, UNIX seconds.
    pub fn take(&mut self, span: Span, now_s: i64) {
        if self.written.has(&span.trace) {
            match self.late.len() < SPANS_MAX {
                true => self.late.push(span),
                false => self.drops.add(Reason::Span, 1),
            }
            return;
        }
        let weight = span.weight();
        let (gathered, total) = match self.held.get_mut(&span.trace) {
            Some((gathered, _)) => (gathered, &mut self.held_weight),
            None => (
                self.open.entry(span.trace).or_default(),
                &mut self.open_weight,
            ),
        };
        gathered.last_s = now_s;
        if gathered.spans.len() >= SPANS_MAX {
            self.drops.add(Reason::Span, 1);
            return;
        }
        gathered.weight += weight;
        *total += weight;
        gathered.spans.push(span);
        if self.open_weight > OPEN_BYTES_MAX || self.open.len() > OPEN_MAX {
            self.judge_early();
        }
    }

    /// Judges what is quiet, and gives what is to be written at `now_s`.
    pub fn tick(&mut self, now_s: i64) -> Judged {
        let quiet = self.open.iter().filter(|(_, gathered)| {
            let quiet_s = now_s - gathered.last_s;
            quiet_s >= QUIET_S && (quiet_s >= WAIT_S || is_complete(&gathered.spans))
        });
        let quiet: Vec<TraceId> = quiet.map(|(id, _)| *id).collect();
        self.judge(quiet);
        let ends_s = *self.ends_s.get_or_insert(now_s + 60);
        let mut judged = Judged {
            kept: Vec::new(),
            late: std::mem::take(&mut self.late),
        };
        if now_s >= ends_s {
            self.ends_s = Some(now_s + 60);
            judged.kept = self.end_minute();
        }
        judged
    }

    /// Judges everything; for the end of a recording.
    pub fn finish(&mut self) -> Judged {
        let all: Vec<TraceId> = self.open.keys().copied().collect();
        self.judge(all);
        Judged {
            kept: self.end_minute(),
            late: std::mem::take(&mut self.late),
        }
    }

    /// The quietest quarter goes, so that the others can gather more.
    fn judge_early(&mut self) {
        let mut by_age: Vec<(i64, TraceId)> = self
            .open
            .iter()
            .map(|(id, gathered)| (gathered.last_s, *id))
            .collect();
        by_age.sort_unstable();
        by_age.truncate(by_age.len().div_ceil(4));
        self.judge(by_age.into_iter().map(|(_, id)| id).collect());
    }

    /// In the order of their ids, so that the draw does not depend on a map's order.
    fn judge(&mut self, mut ids: Vec<TraceId>) {
        ids.sort_unstable();
        for id in ids {
            if let Some(gathered) = self.open.remove(&id) {
                self.open_weight -= gathered.weight;
                self.judge_one(id, gathered);
            }
        }
    }

    fn judge_one(&mut self, id: TraceId, gathered: Gathered) {
        let Some(root) = root(&gathered.spans) else {
            return;
        };
        // The rest of a trace that had its chance, or of one whose beginning was lost, is kept only for a failure.
        let is_rest = self.forgotten.has(&id) || !has_beginning(&gathered.spans);
        if !is_rest {
            self.counts.seen += 1;
        }
        let failed = gathered.spans.iter().any(|span| span.failed);
        let places = match self.held_weight + gathered.weight <= HELD_BYTES_MAX {
            true => self.minute.offer(id, &root, failed, is_rest, &mut self.rng),
            false => minute::Offered::default(),
        };
        if places.taken > 0 {
            self.held_weight += gathered.weight;
            self.held.insert(id, (gathered, places.taken));
        } else {
            self.forgotten.add(id);
        }
        for lost in places.lost {
            self.release(lost);
        }
    }

    /// One place less.
    fn release(&mut self, id: TraceId) {
        let Some((gathered, places)) = self.held.get_mut(&id) else {
            return;
        };
        *places = places.saturating_sub(1);
        if *places == 0 {
            self.held_weight -= gathered.weight;
            self.held.remove(&id);
            self.forgotten.add(id);
        }
    }

    fn end_minute(&mut self) -> Vec<Kept> {
        let mut kept = Vec::new();
        for (id, why) in std::mem::take(&mut self.minute).places() {
            let Some((gathered, _)) = self.held.remove(&id) else {
                continue;
            };
            self.written.add(id);
            if let Some(root) = root(&gathered.spans) {
                kept.push(Kept {
                    why,
                    root,
                    spans: gathered.spans,
                });
            }
        }
        self.held_weight = 0;
        self.counts.kept += kept.len() as u64;
        kept
    }
}

/// Whether every span has its parent here, as far as the parent can be expected: a server's or consumer's may be elsewhere.
fn is_complete(spans: &[Span]) -> bool {
    let ids: HashSet<SpanId> = spans.iter().map(|span| span.id).collect();
    spans.iter().all(|span| {
        matches!(span.kind, "server" | "consumer")
            || span.parent.is_none_or(|parent| ids.contains(&parent))
    })
}

/// Whether a span of these began the trace, as far as can be told: a server's parent may be elsewhere, such as in a browser.
fn has_beginning(spans: &[Span]) -> bool {
    let ids: HashSet<SpanId> = spans.iter().map(|span| span.id).collect();
    spans.iter().any(|span| match span.parent {
        None => true,
        Some(parent) => span.kind == "server" && !ids.contains(&parent),
    })
}

/// The first span that has no parent here; one that has none at all goes before those whose parent is elsewhere.
pub(super) fn root(spans: &[Span]) -> Option<Root> {
    let ids: HashSet<SpanId> = spans.iter().map(|span| span.id).collect();
    let is_first = |span: &&Span| span.parent.is_none_or(|parent| !ids.contains(&parent));
    let first = spans.iter().filter(is_first);
    let first = first
        .min_by_key(|span| (span.parent.is_some(), span.start_us, span.id))
        .or(spans.first())?;
    Some(Root {
        service: first.service.clone(),
        name: first.name.clone(),
        start_us: first.start_us,
        duration_us: first.duration_us,
    })
}

/// The last so many ids that were added.
#[derive(Debug)]
struct Remembered {
    ids: HashSet<TraceId>,
    order: VecDeque<TraceId>,
    max: usize,
}

impl Remembered {
    fn new(max: usize) -> Self {
        Self {
            ids: HashSet::new(),
            order: VecDeque::new(),
            max,
        }
    }

    fn has(&self, id: &TraceId) -> bool {
        self.ids.contains(id)
    }

    fn add(&mut self, id: TraceId) {
        if !self.ids.insert(id) {
            return;
        }
        self.order.push_back(id);
        if self.order.len() > self.max
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests;

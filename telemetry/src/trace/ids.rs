//! Trace and span ids, and the seeded source that makes them.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Sampler;

/// A 128-bit trace id; the upper half may be zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TraceId(pub u128);

impl TraceId {
    /// The id by which Datadog knows the trace.
    pub const fn low(self) -> u64 {
        self.0 as u64
    }

    /// The upper half, zero for traces that began in a browser.
    pub const fn high(self) -> u64 {
        (self.0 >> 64) as u64
    }

    /// Whether the low half, which every format carries, is not zero.
    pub const fn is_valid(self) -> bool {
        self.low() != 0
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// A 64-bit span id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SpanId(pub u64);

impl SpanId {
    /// No span.
    pub const NONE: Self = Self(0);

    /// Whether this names a span.
    pub const fn is_valid(self) -> bool {
        self.0 != 0
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Makes ids from a seed without locks: a SplitMix64 sequence, so no id repeats within one source.
///
/// The edge of the program draws the seed once; two processes with different seeds make different ids.
#[derive(Debug)]
pub struct IdSource {
    state: AtomicU64,
    sampler: Sampler,
}

impl IdSource {
    const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

    /// A source that always makes the same ids in the same order for the same seed.
    pub fn seeded(seed: u64) -> Self {
        Self {
            state: AtomicU64::new(mix(seed)),
            sampler: Sampler::default(),
        }
    }

    /// The same ids, whose traces are kept as `sampler` says.
    #[must_use]
    pub fn with_sampler(self, sampler: Sampler) -> Self {
        Self { sampler, ..self }
    }

    pub(super) fn sampler(&self) -> Sampler {
        self.sampler
    }

    /// A new trace id with all 128 bits in use.
    pub fn trace_id(&self) -> TraceId {
        TraceId(u128::from(self.next()) << 64 | u128::from(self.next()))
    }

    /// A new span id.
    pub fn span_id(&self) -> SpanId {
        SpanId(self.next())
    }

    fn next(&self) -> u64 {
        loop {
            let state = self.state.fetch_add(Self::STEP, Ordering::Relaxed);
            let id = mix(state);
            if id != 0 {
                return id;
            }
        }
    }
}

/// SplitMix64's finaliser, a bijection.
const fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_never_repeat_and_are_never_zero() {
        let ids = IdSource::seeded(0);
        let drawn: HashSet<u64> = (0..10_000).map(|_| ids.span_id().0).collect();
        assert_eq!(drawn.len(), 10_000);
        assert!(!drawn.contains(&0));
    }

    #[test]
    fn a_seed_fixes_the_sequence() {
        let (left, right, other) = (
            IdSource::seeded(7),
            IdSource::seeded(7),
            IdSource::seeded(8),
        );
        let id = left.trace_id();
        assert_eq!(id, right.trace_id());
        assert_ne!(id, other.trace_id());
    }

    #[test]
    fn ids_print_with_leading_zeros() {
        let id = TraceId(0x2a);
        assert_eq!(id.to_string(), "0000000000000000000000000000002a");
        assert_eq!(SpanId(0x2a).to_string(), "000000000000002a");
        assert_eq!((id.high(), id.low()), (0, 42));
    }
}

//! Which traces are kept, as OpenTelemetry's samplers of the same names decide.

use super::TraceId;

/// Decides whether a trace is kept. By default the caller decides, and what begins here is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sampler {
    /// Traces are kept whose number is below it; see [`keeps`](Self::keeps).
    threshold: u64,
    honours_caller: bool,
}

impl Default for Sampler {
    fn default() -> Self {
        Self::parent_or_ratio(1.0)
    }
}

impl Sampler {
    /// Keeps this share of all traces, 0 to 1, whatever a caller has decided.
    pub fn ratio(share: f64) -> Self {
        Self {
            threshold: (share.clamp(0.0, 1.0) * (1_u64 << 63) as f64) as u64,
            honours_caller: false,
        }
    }

    /// Honours the caller's decision, and keeps this share, 0 to 1, of the traces that begin here.
    pub fn parent_or_ratio(share: f64) -> Self {
        Self {
            honours_caller: true,
            ..Self::ratio(share)
        }
    }

    /// Whether a trace that begins here is kept: by its id, so that all who use the same share decide alike.
    pub(super) fn keeps(self, trace: TraceId) -> bool {
        trace.low() >> 1 < self.threshold
    }

    /// Whether a trace is kept that another service or span has begun.
    pub(super) fn keeps_on(self, trace: TraceId, sampled: bool) -> bool {
        match self.honours_caller {
            true => sampled,
            false => self.keeps(trace),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{IdSource, SpanId, TraceContext};

    #[test]
    fn a_ratio_keeps_its_share_and_the_ends_are_exact() {
        let ids = IdSource::seeded(3);
        let drawn: Vec<TraceId> = (0..10_000).map(|_| ids.trace_id()).collect();
        let kept = |share| {
            let sampler = Sampler::ratio(share);
            drawn.iter().filter(|id| sampler.keeps(**id)).count()
        };
        assert_eq!((kept(0.0), kept(1.0)), (0, 10_000));
        assert!((2_300..2_700).contains(&kept(0.25)), "{}", kept(0.25));
        assert!(Sampler::ratio(1.0).keeps(TraceId(u128::MAX)));
    }

    #[test]
    fn a_callers_decision_counts_unless_it_is_overruled() {
        let begun = |sampler, sampled| {
            let ids = IdSource::seeded(5).with_sampler(sampler);
            let root = TraceContext::root(&ids);
            let caller = TraceContext {
                sampled,
                span_id: SpanId(1),
                ..root.clone()
            };
            (root.sampled, caller.child(&ids).sampled)
        };
        assert_eq!(begun(Sampler::default(), false), (true, false));
        assert_eq!(begun(Sampler::parent_or_ratio(0.0), true), (false, true));
        assert_eq!(begun(Sampler::ratio(0.0), true), (false, false));
        assert_eq!(begun(Sampler::ratio(1.0), false), (true, true));
    }
}

//! The browser SDK's deterministic sampling: the same session is kept or dropped everywhere.

use uuid::Uuid;

/// Knuth's factor, as the SDK and the back ends use it.
const FACTOR: u64 = 1_111_111_111_111_111_111;
/// 2^64, exact in a double.
const TWO_POW_64: f64 = 18_446_744_073_709_551_616.0;

/// A rate in per cent, from 0 to 100.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct SampleRate(f64);

/// A rate outside 0 to 100.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("sample rate {0} is not a percentage; write a number from 0 to 100")]
pub struct InvalidRate(pub f64);

impl SampleRate {
    /// Everything is kept.
    pub const ALL: Self = Self(100.0);
    /// Nothing is kept.
    pub const NONE: Self = Self(0.0);

    /// A rate of `percent` per cent.
    pub fn percent(percent: f64) -> Result<Self, InvalidRate> {
        if (0.0..=100.0).contains(&percent) {
            Ok(Self(percent))
        } else {
            Err(InvalidRate(percent))
        }
    }

    /// The rate in per cent.
    pub fn as_percent(self) -> f64 {
        self.0
    }

    /// The rate of what both rates keep: their product.
    pub fn and(self, other: Self) -> Self {
        Self(self.0 * other.0 / 100.0)
    }
}

/// Whether the session with this id is kept: the last group of the UUID, a 48-bit number, times Knuth's factor
/// modulo 2^64, is at most the rate's share of 2^64. Rates 100 and 0 keep all and none without a look at the id.
pub fn is_sampled(session: Uuid, rate: SampleRate) -> bool {
    if rate == SampleRate::ALL || rate == SampleRate::NONE {
        return rate == SampleRate::ALL;
    }
    let (_, _, _, group) = session.as_fields();
    let last_group = group[2..]
        .iter()
        .fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    // The SDK compares doubles; the conversion rounds as JavaScript's does.
    last_group.wrapping_mul(FACTOR) as f64 <= rate.0 / 100.0 * TWO_POW_64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn session(last_group: u64) -> Uuid {
        Uuid::from_u128(0x5321_b434_51a5_4c4d_8d6a_0000_0000_0000 | u128::from(last_group))
    }

    fn rate(percent: f64) -> SampleRate {
        SampleRate::percent(percent).unwrap()
    }

    /// `last group × factor mod 2^64 / 2^64`, worked out with exact integers elsewhere.
    #[test]
    fn known_values() {
        let cases = [
            (0x0000_0000_0001, 6.023345403),
            (0x00e5dc10c9d7, 92.841417718),
            (0x8f3a2b1c4d5e, 25.385151501),
            (0xffffffffffff, 38.420929500),
            (0xa0eebc999c0b, 64.260768861),
            (0x123456789abc, 33.024589776),
        ];
        for (last_group, percent) in cases {
            let id = session(last_group);
            assert!(
                is_sampled(id, rate(percent + 1e-6)),
                "{last_group:x} {percent}"
            );
            assert!(
                !is_sampled(id, rate(percent - 1e-6)),
                "{last_group:x} {percent}"
            );
        }
    }

    #[test]
    fn the_ends_of_the_range() {
        assert!(is_sampled(session(0), rate(1e-12)));
        assert!(!is_sampled(session(0), SampleRate::NONE));
        assert!(is_sampled(session(0xffff_ffff_ffff), SampleRate::ALL));
        for wrong in [-0.1, 100.1, f64::NAN, f64::INFINITY] {
            assert!(SampleRate::percent(wrong).is_err());
        }
        assert_eq!(rate(50.0).and(rate(20.0)), rate(10.0));
    }

    #[test]
    fn a_rate_keeps_its_share() {
        let kept = (0..10_000)
            .filter(|id| is_sampled(session(*id), rate(25.0)))
            .count();
        assert!((2_400..2_600).contains(&kept), "{kept}");
    }

    proptest! {
        /// A session kept at one rate is kept at every higher rate, so a sampled trace always has a sampled session.
        #[test]
        fn sampling_is_monotonic(id: u128, low in 0.0..=100.0, high in 0.0..=100.0) {
            let (id, session_rate, trace_rate) = (Uuid::from_u128(id), rate(low), rate(high));
            if is_sampled(id, session_rate.and(trace_rate)) {
                prop_assert!(is_sampled(id, session_rate));
            }
        }

        /// Only the last group counts.
        #[test]
        fn other_groups_do_not_matter(upper: u128, last_group in 0_u64..1 << 48, percent in 0.0..=100.0) {
            let other = Uuid::from_u128(upper >> 48 << 48 | u128::from(last_group));
            prop_assert_eq!(is_sampled(other, rate(percent)), is_sampled(session(last_group), rate(percent)));
        }
    }
}

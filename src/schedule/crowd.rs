//! Who is there when in a closed load: a pure function of (phases, shopper).
//!
//! PURE. Shoppers have numbers from 0; when a crowd of n is asked for, those below n are there. A ramp changes by one shopper
//! at equal distances: n rises when the straight line reaches the next whole number, and falls when it reaches the one below.

use std::time::Duration;

use crate::scenario::model::load::{CrowdPhase, CrowdSize};

/// A stretch of time, since the run began: from the first to before the second.
pub type Stay = (Duration, Duration);

/// The most shoppers that a crowd has at one time.
pub fn most(crowd: &[CrowdPhase]) -> u32 {
    crowd
        .iter()
        .map(|phase| phase.size.most())
        .max()
        .unwrap_or(0)
}

/// When shopper `number` is there, in order; stretches that touch are one.
pub fn stays(crowd: &[CrowdPhase], number: u32) -> Vec<Stay> {
    let mut found: Vec<Stay> = Vec::new();
    let mut begin = Duration::ZERO;
    for phase in crowd {
        for (from, to) in phase.size.stays(number, phase.duration) {
            let stay = (begin.saturating_add(from), begin.saturating_add(to));
            match found.last_mut() {
                Some(last) if last.1 == stay.0 => last.1 = stay.1,
                _ if stay.0 < stay.1 => found.push(stay),
                _ => {}
            }
        }
        begin = begin.saturating_add(phase.duration);
    }
    found
}

impl CrowdSize {
    /// The most shoppers of a phase.
    pub fn most(self) -> u32 {
        match self {
            Self::Constant(shoppers) => shoppers,
            Self::Ramp { from, to } | Self::Steps { from, to, .. } => from.max(to),
        }
    }

    /// When a shopper is there in a phase of this length, since the phase began.
    fn stays(self, number: u32, length: Duration) -> Vec<Stay> {
        match self {
            Self::Constant(shoppers) => whole_if(number < shoppers, length),
            Self::Ramp { from, to } => ramp(number, from, to, length),
            Self::Steps { from, to, count } => (0..count)
                .filter(|stair| number < stair_size(from, to, count, *stair))
                .map(|stair| {
                    (
                        part(length, stair.into(), count.into()),
                        part(length, u64::from(stair) + 1, count.into()),
                    )
                })
                .collect(),
        }
    }
}

fn whole_if(there: bool, length: Duration) -> Vec<Stay> {
    match there {
        true => vec![(Duration::ZERO, length)],
        false => Vec::new(),
    }
}

fn ramp(number: u32, from: u32, to: u32, length: Duration) -> Vec<Stay> {
    if number < from.min(to) || number >= from.max(to) {
        return whole_if(number < from, length);
    }
    let change = part(
        length,
        change_at(number, from, to).into(),
        from.abs_diff(to).into(),
    );
    match from < to {
        true => vec![(change, length)],
        false => vec![(Duration::ZERO, change)],
    }
}

/// After how many changes of a ramp the shopper comes, or goes.
fn change_at(number: u32, from: u32, to: u32) -> u32 {
    match from < to {
        true => number + 1 - from,
        false => from - number,
    }
}

/// Shoppers on a stair, rounded to the nearest whole number.
fn stair_size(from: u32, to: u32, count: u32, stair: u32) -> u32 {
    let share = f64::from(stair) / f64::from(count.saturating_sub(1).max(1));
    (f64::from(from) + (f64::from(to) - f64::from(from)) * share).round() as u32
}

/// `length · numerator / denominator`, to the nanosecond below.
fn part(length: Duration, numerator: u64, denominator: u64) -> Duration {
    let nanos = length.as_nanos() * u128::from(numerator) / u128::from(denominator.max(1));
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn seconds(stays: &[Stay]) -> Vec<(f64, f64)> {
        stays
            .iter()
            .map(|(from, to)| (from.as_secs_f64(), to.as_secs_f64()))
            .collect()
    }

    fn phase(seconds: u64, size: CrowdSize) -> CrowdPhase {
        CrowdPhase {
            name: String::new(),
            duration: Duration::from_secs(seconds),
            size,
        }
    }

    #[test]
    fn a_ramp_adds_one_shopper_after_the_other_and_takes_the_last_one_first() {
        let crowd = [
            phase(2, CrowdSize::Ramp { from: 1, to: 5 }),
            phase(2, CrowdSize::Constant(5)),
            phase(4, CrowdSize::Ramp { from: 5, to: 3 }),
        ];
        assert_eq!(seconds(&stays(&crowd, 0)), [(0.0, 8.0)]);
        assert_eq!(seconds(&stays(&crowd, 1)), [(0.5, 8.0)]);
        assert_eq!(seconds(&stays(&crowd, 3)), [(1.5, 8.0)]);
        assert_eq!(seconds(&stays(&crowd, 4)), [(2.0, 6.0)]);
        assert_eq!(seconds(&stays(&crowd, 5)), []);
        assert_eq!(most(&crowd), 5);
    }

    #[test]
    fn a_shopper_may_come_back_after_a_pause() {
        let crowd = [
            phase(1, CrowdSize::Constant(2)),
            phase(1, CrowdSize::Constant(0)),
            phase(
                2,
                CrowdSize::Steps {
                    from: 1,
                    to: 2,
                    count: 2,
                },
            ),
        ];
        assert_eq!(seconds(&stays(&crowd, 0)), [(0.0, 1.0), (2.0, 4.0)]);
        assert_eq!(seconds(&stays(&crowd, 1)), [(0.0, 1.0), (3.0, 4.0)]);
    }

    #[test]
    fn a_phase_without_an_end_lasts_for_ever() {
        let crowd = [CrowdPhase {
            duration: Duration::MAX,
            ..phase(1, CrowdSize::Constant(1))
        }];
        assert_eq!(stays(&crowd, 0), [(Duration::ZERO, Duration::MAX)]);
    }

    fn any_size() -> impl Strategy<Value = CrowdSize> {
        prop_oneof![
            (0..9_u32).prop_map(CrowdSize::Constant),
            (0..9_u32, 0..9_u32).prop_map(|(from, to)| CrowdSize::Ramp { from, to }),
            (0..9_u32, 0..9_u32, 2..6_u32).prop_map(|(from, to, count)| CrowdSize::Steps {
                from,
                to,
                count
            }),
        ]
    }

    /// The size at a share of the phase, as the straight line and the stairs say it.
    fn size_at(size: CrowdSize, share: f64) -> f64 {
        match size {
            CrowdSize::Constant(shoppers) => shoppers.into(),
            CrowdSize::Ramp { from, to } => {
                let line = f64::from(from) + (f64::from(to) - f64::from(from)) * share;
                match from < to {
                    true => line.floor(),
                    false => line.ceil(),
                }
            }
            CrowdSize::Steps { from, to, count } => {
                let stair = (share * f64::from(count)).floor() / (f64::from(count) - 1.0);
                (f64::from(from) + (f64::from(to) - f64::from(from)) * stair).round()
            }
        }
    }

    proptest! {
        #[test]
        fn so_many_are_there_as_the_curve_says(
            sizes in proptest::collection::vec(any_size(), 1..5),
            reading in 0..97_u64,
        ) {
            let crowd: Vec<_> = sizes.iter().map(|size| phase(840, *size)).collect();
            for (index, size) in sizes.iter().enumerate() {
                // No change of any curve falls on a reading: 97 is prime to all of them.
                let share = (reading as f64 + 0.5) / 97.0;
                let at = Duration::from_secs(840 * index as u64) + Duration::from_secs(840).mul_f64(share);
                let there = (0..most(&crowd))
                    .filter(|number| stays(&crowd, *number).iter().any(|(from, to)| (*from..*to).contains(&at)))
                    .count();
                prop_assert_eq!(there as f64, size_at(*size, share));
            }
        }
    }
}

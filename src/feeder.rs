//! Which row of a feeder a shopper gets: a pure function of (feeder, seed, shopper).
//!
//! Must not know: files, the other shoppers, how far the run has come.

use crate::permutation::{Permutation, mix};
use crate::scenario::{Exhausted, Feeder, FeederOrder};
use crate::template::Value;

impl Feeder {
    /// The row of shopper `index`; `None` once the feeder is exhausted, in which case the journey is dropped.
    ///
    /// A random order draws with replacement and is never exhausted, unless there are no rows at all.
    pub fn row(&self, seed: u64, index: u64) -> Option<&[Value]> {
        let rows = self.rows.len() as u64;
        let row = self.row_number(seed, index, rows)?;
        self.rows.get(usize::try_from(row).ok()?).map(Vec::as_slice)
    }

    /// Whether the load is over when shopper `index` would arrive.
    pub fn ends_before(&self, seed: u64, index: u64) -> bool {
        self.exhausted == Exhausted::Stop && self.row(seed, index).is_none()
    }

    fn row_number(&self, seed: u64, index: u64, rows: u64) -> Option<u64> {
        let cycle = index.checked_div(rows)?;
        if self.order != FeederOrder::Random && self.exhausted != Exhausted::Wrap && cycle > 0 {
            return None;
        }
        let key = self
            .name
            .bytes()
            .fold(mix(seed), |key, byte| mix(key ^ u64::from(byte)));
        Some(match self.order {
            FeederOrder::Sequential => index % rows,
            FeederOrder::Random => mix(key ^ mix(index)) % rows,
            FeederOrder::Unique => Permutation::new(rows, key ^ mix(cycle)).at(index % rows),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn feeder(rows: usize, order: FeederOrder, exhausted: Exhausted) -> Feeder {
        let rows = (0..rows).map(|row| vec![Value::Int(row as i64)]).collect();
        Feeder {
            name: "users".into(),
            columns: vec!["id".into()],
            rows,
            order,
            exhausted,
        }
    }

    fn number(row: &[Value]) -> usize {
        let number = row[0].as_scalar().to_text().parse();
        number.expect("a row number")
    }

    proptest! {
        /// In unique order each row comes once before any comes again, in every cycle.
        #[test]
        fn unique_is_a_permutation(rows in 1_usize..500, seed: u64, cycle in 0_u64..4) {
            let feeder = feeder(rows, FeederOrder::Unique, Exhausted::Wrap);
            let size = rows as u64;
            let seen: BTreeSet<_> = (cycle * size..(cycle + 1) * size).map(|index| feeder.row(seed, index).map(number)).collect();
            prop_assert_eq!(seen.len(), rows);
            prop_assert!(!seen.contains(&None));
        }

        /// Random rows exist and are evenly spread.
        #[test]
        fn random_is_even(seed: u64) {
            let feeder = feeder(4, FeederOrder::Random, Exhausted::Drop);
            let mut seen = [0_u32; 4];
            for index in 0..4_000 {
                let row = feeder.row(seed, index).expect("random order is never exhausted");
                seen[number(row)] += 1;
            }
            prop_assert!(seen.iter().all(|count| (800..1_200).contains(count)), "{:?}", seen);
        }
    }

    #[test]
    fn exhaustion_is_obeyed() {
        for order in [FeederOrder::Sequential, FeederOrder::Unique] {
            let (wrap, drop) = (
                feeder(3, order, Exhausted::Wrap),
                feeder(3, order, Exhausted::Drop),
            );
            assert!(wrap.row(1, 3).is_some() && drop.row(1, 2).is_some());
            assert_eq!(drop.row(1, 3), None);
            let stop = feeder(3, order, Exhausted::Stop);
            assert!(stop.ends_before(1, 3) && !stop.ends_before(1, 2));
            assert!(!drop.ends_before(1, 3) && !wrap.ends_before(1, 3));
        }
        assert_eq!(
            feeder(3, FeederOrder::Sequential, Exhausted::Wrap).row(1, 4),
            Some(&[Value::Int(1)][..])
        );
        assert_eq!(
            feeder(0, FeederOrder::Random, Exhausted::Wrap).row(1, 0),
            None
        );
    }
}

//! PURE: the Hodges–Lehmann estimate with its exact signed-rank interval.

/// Chance that the interval misses the truth, both sides together.
const LEVEL: f64 = 0.05;

/// An estimate with its interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// Median of the Walsh averages.
    pub estimate: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

/// Estimate and 95 % interval of the centre of the values; `None` below six values, of which no set could reach 95 %.
pub fn hodges_lehmann(values: &[f64]) -> Option<Estimate> {
    let walsh = walsh(values);
    let end = critical(values.len())? - 1;
    let last = walsh.len().checked_sub(1)?;
    let middle = walsh.len() / 2;
    let estimate = if walsh.len() % 2 == 1 {
        *walsh.get(middle)?
    } else {
        (walsh.get(middle.checked_sub(1)?)? + walsh.get(middle)?) / 2.0
    };
    Some(Estimate {
        estimate,
        low: *walsh.get(end)?,
        high: *walsh.get(last.checked_sub(end)?)?,
    })
}

/// Averages of all pairs, each value with itself included, in order.
fn walsh(values: &[f64]) -> Vec<f64> {
    let mut found: Vec<f64> = values
        .iter()
        .enumerate()
        .flat_map(|(i, a)| values[i..].iter().map(move |b| f64::midpoint(*a, *b)))
        .collect();
    found.sort_by(f64::total_cmp);
    found
}

/// The largest k with P(T⁺ < k) ≤ level / 2 under the signed-rank distribution: the interval reaches from the k-th Walsh
/// average to the k-th from the end. `None` when even the outermost ones would promise too much.
fn critical(n: usize) -> Option<usize> {
    // Share of sign patterns with rank sum s: each rank is in the sum or not, with equal chances.
    let mut chance = vec![1.0_f64];
    for rank in 1..=n {
        let mut next = vec![0.0; chance.len() + rank];
        for (sum, share) in chance.iter().enumerate() {
            next[sum] += share / 2.0;
            next[sum + rank] += share / 2.0;
        }
        chance = next;
    }
    let mut below = 0.0;
    let mut k = 0;
    for share in chance {
        if below + share > LEVEL / 2.0 {
            break;
        }
        below += share;
        k += 1;
    }
    (k > 0).then_some(k)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Table A.4 of Hollander, Wolfe and Chicken: the 2.5 % points of the signed-rank statistic are 0, 2, 3, 5, 8 for n = 6 … 10.
    #[test]
    fn the_critical_values_are_those_of_the_tables() {
        let left_out: Vec<_> = (6..=10).map(|n| critical(n).unwrap()).collect();
        assert_eq!(
            left_out,
            [1, 3, 4, 6, 9],
            "one more than the table's largest sum"
        );
        assert_eq!(critical(5), None);
    }

    #[test]
    fn the_estimate_of_a_symmetric_sample_is_its_centre() {
        let values: Vec<f64> = (0..9).map(|i| f64::from(i) - 4.0 + 7.0).collect();
        let found = hodges_lehmann(&values).unwrap();
        assert!((found.estimate - 7.0).abs() < 1e-12);
        assert!(found.low < 7.0 && 7.0 < found.high);
        assert!((found.high - 7.0 - (7.0 - found.low)).abs() < 1e-12);
    }

    /// Twenty thousand would be slow; two thousand samples of ten have a standard error of 0.5 points.
    #[test]
    fn the_interval_covers_the_truth_as_often_as_it_promises() {
        let mut state = 7_u64;
        let mut uniform = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        let misses = (0..2000)
            .filter(|_| {
                let values: Vec<f64> = (0..10).map(|_| uniform() - 0.5).collect();
                let found = hodges_lehmann(&values).unwrap();
                found.low > 0.0 || found.high < 0.0
            })
            .count();
        assert!(
            (50..=130).contains(&misses),
            "{misses} of 2000 (promised: about 97, at most 5 %)"
        );
    }
}

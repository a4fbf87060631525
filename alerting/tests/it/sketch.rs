//! Distributions: percentiles within the promised error, merging, and bytes that come from anywhere.

use alerting::evaluate::sketch::{EXACT_MAX, RELATIVE_ERROR, Sketch, SketchError};
use alerting::query::tree::Comparator;
use proptest::collection::vec;
use proptest::prelude::*;

fn exact(values: &mut [f64], q: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * q + 1e-9).floor() as usize]
}

/// Durations, sizes, negatives and zeros.
fn values() -> impl Strategy<Value = Vec<f64>> {
    let value = prop_oneof![1e-6..1e9_f64, -1e6..-1e-6_f64, Just(0.0), 0.0..1.0_f64];
    let value = value.prop_map(|value| if value.abs() < 1e-9 { 0.0 } else { value });
    vec(value, 1..400)
}

proptest! {
    /// A percentile is within the relative error of the value with that rank; few values are exact.
    #[test]
    fn percentiles_are_within_the_promised_error(mut values in values(), q in 0.0..=1.0_f64) {
        let sketch = Sketch::of(values.iter().copied());
        let found = sketch.quantile(q).unwrap();
        let few = values.len() <= EXACT_MAX;
        let wanted = exact(&mut values, q);
        let bound = if few { 0.0 } else { RELATIVE_ERROR * wanted.abs() * (1.0 + 1e-9) };
        prop_assert!((found - wanted).abs() <= bound, "{found} for {wanted}");
    }

    /// Merging sketches of parts is the sketch of the whole.
    #[test]
    fn merged_parts_are_the_whole(values in values(), at in any::<prop::sample::Index>()) {
        let (left, right) = values.split_at(at.index(values.len()));
        let mut merged = Sketch::of(left.iter().copied());
        merged.merge(&Sketch::of(right.iter().copied()));
        let whole = Sketch::of(values.iter().copied());
        prop_assert_eq!(merged.count(), whole.count());
        prop_assert_eq!(merged.values(), whole.values());
        prop_assert_eq!((merged.min(), merged.max()), (whole.min(), whole.max()));
        prop_assert!((merged.sum() - whole.sum()).abs() <= 1e-9 * values.iter().map(|v| v.abs()).sum::<f64>());
    }

    /// Nothing is lost on the way through bytes, and no prefix of them is taken for a sketch.
    #[test]
    fn bytes_come_back_as_the_same_sketch(values in values()) {
        let sketch = Sketch::of(values);
        let bytes = sketch.to_bytes();
        prop_assert_eq!(Sketch::from_bytes(&bytes), Ok(sketch));
        for length in 1..bytes.len() {
            prop_assert_eq!(Sketch::from_bytes(&bytes[..length]), Err(SketchError::Damaged));
        }
    }

    /// Bytes from anywhere are refused or are a sketch that answers.
    #[test]
    fn any_bytes_are_harmless(mut bytes in vec(any::<u8>(), 0..200)) {
        if let Some(first) = bytes.first_mut() {
            *first = 1;
        }
        if let Ok(sketch) = Sketch::from_bytes(&bytes) {
            sketch.quantile(0.5);
            sketch.count_where(Comparator::Above, 1.0);
        }
    }
}

#[test]
fn what_is_no_value_changes_nothing_and_nothing_has_no_percentile() {
    let mut sketch = Sketch::default();
    sketch.insert(f64::NAN);
    sketch.insert(f64::INFINITY);
    sketch.insert_many(3.0, 0);
    assert_eq!(sketch, Sketch::default());
    assert_eq!(
        (sketch.quantile(0.5), sketch.avg(), sketch.min()),
        (None, None, None)
    );
    assert_eq!(Sketch::from_bytes(&sketch.to_bytes()), Ok(sketch));
    assert_eq!(Sketch::from_bytes(&[9]), Err(SketchError::Version(9)));
}

#[test]
fn values_beyond_the_bins_keep_the_bins_bounded() {
    let mut sketch = Sketch::of((0..2_000).map(|n| 10_f64.powf(f64::from(n) / 10.0 - 50.0)));
    assert!(sketch.values().len() <= 4_097);
    sketch.insert_many(f64::MAX, u64::MAX);
    assert_eq!(sketch.max(), Some(f64::MAX));
    assert!(sketch.quantile(1.0).unwrap().is_finite());
}

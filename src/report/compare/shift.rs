//! PURE: what moved, and whether all of it moved together.

use std::cmp::Ordering;
use std::time::Duration;

use serde::Serialize;

use super::Row;
use crate::report::table::ALL_STEPS;
use crate::verdict::show_time;

/// The figure by which steps are looked at together.
const FIGURE: &str = "p50";

/// A common movement that is smaller is none, milliseconds.
const MOVED_MS_MIN: f64 = 0.5;

/// Movements that lie so close around their median, as a share of it, are the same movement.
const SPREAD_MAX: f64 = 0.25;

/// Steps of which it can be said that they moved together.
const STEPS_MIN: usize = 2;

/// A movement that all steps have in common.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Shift {
    /// The steps.
    pub steps: usize,
    /// Median of their movements, milliseconds.
    pub median_ms: f64,
    /// The smallest.
    pub low_ms: f64,
    /// The largest.
    pub high_ms: f64,
}

impl Shift {
    /// The movement of all steps' medians, if it is the same.
    pub(super) fn of(rows: &[Row]) -> Option<Self> {
        let alone = rows
            .iter()
            .filter(|row| row.step != ALL_STEPS && row.figure == FIGURE);
        let mut moved: Vec<f64> = alone.filter_map(|row| row.moved_ms).collect();
        moved.sort_by(f64::total_cmp);
        let (low_ms, high_ms) = (*moved.first()?, *moved.last()?);
        let median_ms = *moved.get(moved.len() / 2)?;
        let room = median_ms.abs() * SPREAD_MAX;
        let same = median_ms - low_ms <= room && high_ms - median_ms <= room;
        (moved.len() >= STEPS_MIN && median_ms.abs() >= MOVED_MS_MIN && same).then_some(Self {
            steps: moved.len(),
            median_ms,
            low_ms,
            high_ms,
        })
    }

    pub(super) fn sentence(&self) -> String {
        format!(
            "everything moved by {} (the {FIGURE} of all {} steps, {} to {}): look at what lies in front of all of them, such as the network, a proxy or the machine",
            signed_time(self.median_ms),
            self.steps,
            signed_time(self.low_ms),
            signed_time(self.high_ms)
        )
    }
}

/// What moved comes first, by its share; of the rest the larger share as well. Error shares stand by their points.
pub(super) fn by_movement(a: &Row, b: &Row) -> Ordering {
    let size = |row: &Row| row.change.map_or(-1.0, f64::abs);
    let moved = b.has_moved().cmp(&a.has_moved());
    moved.then_with(|| size(b).total_cmp(&size(a)))
}

/// `+20.1 ms`.
pub(super) fn signed_time(millis: f64) -> String {
    let size = Duration::try_from_secs_f64(millis.abs() / 1e3).unwrap_or(Duration::MAX);
    match size.as_micros() {
        0 => "0".to_owned(),
        _ => format!(
            "{}{}",
            if millis < 0.0 { '-' } else { '+' },
            show_time(size)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(step: &str, moved_ms: f64) -> Row {
        Row {
            step: step.to_owned(),
            figure: FIGURE.to_owned(),
            a: String::new(),
            b: String::new(),
            moved_ms: Some(moved_ms),
            change: Some(moved_ms / 10.0),
            interval: None,
        }
    }

    #[test]
    fn steps_move_together_when_all_of_them_do_and_by_about_the_same() {
        let shift = |moved: &[f64]| {
            let rows: Vec<Row> = moved.iter().map(|ms| row("a step", *ms)).collect();
            Shift::of(&rows).map(|shift| shift.median_ms)
        };
        assert_eq!(shift(&[19.0, 20.0, 21.0]), Some(20.0));
        assert_eq!(shift(&[-20.0, -20.0]), Some(-20.0));
        assert_eq!(shift(&[20.0]), None, "one step is not everything");
        assert_eq!(shift(&[0.1, 0.1, 0.1]), None, "too small");
        assert_eq!(shift(&[20.0, 20.0, 1.0]), None, "one stayed");
        assert_eq!(Shift::of(&[row(ALL_STEPS, 20.0), row("one", 20.0)]), None);
    }
}

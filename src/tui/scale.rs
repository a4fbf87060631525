//! PURE: from seconds to columns and from latencies to rows, the same for every chart of a page.

use std::time::Duration;

use crate::measure::snapshot::{BANDS, BANDS_FROM, BANDS_PER_DECADE, Snapshot, Tick};

/// Widths that charts choose from by themselves, seconds.
const SPANS_S: [u32; 5] = [30, 60, 120, 300, 600];

/// The fewest bands shown: a decade and a half.
const BANDS_MIN: u8 = 24;

/// The stretch of time that charts show, seconds since the run began.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TimeAxis {
    /// Left edge.
    pub from: f64,
    /// Right edge.
    pub to: f64,
}

impl TimeAxis {
    /// The run so far, or its last part.
    pub fn of(snapshot: &Snapshot, zoom_s: Option<u32>) -> Self {
        let elapsed = snapshot.elapsed.as_secs_f64();
        let fits = |span: &u32| f64::from(*span) >= elapsed;
        let span = zoom_s.unwrap_or_else(|| SPANS_S.into_iter().find(fits).unwrap_or(600));
        let to = elapsed.max(f64::from(span));
        Self {
            from: to - f64::from(span),
            to,
        }
    }

    /// The column of a time, if it is in sight.
    pub fn column(self, at: f64, width: u16) -> Option<u16> {
        let share = (at - self.from) / (self.to - self.from);
        ((0.0..1.0).contains(&share) && width > 0).then(|| (share * f64::from(width)) as u16)
    }

    /// The ticks that belong to a column: all that have their middle in it or, where columns are narrower than ticks, the one
    /// that lasts through the column's middle.
    pub fn ticks(self, snapshot: &Snapshot, column: u16, width: u16) -> Vec<&Tick> {
        let each = (self.to - self.from) / f64::from(width.max(1));
        let begin = self.from + each * f64::from(column);
        let inside = |tick: &&Tick| {
            let (end, length) = (tick.at.as_secs_f64(), tick.length.as_secs_f64());
            if each >= length {
                let middle = end - length / 2.0;
                begin <= middle && middle < begin + each
            } else {
                let middle = begin + each / 2.0;
                end - length <= middle && middle < end
            }
        };
        let first = snapshot
            .history
            .partition_point(|tick| tick.at.as_secs_f64() < begin);
        let near = snapshot.history.iter().skip(first);
        near.take_while(|tick| (tick.at - tick.length).as_secs_f64() < begin + each)
            .map(AsRef::as_ref)
            .filter(inside)
            .collect()
    }
}

/// The latencies that charts show, as bands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LatencyAxis {
    /// Lowest band.
    pub low: u8,
    /// Band above the highest.
    pub high: u8,
}

impl LatencyAxis {
    /// Everything that was measured within the time, rounded outwards to half a decade so that it seldom changes.
    pub fn of(snapshot: &Snapshot, time: TimeAxis, focus: Option<u16>) -> Self {
        let in_sight = |tick: &&std::sync::Arc<Tick>| tick.at.as_secs_f64() > time.from;
        let ticks = snapshot.history.iter().filter(in_sight);
        let mut ends: Option<(u8, u8)> = None;
        for (band, _) in ticks
            .filter_map(|tick| slice(tick, focus))
            .flat_map(|s| &s.response.bands)
        {
            let (low, high) = ends.unwrap_or((*band, *band));
            ends = Some((low.min(*band), high.max(*band)));
        }
        let (low, high) = ends.unwrap_or((24, 40));
        let half = BANDS_PER_DECADE / 2;
        let low = low / half * half;
        let high = ((high / half + 1) * half).max(low + BANDS_MIN).min(BANDS);
        Self {
            low: low.min(high - BANDS_MIN),
            high,
        }
    }

    /// A latency as a share of the height, from the bottom; not bounded.
    pub fn share(self, time: Duration) -> f64 {
        let bands =
            (time.as_secs_f64() / BANDS_FROM.as_secs_f64()).log10() * f64::from(BANDS_PER_DECADE);
        (bands - f64::from(self.low)) / f64::from(self.high - self.low)
    }

    /// The row from the top that a latency lies in.
    pub fn row(self, time: Duration, height: u16) -> u16 {
        let from_top = (1.0 - self.share(time)) * f64::from(height);
        (from_top.max(0.0) as u16).min(height.saturating_sub(1))
    }

    /// Latencies to be written beside the chart: 1, 10, 100 …, with 3 in between where there is room.
    pub fn labels(self, height: u16) -> Vec<(u16, Duration)> {
        let rows_a_decade =
            f64::from(height) * f64::from(BANDS_PER_DECADE) / f64::from(self.high - self.low);
        let between: &[u64] = if rows_a_decade >= 5.0 { &[1, 3] } else { &[1] };
        let decades = (0..8).map(|power| 10 * 10_u64.pow(power));
        let times = decades.flat_map(|decade| {
            between
                .iter()
                .map(move |n| Duration::from_micros(decade * n))
        });
        times
            .filter(|time| (0.02..0.999).contains(&self.share(*time)))
            .map(|time| (self.row(time, height), time))
            .collect()
    }
}

/// One step of a tick, or all together.
pub fn slice(tick: &Tick, focus: Option<u16>) -> Option<&crate::measure::snapshot::StepSummary> {
    match focus {
        None => Some(&tick.all),
        Some(figure) => tick.figures.get(usize::from(figure)),
    }
}

/// A label of the latency axis: `1 ms`, `300 µs`.
pub fn label(time: Duration) -> String {
    match time.as_micros() {
        us if us < 1_000 => format!("{us} µs"),
        us if us < 1_000_000 => format!("{} ms", us / 1_000),
        us => format!("{} s", us / 1_000_000),
    }
}

//! Arrival rate over time as pieces whose integral and its inverse are known in closed form.
//!
//! Times are seconds since the load began, areas are numbers of arrivals. Must not know: how arrivals lie on the
//! curve (even or random), seeds, indices.

use std::f64::consts::TAU;

use crate::scenario::{Curve, Phase};

/// Sums of areas closer than this to a whole number are that number: 0.1/s for 30 s is 3 arrivals, not
/// 3.0000000000000004.
pub(super) const AREA_TOLERANCE: f64 = 1e-6;

/// Newton steps at most; bisection alone needs about 60 for any span of seconds.
const NEWTON_STEPS_MAX: u32 = 100;

/// Newton stops when it moves by less than this, well below the nanosecond that offsets are rounded to.
const NEWTON_STEP_SECONDS_MIN: f64 = 1e-11;

/// The rate over one piece as a function of the time since the piece began.
#[derive(Debug, Clone, Copy)]
enum Shape {
    Line {
        from: f64,
        to: f64,
    },
    Wave {
        low: f64,
        high: f64,
        period: f64,
        since_peak: f64,
    },
}

/// A stretch of the curve with one formula.
#[derive(Debug, Clone, Copy)]
struct Piece {
    start: f64,
    length: f64,
    shape: Shape,
    /// Area of all pieces before this one.
    before: f64,
    /// Area of this piece.
    area: f64,
}

/// A whole curve: pieces in order of time, without gaps.
#[derive(Debug, Clone, Default)]
pub(super) struct Rates {
    pieces: Vec<Piece>,
    area: f64,
}

impl Rates {
    /// The curve of all phases, one after the other.
    pub(super) fn of(phases: &[Phase]) -> Self {
        let mut rates = Self::default();
        let mut start = 0.0;
        for phase in phases {
            let length = phase.duration.as_secs_f64();
            rates.push_curve(&phase.curve, start, length);
            start += length;
        }
        rates
    }

    /// The part of this curve from `at` on, every rate multiplied by `factor`; areas are counted from `at`.
    pub(super) fn rest(&self, at: f64, factor: f64) -> Self {
        let mut rest = Self::default();
        for piece in &self.pieces {
            let skipped = (at - piece.start).max(0.0);
            if skipped < piece.length {
                let shape = piece.shape.rest(skipped, piece.length).scaled(factor);
                rest.push(piece.start + skipped, piece.length - skipped, shape);
            }
        }
        rest
    }

    /// Arrivals that the whole curve stands for.
    pub(super) fn area(&self) -> f64 {
        self.area
    }

    /// Arrivals a second at `time`; 0 outside the curve.
    pub(super) fn rate_at(&self, time: f64) -> f64 {
        let index = self.pieces.partition_point(|piece| piece.start <= time);
        match index
            .checked_sub(1)
            .and_then(|index| self.pieces.get(index))
        {
            Some(piece) if time < piece.start + piece.length => {
                piece.shape.rate(time - piece.start, piece.length)
            }
            _ => 0.0,
        }
    }

    /// The integral of the rate up to `time`.
    pub(super) fn area_until(&self, time: f64) -> f64 {
        let index = self.pieces.partition_point(|piece| piece.start <= time);
        match index
            .checked_sub(1)
            .and_then(|index| self.pieces.get(index))
        {
            Some(piece) => {
                piece.before + piece.area_within((time - piece.start).clamp(0.0, piece.length))
            }
            None => 0.0,
        }
    }

    /// The last time at which the integral is still no more than `area`: past a pause, arrivals begin when it ends.
    pub(super) fn time_of(&self, area: f64) -> f64 {
        let index = self
            .pieces
            .partition_point(|piece| piece.before <= area)
            .max(1)
            - 1;
        match self.pieces.get(index) {
            Some(piece) => {
                piece.start + piece.time_within((area - piece.before).clamp(0.0, piece.area))
            }
            None => 0.0,
        }
    }

    fn push_curve(&mut self, curve: &Curve, start: f64, length: f64) {
        match *curve {
            Curve::Constant(rate) => self.push_line(start, length, rate, rate),
            Curve::Ramp { from, to } => self.push_line(start, length, from, to),
            Curve::Steps { from, to, count } => {
                let count = count.max(1);
                let width = length / f64::from(count);
                for step in 0..count {
                    let share = f64::from(step) / f64::from((count - 1).max(1));
                    let rate = from + (to - from) * share;
                    self.push_line(start + width * f64::from(step), width, rate, rate);
                }
            }
            Curve::Spike {
                base,
                peak,
                at,
                width,
            } => {
                let rise = at.as_secs_f64().min(length);
                let fall = (at + width).as_secs_f64().min(length);
                self.push_line(start, rise, base, base);
                self.push_line(start + rise, fall - rise, peak, peak);
                self.push_line(start + fall, length - fall, base, base);
            }
            Curve::Diurnal {
                low,
                high,
                period,
                peak_at,
            } => {
                let shape = Shape::Wave {
                    low,
                    high,
                    period: period.as_secs_f64(),
                    since_peak: -peak_at.as_secs_f64(),
                };
                self.push(start, length, shape);
            }
            Curve::Replay(ref points) => self.push_replay(points, start, length),
        }
    }

    /// Straight lines between the points; the last rate holds to the end of the phase.
    fn push_replay(&mut self, points: &[(f64, f64)], start: f64, length: f64) {
        for pair in points.windows(2) {
            let [(begin, from), (end, to)] = [pair[0], pair[1]];
            let kept = end.min(length) - begin;
            if kept > 0.0 {
                let whole = Shape::Line { from, to };
                self.push_line(start + begin, kept, from, whole.rate(kept, end - begin));
            }
        }
        if let Some(&(end, rate)) = points.last() {
            self.push_line(start + end, length - end, rate, rate);
        }
    }

    fn push_line(&mut self, start: f64, length: f64, from: f64, to: f64) {
        self.push(start, length, Shape::Line { from, to });
    }

    fn push(&mut self, start: f64, length: f64, shape: Shape) {
        if length <= 0.0 {
            return;
        }
        let area = shape.area(length, length).max(0.0);
        self.pieces.push(Piece {
            start,
            length,
            shape,
            before: self.area,
            area,
        });
        self.area = snapped(self.area + area);
    }
}

impl Piece {
    fn area_within(&self, time: f64) -> f64 {
        self.shape.area(time, self.length)
    }

    fn time_within(&self, area: f64) -> f64 {
        let time = match self.shape {
            Shape::Line { from, to } => time_on_line(area, from, (to - from) / self.length),
            Shape::Wave { .. } => self.time_on_wave(area),
        };
        time.clamp(0.0, self.length)
    }

    /// Newton's method inside a bracket that shrinks with every step; bisection where Newton leaves it.
    fn time_on_wave(&self, area: f64) -> f64 {
        let (mut low, mut high) = self.wave_bracket(area);
        let mut time = 0.5 * (low + high);
        for _ in 0..NEWTON_STEPS_MAX {
            let excess = self.area_within(time) - area;
            if excess > 0.0 {
                high = time;
            } else {
                low = time;
            }
            let newton = time - excess / self.shape.rate(time, self.length);
            let next = if newton >= low && newton <= high {
                newton
            } else {
                0.5 * (low + high)
            };
            let moved = (next - time).abs();
            time = next;
            if moved < NEWTON_STEP_SECONDS_MIN {
                break;
            }
        }
        time
    }

    /// The integral strays from its mean line by at most the area of half a wave: no need to search many days.
    fn wave_bracket(&self, area: f64) -> (f64, f64) {
        let Shape::Wave {
            low, high, period, ..
        } = self.shape
        else {
            return (0.0, self.length);
        };
        let (mean, stray) = ((low + high) / 2.0, (high - low) * period / TAU);
        if mean <= 0.0 {
            return (0.0, self.length);
        }
        (
            ((area - stray) / mean).clamp(0.0, self.length),
            ((area + stray) / mean).clamp(0.0, self.length),
        )
    }
}

impl Shape {
    fn rate(&self, time: f64, length: f64) -> f64 {
        match *self {
            Self::Line { from, to } => from + (to - from) * (time / length),
            Self::Wave {
                low,
                high,
                period,
                since_peak,
            } => low + (high - low) * 0.5 * (1.0 + (TAU * (time + since_peak) / period).cos()),
        }
    }

    fn area(&self, time: f64, length: f64) -> f64 {
        match *self {
            Self::Line { from, to } => time * (from + (to - from) * (time / length) * 0.5),
            Self::Wave {
                low,
                high,
                period,
                since_peak,
            } => {
                let turn = TAU / period;
                let swing = (turn * (time + since_peak)).sin() - (turn * since_peak).sin();
                0.5 * ((low + high) * time + (high - low) * swing / turn)
            }
        }
    }

    fn rest(self, skipped: f64, length: f64) -> Self {
        match self {
            Self::Line { to, .. } => Self::Line {
                from: self.rate(skipped, length),
                to,
            },
            Self::Wave {
                low,
                high,
                period,
                since_peak,
            } => Self::Wave {
                low,
                high,
                period,
                since_peak: since_peak + skipped,
            },
        }
    }

    fn scaled(self, factor: f64) -> Self {
        match self {
            Self::Line { from, to } => Self::Line {
                from: from * factor,
                to: to * factor,
            },
            Self::Wave {
                low,
                high,
                period,
                since_peak,
            } => Self::Wave {
                low: low * factor,
                high: high * factor,
                period,
                since_peak,
            },
        }
    }
}

/// Solves `from·t + slope·t²/2 = area` in the form that loses no digits when the slope is small.
fn time_on_line(area: f64, from: f64, slope: f64) -> f64 {
    let root = (from * from + 2.0 * slope * area).max(0.0).sqrt();
    if from + root > 0.0 {
        2.0 * area / (from + root)
    } else {
        0.0
    }
}

fn snapped(area: f64) -> f64 {
    let whole = area.round();
    if (area - whole).abs() < AREA_TOLERANCE {
        whole
    } else {
        area
    }
}

//! What cannot be measured without a browser, drawn around what was measured: rendering, layout shifts, long tasks.
//!
//! The network's part of every figure is measured; what a device adds to it comes from these distributions, stated in
//! docs/rum.md, by the session's own random numbers. Times are nanoseconds.

use rand::Rng as _;
use rand_distr::StandardNormal;

use crate::rng::ShopperRng;

const MILLISECOND: f64 = 1e6;

/// Share of views in which nothing moves.
const STEADY_SHARE: f64 = 0.35;
/// Mean of the layout shift where something does.
const SHIFT_MEAN: f64 = 0.04;
/// What a page that came late moves in addition, and how late that is.
const SHIFT_LATE: f64 = 0.06;
const LATE_NS: u64 = 1_000_000_000;

/// Chance of a long task after an answer was shown, on a desktop; other devices have more by their slowness.
const LONG_TASK_CHANCE: f64 = 0.12;
/// What the browser calls long, and the mean of what comes on top of it on a desktop, milliseconds.
const LONG_TASK_MS_MIN: f64 = 50.0;
const LONG_TASK_MS_MEAN: f64 = 40.0;

/// A device's share in how long things take.
#[derive(Debug)]
pub(super) struct Vitals {
    /// How much slower than a desktop.
    slowness: f64,
}

/// Times of a page that was loaded as a whole, since its begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PageTimes {
    pub(super) first_byte: u64,
    pub(super) dom_interactive: u64,
    pub(super) dom_content_loaded: u64,
    pub(super) dom_complete: u64,
    pub(super) load_event: u64,
    pub(super) first_contentful_paint: u64,
    pub(super) largest_contentful_paint: u64,
}

impl Vitals {
    pub(super) fn of(device: &str) -> Self {
        let slowness = match device {
            "mobile" => 2.2,
            "tablet" => 1.5,
            _ => 1.0,
        };
        Self { slowness }
    }

    /// Of a page whose first byte came at `first_byte`, whose first answer was whole at `first` and the last one at `last`.
    pub(super) fn page(
        &self,
        rng: &mut ShopperRng,
        first_byte: u64,
        first: u64,
        last: u64,
    ) -> PageTimes {
        let dom_interactive = first + self.draw(rng, 40.0, 0.4);
        let dom_content_loaded = dom_interactive + self.draw(rng, 8.0, 0.6);
        let dom_complete = dom_content_loaded.max(last) + self.draw(rng, 30.0, 0.5);
        let load_event = dom_complete + self.draw(rng, 2.0, 0.5);
        let first_contentful_paint = first + self.draw(rng, 70.0, 0.4);
        let largest_contentful_paint = first_contentful_paint.max(last + self.draw(rng, 90.0, 0.5));
        PageTimes {
            first_byte,
            dom_interactive,
            dom_content_loaded,
            dom_complete,
            load_event,
            first_contentful_paint,
            largest_contentful_paint,
        }
    }

    /// From the last answer to the time when nothing moves any more.
    pub(super) fn rendering(&self, rng: &mut ShopperRng) -> u64 {
        self.draw(rng, 60.0, 0.5)
    }

    /// From a click to the next frame.
    pub(super) fn interaction(&self, rng: &mut ShopperRng) -> u64 {
        self.draw(rng, 48.0, 0.6)
    }

    /// From a finger's or a mouse's touch to the request that comes of it.
    pub(super) fn input_delay(&self, rng: &mut ShopperRng) -> u64 {
        self.draw(rng, 6.0, 0.5)
    }

    /// How much of a page moved while it was loaded; `last` is when its last answer came.
    pub(super) fn layout_shift(&self, rng: &mut ShopperRng, last: u64) -> f64 {
        let (steady, shift) = (rng.chance(STEADY_SHARE), exponential(rng) * SHIFT_MEAN);
        let late = if last > LATE_NS { SHIFT_LATE } else { 0.0 };
        let shift = if steady { late } else { shift + late };
        (shift * 1e4).round() / 1e4
    }

    /// How long a task held the page up, if one did.
    pub(super) fn long_task(&self, rng: &mut ShopperRng) -> Option<u64> {
        let (comes, rest) = (
            rng.chance(LONG_TASK_CHANCE * self.slowness),
            exponential(rng),
        );
        let millis = LONG_TASK_MS_MIN + rest * LONG_TASK_MS_MEAN * self.slowness;
        comes.then_some((millis * MILLISECOND) as u64)
    }

    /// Log-normal around a median on a desktop.
    fn draw(&self, rng: &mut ShopperRng, median_ms: f64, sigma: f64) -> u64 {
        let normal: f64 = rng.sample(StandardNormal);
        (median_ms * self.slowness * (sigma * normal).exp() * MILLISECOND) as u64
    }
}

/// With a mean of 1.
fn exponential(rng: &mut ShopperRng) -> f64 {
    -(1.0 - rng.unit()).ln()
}

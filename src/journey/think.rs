//! How long shoppers think.

use std::time::Duration;

use rand::distr::Distribution;
use rand_distr::StandardNormal;

use crate::rng::ShopperRng;
use crate::scenario::Think;

/// An exponential think time is cut at this multiple of its mean.
const EXPONENTIAL_CUT: f64 = 10.0;

/// A think time whose median (of an exponential one: whose mean) is not shorter is a pause.
const PAUSE_MIN: Duration = Duration::from_millis(50);

/// A normal think time is cut at so many deviations from its mean.
const NORMAL_CUT: f64 = 4.0;

/// A log-normal think time is cut at so many sigmas of its logarithm.
const LOG_NORMAL_CUT: f64 = 4.0;

impl Think {
    /// Whether it is long beside anything that a generator does.
    pub fn is_pause(&self) -> bool {
        let usual = match *self {
            Self::Constant(time) | Self::Exponential(time) => time,
            Self::Uniform(from, to) => (from + to) / 2,
            Self::LogNormal { median, .. } => median,
            Self::Normal { mean, .. } => mean,
        };
        usual >= PAUSE_MIN
    }

    /// A think time from this distribution.
    pub fn draw(&self, rng: &mut ShopperRng) -> Duration {
        let scaled = |duration: Duration, factor: f64| {
            // Beyond what a duration can hold, a factor changes nothing that anyone would live to see.
            Duration::try_from_secs_f64(duration.as_secs_f64() * factor).unwrap_or(duration)
        };
        match *self {
            Self::Constant(time) => time,
            Self::Uniform(from, to) => from + scaled(to.saturating_sub(from), rng.unit()),
            // 1 − u lies in (0, 1]: its logarithm is finite.
            Self::Exponential(mean) => {
                scaled(mean, (-(1.0 - rng.unit()).ln()).min(EXPONENTIAL_CUT))
            }
            Self::Normal { mean, deviation } => {
                let normal: f64 = StandardNormal.sample(rng);
                let away = scaled(deviation, normal.abs().min(NORMAL_CUT));
                match normal < 0.0 {
                    true => mean.saturating_sub(away),
                    false => mean.saturating_add(away),
                }
            }
            Self::LogNormal { median, sigma } => {
                let normal: f64 = StandardNormal.sample(rng);
                scaled(median, (sigma * normal.min(LOG_NORMAL_CUT)).exp())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(think: &Think) -> Vec<f64> {
        let mut rng = ShopperRng::new(5, "test", 0);
        let mut times: Vec<_> = (0..20_000)
            .map(|_| think.draw(&mut rng).as_secs_f64())
            .collect();
        times.sort_by(f64::total_cmp);
        times
    }

    #[test]
    fn distributions_have_their_shape() {
        let second = Duration::from_secs(1);
        assert!(
            drawn(&Think::Constant(second))
                .iter()
                .all(|time| *time == 1.0)
        );
        let uniform = drawn(&Think::Uniform(second, 3 * second));
        assert!(
            uniform[0] >= 1.0 && uniform[19_999] <= 3.0 && (uniform[10_000] - 2.0).abs() < 0.05
        );
        let exponential = drawn(&Think::Exponential(second));
        assert!((exponential[10_000] - 2_f64.ln()).abs() < 0.03 && exponential[19_999] <= 10.0);
        assert!((exponential.iter().sum::<f64>() / 20_000.0 - 1.0).abs() < 0.03);
        let normal = drawn(&Think::Normal {
            mean: second,
            deviation: second / 5,
        });
        assert!((normal[10_000] - 1.0).abs() < 0.02 && (normal[16_827] - 1.2).abs() < 0.02);
        assert!(normal[0] >= 0.2 - 1e-9 && normal[19_999] <= 1.8 + 1e-9);
        let log_normal = drawn(&Think::LogNormal {
            median: second,
            sigma: 0.6,
        });
        assert!(
            (log_normal[10_000] - 1.0).abs() < 0.03
                && log_normal[19_999] <= (0.6_f64 * 4.0).exp() + 1e-9
        );
        assert!(
            (log_normal[16_827].ln() - 0.6).abs() < 0.03,
            "one sigma above the median"
        );
    }
}

//! The load section of a file.

use schemars::JsonSchema;
use serde::Deserialize;

use super::text::{DurationText, NameText, RateText};

/// How many shoppers arrive when.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(tag = "model", rename_all = "kebab-case")]
#[schemars(title = "load")]
pub enum LoadShape {
    /// Shoppers arrive on a schedule, whatever the shop does.
    Open(OpenShape),
    /// So many shoppers, each beginning again when it has finished.
    Closed(ClosedShape),
    /// One journey after the other.
    OneByOne(OneByOneShape),
}

/// Shoppers arrive on a schedule, whatever the shop does.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "open load")]
pub struct OpenShape {
    /// How arrivals lie in time: `poisson` (the default, as people come) or `even`.
    pub spacing: Option<SpacingShape>,
    /// Stretches of time, one after the other.
    #[schemars(length(min = 1, max = 1000))]
    pub phases: Vec<PhaseShape>,
}

/// So many shoppers, each beginning again when it has finished: the same number all the time, or phases.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "closed load")]
pub struct ClosedShape {
    /// Shoppers at the same time.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub shoppers: Option<u32>,
    /// Stretches of time, one after the other, instead of `shoppers` and `for`.
    #[schemars(length(min = 1, max = 1000))]
    pub phases: Option<Vec<CrowdPhaseShape>>,
    /// Ends after this long.
    pub r#for: Option<DurationText>,
    /// Ends after this many journeys.
    #[schemars(range(min = 1))]
    pub journeys: Option<u64>,
}

/// A stretch of a closed load. A shopper who is one too many leaves at the end of its journey.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "closed phase")]
pub struct CrowdPhaseShape {
    /// Thresholds refer to it.
    pub name: NameText,
    /// How long the phase lasts.
    pub r#for: DurationText,
    /// The same number of shoppers throughout; 0 is a pause.
    #[schemars(range(max = 10_000_000))]
    pub shoppers: Option<u32>,
    /// From one number of shoppers to another, one at a time.
    pub ramp: Option<CrowdRampShape>,
    /// A staircase.
    pub steps: Option<CrowdStepsShape>,
}

/// From one number of shoppers to another.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "ramp of shoppers")]
pub struct CrowdRampShape {
    /// Shoppers at the start.
    #[schemars(range(max = 10_000_000))]
    pub from: u32,
    /// Shoppers at the end.
    #[schemars(range(max = 10_000_000))]
    pub to: u32,
}

/// A staircase of shoppers with stairs of equal length.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "staircase of shoppers")]
pub struct CrowdStepsShape {
    /// Shoppers on the first stair.
    #[schemars(range(max = 10_000_000))]
    pub from: u32,
    /// Shoppers on the last stair.
    #[schemars(range(max = 10_000_000))]
    pub to: u32,
    /// Number of stairs, 2 to 10,000.
    #[schemars(range(min = 2, max = 10_000))]
    pub count: u32,
}

/// One journey after the other.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "one-by-one load")]
pub struct OneByOneShape {
    /// How many; default 1.
    #[schemars(range(min = 1))]
    pub journeys: Option<u64>,
}

/// How arrivals lie in time.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SpacingShape {
    /// At random, as people come.
    Poisson,
    /// At equal distances.
    Even,
}

/// A stretch of time with one curve.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "phase")]
pub struct PhaseShape {
    /// Thresholds refer to it.
    pub name: NameText,
    /// How long the phase lasts; a replay without it lasts as long as its file.
    pub r#for: Option<DurationText>,
    /// The same rate throughout.
    pub rate: Option<RateText>,
    /// From one rate to another along a straight line.
    pub ramp: Option<RampShape>,
    /// A staircase.
    pub steps: Option<StepsShape>,
    /// A rate with a burst.
    pub spike: Option<SpikeShape>,
    /// A day's rise and fall.
    pub diurnal: Option<DiurnalShape>,
    /// A CSV file with the columns `time` (seconds, or with a unit) and `rate` (a second, or with a unit); relative
    /// to the scenario file.
    pub replay: Option<String>,
}

/// From one rate to another along a straight line.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "ramp")]
pub struct RampShape {
    /// Rate at the start; may be `0/s`.
    pub from: RateText,
    /// Rate at the end; may be `0/s`.
    pub to: RateText,
}

/// A staircase of equal steps.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "staircase")]
pub struct StepsShape {
    /// Rate of the first step.
    pub from: RateText,
    /// Rate of the last step.
    pub to: RateText,
    /// Number of steps, 2 to 10,000.
    #[schemars(range(min = 2, max = 10_000))]
    pub count: u32,
}

/// A rate with a burst.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "spike")]
pub struct SpikeShape {
    /// Rate outside the burst.
    pub base: RateText,
    /// Rate inside it.
    pub peak: RateText,
    /// Begin of the burst since the phase began.
    pub at: DurationText,
    /// Length of the burst.
    pub width: DurationText,
}

/// A day's rise and fall: a cosine between two rates.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "diurnal curve")]
pub struct DiurnalShape {
    /// Lowest rate.
    pub low: RateText,
    /// Highest rate.
    pub high: RateText,
    /// Length of a day; default: the phase.
    pub period: Option<DurationText>,
    /// Time of the first maximum; default: the middle of the period.
    pub peak_at: Option<DurationText>,
}

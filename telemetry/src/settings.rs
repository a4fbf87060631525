//! Where telemetry goes: the variables that OpenTelemetry, Datadog and Sentry define, and flags of the same meaning, parsed
//! once into [`Settings`] or into every problem at once. Pure: the edge of the program hands in the environment. Must not know
//! exporters. The table of variables for people is `docs/telemetry.md`.

mod datadog;
mod input;
mod otlp;
mod resource;
mod sampler;
#[cfg(test)]
mod tests;

pub use datadog::{DogstatsdAddress, DogstatsdSettings};
pub use input::{Environment, Problem, Problems};
pub use otlp::OtlpSettings;
pub use resource::ResourceSettings;

use crate::trace::Sampler;
use input::Input;

/// What is sent where; the default sends nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Settings {
    /// What is said about all services of the process.
    pub resource: ResourceSettings,
    /// Which traces are kept.
    pub sampler: Sampler,
    /// Where spans go in OTLP.
    pub otlp: Option<OtlpSettings>,
    /// Where metrics go by DogStatsD.
    pub dogstatsd: Option<DogstatsdSettings>,
}

impl Settings {
    /// The settings that an environment describes. A variable that is set to nothing counts as absent.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(environment: &Environment<'_>) -> Result<Self, Problems> {
        let mut input = Input::new(environment);
        let settings = Self {
            resource: resource::parse(&mut input),
            sampler: sampler::parse(&mut input),
            otlp: otlp::parse(&mut input),
            dogstatsd: datadog::dogstatsd(&mut input),
        };
        input.finish(settings)
    }
}

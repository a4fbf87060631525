//! Which traces are kept.

use super::input::{Given, Input};
use crate::trace::Sampler;

const NAMES: &str = "parentbased_always_on, parentbased_always_off, parentbased_traceidratio, always_on, always_off, traceidratio";

pub(super) fn parse(input: &mut Input<'_>) -> Sampler {
    let Some(name) = input.get("OTEL_TRACES_SAMPLER") else {
        let rate = input.get("DD_TRACE_SAMPLE_RATE");
        let share = input.parsed(rate, share);
        return share.map_or_else(Sampler::default, Sampler::parent_or_ratio);
    };
    let argument = input.get("OTEL_TRACES_SAMPLER_ARG");
    let ratio = name.text.ends_with("traceidratio");
    // Other samplers have no argument.
    let share = input.parsed(argument.filter(|_| ratio), share);
    named(&name, share.unwrap_or(1.0)).unwrap_or_else(|| {
        let message = format!("`{}` is no sampler; use one of {NAMES}", name.text);
        input.problem(name.name, message);
        Sampler::default()
    })
}

fn named(name: &Given, share: f64) -> Option<Sampler> {
    Some(match name.text.as_str() {
        "always_on" => Sampler::ratio(1.0),
        "always_off" => Sampler::ratio(0.0),
        "traceidratio" => Sampler::ratio(share),
        "parentbased_always_on" => Sampler::parent_or_ratio(1.0),
        "parentbased_always_off" => Sampler::parent_or_ratio(0.0),
        "parentbased_traceidratio" => Sampler::parent_or_ratio(share),
        _ => return None,
    })
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok();
    share
        .filter(|share| (0.0..=1.0).contains(share))
        .ok_or_else(|| format!("`{text}` is no share; write a number from 0 to 1, such as 0.1"))
}

//! Cold start: the first request to search and recommendations takes as long as a function that has to be started.

use std::sync::Arc;

use super::{Armed, Decision, Fault, Faults, Given, Parameter, Point, Refused};

/// See the module.
pub(super) struct ColdStart;

const DELAY: Parameter = Parameter {
    name: "delay",
    meaning: "how long a start takes, such as 2s",
    default: Some("2s"),
};

impl Fault for ColdStart {
    fn name(&self) -> &'static str {
        "cold_start"
    }

    fn parameters(&self) -> &'static [Parameter] {
        &[DELAY]
    }

    fn signature(&self) -> &'static str {
        "the first call of a service is slow, the later ones are not"
    }

    fn install(&self, faults: &Faults, given: &Given) -> Result<Armed, Refused> {
        let delay = given.duration(&DELAY)?;
        let effect = move |_: Point, _: &str| Decision::Delay(delay);
        Ok(faults.arm(&[Point::Startup], Arc::new(effect)))
    }
}

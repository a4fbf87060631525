//! Payment outage: the payment provider cannot be reached.

use std::sync::Arc;

use super::{Armed, Decision, Fault, Faults, Given, Injected, Parameter, Point, Refused};

/// See the module.
pub(super) struct PaymentOutage;

impl Fault for PaymentOutage {
    fn name(&self) -> &'static str {
        "payment_outage"
    }

    fn parameters(&self) -> &'static [Parameter] {
        &[]
    }

    fn signature(&self) -> &'static str {
        "client spans to the payment provider with the error `unavailable`, payments that wait, no declines"
    }

    fn install(&self, faults: &Faults, _: &Given) -> Result<Armed, Refused> {
        let refused = |_: Point, _: &str| Decision::Fail(Injected("connection refused".to_owned()));
        Ok(faults.arm(&[Point::PaymentCall], Arc::new(refused)))
    }
}

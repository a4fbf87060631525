//! Mail outage: the mail provider cannot be reached.

use std::sync::Arc;

use super::{Armed, Decision, Fault, Faults, Given, Injected, Parameter, Point, Refused};

/// See the module.
pub(super) struct MailOutage;

impl Fault for MailOutage {
    fn name(&self) -> &'static str {
        "mail_outage"
    }

    fn parameters(&self) -> &'static [Parameter] {
        &[]
    }

    fn signature(&self) -> &'static str {
        "client spans to the mail provider with the error `unavailable`, mails that wait; checkout is healthy"
    }

    fn install(&self, faults: &Faults, _: &Given) -> Result<Armed, Refused> {
        let refused = |_: Point, _: &str| Decision::Fail(Injected("connection refused".to_owned()));
        Ok(faults.arm(&[Point::MailSend], Arc::new(refused)))
    }
}

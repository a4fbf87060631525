//! Faults: what can be broken on purpose, one file each, and the switches that they are armed at.
//!
//! To add one, write a file with its [`Fault`] and name it in [`FAULTS`]. Where it can act are the [`Point`]s. It must not know
//! services, stores or the pipeline.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::duration::parse_duration;

mod cold_start;
mod mail_outage;
mod payment_outage;
pub mod point;

pub use point::{Armed, Decision, Effect, Faults, Injected, Point};

/// One kind of fault.
pub trait Fault: Sync {
    /// What it is called in scenario files and commands.
    fn name(&self) -> &'static str;
    /// What can be said about it.
    fn parameters(&self) -> &'static [Parameter];
    /// The mark that it must leave in what is observed.
    fn signature(&self) -> &'static str;
    /// Arms it. It acts until the handle is dropped, and leaves no trace.
    fn install(&self, faults: &Faults, given: &Given) -> Result<Armed, Refused>;
}

/// Every fault. The only such list.
pub const FAULTS: &[&dyn Fault] = &[
    &cold_start::ColdStart,
    &mail_outage::MailOutage,
    &payment_outage::PaymentOutage,
];

/// The fault of this name.
pub fn find(name: &str) -> Option<&'static dyn Fault> {
    FAULTS.iter().copied().find(|fault| fault.name() == name)
}

/// Arms the fault of this name.
pub fn install(name: &str, faults: &Faults, given: &Given) -> Result<Armed, Refused> {
    let fault = find(name).ok_or_else(|| {
        let known: Vec<_> = FAULTS.iter().map(|fault| fault.name()).collect();
        Refused(format!(
            "no fault is called `{name}`; the faults are {}",
            known.join(", ")
        ))
    })?;
    given.only(fault.parameters())?;
    fault.install(faults, given)
}

/// Something that can be said about a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it means, with its unit.
    pub meaning: &'static str,
    /// What it is when nothing is said; without one it must be said.
    pub default: Option<&'static str>,
}

/// What was said about a fault, by the names of its parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Given(BTreeMap<String, String>);

/// Why a fault cannot be armed, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub String);

impl Given {
    /// Adds a parameter.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.insert(name.into(), value.into());
        self
    }

    /// Refuses what the fault does not have.
    fn only(&self, parameters: &[Parameter]) -> Result<(), Refused> {
        let unknown = |name: &&String| !parameters.iter().any(|known| known.name == **name);
        match self.0.keys().find(unknown) {
            None => Ok(()),
            Some(name) => {
                let known: Vec<_> = parameters.iter().map(|known| known.name).collect();
                Err(Refused(format!(
                    "this fault has no parameter `{name}`; it has: {}",
                    known.join(", ")
                )))
            }
        }
    }

    /// A parameter, or its default.
    fn text(&self, parameter: &Parameter) -> Result<&str, Refused> {
        let given = self.0.get(parameter.name).map(String::as_str);
        given
            .or(parameter.default)
            .ok_or_else(|| Refused(format!("say `{}`: {}", parameter.name, parameter.meaning)))
    }

    /// A parameter that is a duration such as `250ms`.
    fn duration(&self, parameter: &Parameter) -> Result<Duration, Refused> {
        parse_duration(self.text(parameter)?)
            .map_err(|problem| Refused(format!("`{}`: {problem}", parameter.name)))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_fault_is_found_by_its_name_and_says_what_it_leaves() {
        let names: BTreeSet<_> = FAULTS.iter().map(|fault| fault.name()).collect();
        assert_eq!(names.len(), FAULTS.len(), "{names:?}");
        for fault in FAULTS {
            assert_eq!(find(fault.name()).map(Fault::name), Some(fault.name()));
            assert!(!fault.signature().is_empty(), "{}", fault.name());
        }
    }

    #[test]
    fn what_cannot_be_armed_is_refused_with_the_reason() {
        let faults = Faults::default();
        let refused = |name: &str, given: Given| {
            let refused = install(name, &faults, &given).err();
            refused.map(|reason| reason.0).unwrap_or_default()
        };
        assert!(refused("rust", Given::default()).contains("the faults are cold_start"));
        let soon = Given::default().with("delay", "soon");
        assert!(refused("cold_start", soon).contains("`delay`: `soon` is not a duration"));
        let odd = Given::default().with("share", "1");
        assert!(refused("cold_start", odd).contains("it has: delay"));
        assert_eq!(format!("{faults:?}"), "Faults(0 armed)");
    }
}

//! Conditions that are decided before a run begins.

use std::collections::BTreeSet;

use checked_yaml::closest;

use super::names::{Names, Scope};
use crate::scenario::{Comparison, Condition, Persona, Test};
use crate::template::Slot;

/// Whether a condition can hold.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Truth {
    /// It always does, for this reason.
    Always(String),
    /// It never does, for this reason.
    Never(String),
    /// Both happens.
    Open,
}

/// What is known at some point of a journey.
pub(super) struct Facts<'a> {
    pub(super) personas: &'a [Persona],
    /// Outcomes of the steps so far.
    pub(super) outcomes: &'a BTreeSet<String>,
    /// Variables that may be set.
    pub(super) scope: &'a Scope,
    pub(super) names: &'a Names,
}

impl Facts<'_> {
    /// Decides a condition as far as that is possible.
    pub(super) fn truth(&self, condition: &Condition) -> Truth {
        match condition {
            Condition::Chance(share) if *share <= 0.0 => {
                Truth::Never("a chance of 0% is none".to_owned())
            }
            Condition::Chance(share) if *share >= 1.0 => {
                Truth::Always("a chance of 100% is certain".to_owned())
            }
            Condition::Returning => self.returning(),
            Condition::Persona(index) => self.persona(*index),
            Condition::Outcome(name) => self.outcome(name),
            Condition::Variable(slot, Comparison::Exists) => self.variable(*slot),
            Condition::Variable(slot, Comparison::Missing) => opposite(self.variable(*slot)),
            Condition::Response(Test::Status(ranges))
                if ranges.iter().all(|(from, to)| from > to) =>
            {
                Truth::Never("there is no such status".to_owned())
            }
            Condition::Not(inner) => opposite(self.truth(inner)),
            Condition::All(parts) => self.all(parts),
            Condition::Any(parts) => self.any(parts),
            _ => Truth::Open,
        }
    }

    fn returning(&self) -> Truth {
        if self.personas.iter().all(|persona| persona.returning <= 0.0) {
            return Truth::Never("no persona has a share of `returning` shoppers".to_owned());
        }
        if self.personas.iter().all(|persona| persona.returning >= 1.0) {
            return Truth::Always("all personas are returning at 100%".to_owned());
        }
        Truth::Open
    }

    fn persona(&self, index: usize) -> Truth {
        match self.personas {
            [only] if index == 0 => Truth::Always(format!("`{}` is the only persona", only.name)),
            _ => Truth::Open,
        }
    }

    fn outcome(&self, name: &str) -> Truth {
        if self.outcomes.contains(name) {
            return Truth::Open;
        }
        let known = self.outcomes.iter().map(String::as_str);
        let slip = closest(name, known)
            .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        Truth::Never(format!("no earlier step has the outcome `{name}`{slip}"))
    }

    fn variable(&self, slot: Slot) -> Truth {
        if self.scope.holds(slot) {
            return Truth::Open;
        }
        let name = self
            .names
            .variables()
            .find(|(known, _)| *known == slot)
            .map_or("", |(_, name)| name);
        Truth::Never(format!("no earlier step sets `{name}`"))
    }

    fn all(&self, parts: &[Condition]) -> Truth {
        let truths: Vec<Truth> = parts.iter().map(|part| self.truth(part)).collect();
        if let Some(never) = truths.iter().find(|truth| matches!(truth, Truth::Never(_))) {
            return never.clone();
        }
        if contradictory_statuses(parts) {
            return Truth::Never("no status satisfies all of it".to_owned());
        }
        match truths.first() {
            Some(first) if truths.iter().all(|truth| matches!(truth, Truth::Always(_))) => {
                first.clone()
            }
            _ => Truth::Open,
        }
    }

    fn any(&self, parts: &[Condition]) -> Truth {
        let truths: Vec<Truth> = parts.iter().map(|part| self.truth(part)).collect();
        if let Some(always) = truths
            .iter()
            .find(|truth| matches!(truth, Truth::Always(_)))
        {
            return always.clone();
        }
        match truths.first() {
            Some(first) if truths.iter().all(|truth| matches!(truth, Truth::Never(_))) => {
                first.clone()
            }
            _ => Truth::Open,
        }
    }
}

fn opposite(truth: Truth) -> Truth {
    match truth {
        Truth::Always(reason) => Truth::Never(reason),
        Truth::Never(reason) => Truth::Always(reason),
        Truth::Open => Truth::Open,
    }
}

/// Whether no status satisfies all status tests among the parts.
fn contradictory_statuses(parts: &[Condition]) -> bool {
    let allows = |part: &Condition, status: u16| match part {
        Condition::Response(Test::Status(ranges)) => ranges
            .iter()
            .any(|(from, to)| (*from..=*to).contains(&status)),
        Condition::Not(inner) => match inner.as_ref() {
            Condition::Response(Test::Status(ranges)) => !ranges
                .iter()
                .any(|(from, to)| (*from..=*to).contains(&status)),
            _ => true,
        },
        _ => true,
    };
    !(100..=599).any(|status| parts.iter().all(|part| allows(part, status)))
}

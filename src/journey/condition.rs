//! Whether a condition holds for a shopper now.

use crate::response::Response;
use crate::scenario::Condition;
use crate::shopper::{ScenarioData, Shopper};

impl Condition {
    /// Evaluates the condition; `last` is the response of the last step, if it had one.
    pub fn holds(
        &self,
        world: &ScenarioData,
        shopper: &mut Shopper,
        last: Option<&Response>,
    ) -> bool {
        match self {
            Self::Response(test) => {
                last.is_some_and(|response| test.passes(world, shopper, response))
            }
            Self::Variable(slot, comparison) => {
                let comparison = comparison.resolved(world, shopper);
                comparison.holds(&shopper.variable(*slot).as_scalar())
            }
            Self::Persona(index) => shopper.persona_index() == *index,
            Self::Returning => shopper.is_returning(),
            Self::Chance(probability) => shopper.walk().chance(*probability),
            Self::Outcome(name) => last.is_some_and(|response| response.ended_in(name, world)),
            Self::Not(inner) => !inner.holds(world, shopper, last),
            Self::All(inner) => inner
                .iter()
                .all(|condition| condition.holds(world, shopper, last)),
            Self::Any(inner) => inner
                .iter()
                .any(|condition| condition.holds(world, shopper, last)),
        }
    }

    /// Whether the last response matters to it.
    pub(super) fn looks_at_response(&self) -> bool {
        match self {
            Self::Response(_) | Self::Outcome(_) => true,
            Self::Variable(..) | Self::Persona(_) | Self::Returning | Self::Chance(_) => false,
            Self::Not(inner) => inner.looks_at_response(),
            Self::All(inner) | Self::Any(inner) => inner.iter().any(Self::looks_at_response),
        }
    }
}

impl Response {
    fn ended_in(&self, name: &str, world: &ScenarioData) -> bool {
        self.outcome.is_some_and(|(step, index)| {
            let outcomes = world
                .scenario()
                .steps
                .get(usize::from(step.0))
                .map(|step| step.outcomes.as_slice());
            outcomes
                .and_then(|outcomes| outcomes.get(index))
                .is_some_and(|outcome| outcome.name == name)
        })
    }
}

//! States of other monitors, combined. ALERT, WARN and NO DATA are worth an alert, OK is not.

use crate::query::tree::{Condition, Reference};

use super::state::State;

/// The state of a composite, from the states of its monitors. Not the last state that it keeps where NO DATA is not notified:
/// that is for whoever knows the last state.
pub fn composite(condition: &Condition, of: &impl Fn(&Reference) -> State) -> State {
    match condition {
        Condition::Monitor(reference) => of(reference),
        Condition::Group(inner) => composite(inner, of),
        Condition::Not(inner) => match composite(inner, of) {
            State::Ok => State::Alert,
            State::NoData => State::NoData,
            State::Warn | State::Alert => State::Ok,
        },
        // The least severe, and OK is the least.
        Condition::All(items) => {
            let states = items.iter().map(|item| composite(item, of));
            states.min().unwrap_or(State::Ok)
        }
        Condition::Any(items) => {
            let states = items.iter().map(|item| composite(item, of));
            states.max().unwrap_or(State::Ok)
        }
    }
}

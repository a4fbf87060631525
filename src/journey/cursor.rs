//! A shopper's place in its journey.

use std::time::Duration;

use super::{Op, Program, list};
use crate::response::Response;
use crate::scenario::StepId;
use crate::shopper::{ScenarioData, Shopper};
use crate::template::Value;

/// Operations without an action that one call may go through; only a loop that never acts needs more.
const OPS_PER_CALL_MAX: u32 = 10_000;

/// Where a shopper is: all that a waiting journey needs besides the shopper.
#[derive(Debug, Clone)]
pub struct Cursor {
    pc: u16,
    counters: Box<[u32]>,
}

/// What a shopper does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action<'p> {
    /// Send one request and call again with its response.
    Send(StepId),
    /// Send all of them, wait for all, and call again with the response of the last one.
    Together(&'p [StepId]),
    /// Wait so long.
    Think(Duration),
    /// The shopper has left before the end.
    Left,
    /// The journey is complete.
    Done,
    /// The journey went round without doing anything: a mistake in the scenario, counted as an error.
    Stuck,
}

impl Cursor {
    /// At the start of a journey.
    pub fn new(program: &Program) -> Self {
        Self {
            pc: 0,
            counters: vec![0; program.counters.into()].into(),
        }
    }

    /// Goes on to the next action; `last` is the response of the last step, if it had one.
    pub fn next<'p>(
        &mut self,
        program: &'p Program,
        world: &ScenarioData,
        shopper: &mut Shopper,
        last: Option<&Response>,
    ) -> Action<'p> {
        for _ in 0..OPS_PER_CALL_MAX {
            let Some(op) = program.ops.get(usize::from(self.pc)) else {
                return Action::Done;
            };
            self.pc = self.pc.saturating_add(1);
            match op {
                Op::Send(step) => return Action::Send(*step),
                Op::Together(steps) => return Action::Together(steps),
                Op::Think(think) => {
                    let time = think.draw(shopper.walk());
                    return Action::Think(shopper.paced(world, time));
                }
                Op::Leave(probability) if shopper.walk().chance(*probability) => {
                    self.pc = u16::MAX;
                    return Action::Left;
                }
                Op::Leave(_) => {}
                op => self.steer(op, world, shopper, last),
            }
        }
        self.pc = u16::MAX;
        Action::Stuck
    }

    /// Whether the last response can still matter before the next request: if not, it need not be kept while thinking.
    pub fn needs_response(&self, program: &Program) -> bool {
        program.may_come_to(self.pc, |op| match op {
            Op::Unless(condition, _) if condition.looks_at_response() => Some(true),
            Op::Send(_) | Op::Together(_) => Some(false),
            _ => None,
        })
    }

    /// Operations that change the place or the variables.
    fn steer(
        &mut self,
        op: &Op,
        world: &ScenarioData,
        shopper: &mut Shopper,
        last: Option<&Response>,
    ) {
        match op {
            Op::Set(slot, expr) => {
                let value = expr.evaluate(world, shopper);
                shopper.set_variable(*slot, value);
            }
            Op::Unless(condition, to) => {
                if !condition.holds(world, shopper, last) {
                    self.pc = *to;
                }
            }
            Op::Jump(to) => self.pc = *to,
            Op::Choose(branches) => {
                let chosen = shopper
                    .walk()
                    .weighted(branches.iter().map(|(weight, _)| *weight));
                if let Some((_, to)) = chosen.and_then(|index| branches.get(index)) {
                    self.pc = *to;
                }
            }
            Op::Repeat(counter, from, to) => {
                let times = shopper.walk().between((*from).into(), (*to).into());
                self.set_counter(*counter, times as u32);
            }
            Op::Each {
                counter,
                list,
                from,
                rounds_max,
            } => {
                let value = from.evaluate(world, shopper);
                self.set_counter(*counter, rounds(&value, *rounds_max));
                shopper.set_variable(*list, value);
            }
            Op::Item {
                counter,
                list,
                rounds_max,
                item,
            } => {
                let value = shopper.variable(*list);
                let ahead = self.counter(*counter) + 1;
                let index = rounds(value, *rounds_max).saturating_sub(ahead);
                let value = list::item(value, index as usize);
                shopper.set_variable(*item, value);
            }
            Op::Next(counter, to) => match self.counter(*counter).checked_sub(1) {
                Some(left) => self.set_counter(*counter, left),
                None => self.pc = *to,
            },
            Op::Send(_) | Op::Together(_) | Op::Think(_) | Op::Leave(_) => {}
        }
    }

    fn counter(&self, counter: u8) -> u32 {
        self.counters
            .get(usize::from(counter))
            .copied()
            .unwrap_or(0)
    }

    fn set_counter(&mut self, counter: u8, value: u32) {
        if let Some(place) = self.counters.get_mut(usize::from(counter)) {
            *place = value;
        }
    }
}

/// How often a loop over a list goes round.
fn rounds(list: &Value, most: u32) -> u32 {
    u32::try_from(list::length(list)).map_or(most, |length| length.min(most))
}

#[cfg(test)]
mod tests;

//! PURE: what a shopper does next, from its random numbers and the last response.
//!
//! A journey is compiled to a flat list of operations with jumps, so that a waiting shopper's whole position is a program
//! counter and a few loop counters. Must not know: clocks, IO, the runtime.

use crate::scenario::model::ids::StepId;
use crate::scenario::model::test::Condition;
use crate::scenario::model::think::Think;
use crate::template::{Expr, Slot};

mod condition;
mod cursor;
mod list;
mod think;

pub use cursor::{Action, Cursor};

/// A compiled journey.
#[derive(Debug, Clone, Default)]
pub struct Program {
    /// Operations; execution begins at 0 and ends past the last.
    pub ops: Vec<Op>,
    /// Loop counters needed.
    pub counters: u8,
}

impl Program {
    /// Whether a shopper that goes on at operation `from` may send something at once, neither thinking nor leaving first.
    pub fn may_send_at_once(&self, from: u16) -> bool {
        self.may_come_to(from, |op| match op {
            Op::Send(_) | Op::Together(_) => Some(true),
            Op::Think(think) => think.is_pause().then_some(false),
            _ => None,
        })
    }

    /// Whether an operation that is sought may come on a way from operation `from`. `sought` says of each on a way whether it is
    /// one (`Some(true)`), or at least the last that matters (`Some(false)`).
    fn may_come_to(&self, from: u16, sought: impl Fn(&Op) -> Option<bool>) -> bool {
        let mut seen = vec![false; self.ops.len()];
        let mut open = vec![from];
        while let Some(pc) = open.pop() {
            let place = usize::from(pc);
            let Some(op) = self.ops.get(place) else {
                continue;
            };
            if std::mem::replace(&mut seen[place], true) {
                continue;
            }
            match (sought(op), op) {
                (Some(true), _) => return true,
                (Some(false), _) => {}
                (None, Op::Jump(to)) => open.push(*to),
                (None, Op::Unless(_, to) | Op::Next(_, to)) => {
                    open.extend([pc.saturating_add(1), *to]);
                }
                (None, Op::Choose(branches)) => open.extend(branches.iter().map(|(_, to)| *to)),
                (None, _) => open.push(pc.saturating_add(1)),
            }
        }
        false
    }
}

/// One operation.
#[derive(Debug, Clone)]
pub enum Op {
    /// Send one request and wait for its answer.
    Send(StepId),
    /// Send all and wait for all of the answers (a page load).
    Together(Vec<StepId>),
    /// Wait.
    Think(Think),
    /// Set a variable.
    Set(Slot, Expr),
    /// Go to `.1` when the condition does not hold.
    Unless(Condition, u16),
    /// Go there.
    Jump(u16),
    /// Go to one of the places, by weight.
    Choose(Vec<(f64, u16)>),
    /// Set loop counter `.0` to a number drawn evenly from the inclusive range.
    Repeat(u8, u32, u32),
    /// Count loop counter `.0` down; go to `.1` when it was 0 (before counting).
    Next(u8, u16),
    /// Keep the list that `from` gives in a variable, and set loop counter `counter` to its length, `rounds_max` at most.
    Each {
        /// The loop's counter.
        counter: u8,
        /// Where the list is kept.
        list: Slot,
        /// What gives it. What is no list counts as a list of one, what is not set as one of none.
        from: Expr,
        /// Most rounds.
        rounds_max: u32,
    },
    /// Set a variable to the item of the list whose turn it is.
    Item {
        /// The loop's counter.
        counter: u8,
        /// Where the list is kept.
        list: Slot,
        /// Most rounds.
        rounds_max: u32,
        /// What is set.
        item: Slot,
    },
    /// Leave the shop with this probability, 0…1 (drop-off).
    Leave(f64),
}

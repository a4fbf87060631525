//! PURE: what a shopper does next, from its random numbers and the last response.
//!
//! A journey is compiled to a flat list of operations with jumps, so that a waiting shopper's whole position is a program
//! counter and a few loop counters. Must not know: clocks, IO, the runtime.

use crate::scenario::{Condition, StepId, Think};
use crate::template::{Expr, Slot};

mod condition;
mod cursor;
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
    /// Leave the shop with this probability, 0…1 (drop-off).
    Leave(f64),
}

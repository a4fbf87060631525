//! RUM events: what the browser SDK of a shop's pages would tell an intake about the shoppers of a run.
//!
//! Workers hand over small [`record`]s of what their shoppers did; a thread of its own turns them into the events of one
//! [`session`] each: views with [`vitals`] worked out from the measured times, actions, resources, errors, long tasks. A
//! browser's events leave in [`batch`]es. docs/rum.md states every rule and distribution.
//!
//! PURE but for [`thread`] and [`delivery`]: times come with the records, chance from the run's seed. Must not know: how requests
//! are sent, and what a run measures of itself.

pub mod batch;
mod clicks;
pub mod delivery;
mod event;
mod exchange;
pub mod record;
pub mod scene;
pub mod session;
pub mod settings;
pub mod thread;
mod view;
pub mod visitor;
mod vitals;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;

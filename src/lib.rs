//! loadgen: seeded, open-loop shoppers against a shop, measured honestly.
//!
//! Read in this order: [`scenario`] (what is asked for), [`template`] and [`journey`] (what a shopper does),
//! [`schedule`] (when shoppers arrive), [`rng`] (where chance comes from).

pub mod journey;
pub mod rng;
pub mod scenario;
pub mod schedule;
pub mod template;

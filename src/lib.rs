//! loadgen: seeded, open-loop shoppers against a shop, measured honestly.
//!
//! Read in this order: [`scenario`] (what is asked for), [`template`] and [`journey`] (what a shopper does).

pub mod journey;
pub mod scenario;
pub mod template;

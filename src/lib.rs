//! loadgen: seeded, open-loop shoppers against a shop, measured honestly.
//!
//! Read in this order: [`scenario`] (what is asked for), [`schedule`] (when shoppers arrive), [`shopper`] (who they are),
//! [`journey`] (what they do), [`template`] and [`data`] (what they say), [`feeder`] (rows from files), [`response`]
//! (what came back), [`rng`] and [`permutation`] (where chance comes from).

pub mod data;
pub mod feeder;
pub mod journey;
pub mod permutation;
pub mod response;
pub mod rng;
pub mod scenario;
pub mod schedule;
pub mod shopper;
pub mod template;
pub mod transport;
pub mod engine;

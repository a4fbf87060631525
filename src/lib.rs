//! loadgen: seeded, open-loop shoppers against a shop, measured honestly.
//!
//! Read in this order: [`cli`] and [`exit`] (what can be asked for, and how it ends), [`commands`] (what answers), [`run`] (a run as a
//! value) and [`embedded_shop`] (what it is made against where no target is named),
//! [`scenario`] (a valid scenario), [`import`] (scenarios from what other programs recorded), [`template`], [`data`] and [`feeder`]
//! (where values come from), [`shopper`] (who someone is), [`journey`], [`response`] and [`json_path`] (what a shopper does, and makes
//! of an answer), [`schedule`] (when shoppers arrive),
//! [`rng`], [`run_id`] and [`permutation`] (where chance comes from, and what keeps the keys of two runs apart), [`engine`] (runs it), [`control`] (what it is told meanwhile), [`transport`] (the one door to the network),
//! [`measure`] (samples to histograms), [`verdict`] (can it be trusted, was it good enough), [`redact`] (what may be shown of it), [`receive`] and [`recording`] (what the
//! system under test told of itself meanwhile), [`report`] (the record of a run), [`audit`] (was every promise kept), [`selftest`] (what the generator is worth on this machine), [`rum`] (what the shoppers' browsers tell an intake), [`own`] (the generator looks at itself), [`colour`] (whether anybody wants any).

pub mod audit;
pub mod cli;
pub mod colour;
pub mod commands;
pub mod control;
pub mod data;
pub mod embedded_shop;
pub mod engine;
pub mod exit;
pub mod feeder;
pub mod import;
pub mod journey;
pub mod json_path;
mod latin1;
pub mod log;
pub mod measure;
pub mod own;
pub mod permutation;
mod protocol;
pub mod receive;
pub mod recording;
pub mod redact;
pub mod report;
pub mod response;
pub mod rng;
pub mod rum;
pub mod run;
pub mod run_id;
mod runtime;
pub mod scenario;
pub mod schedule;
pub mod selftest;
pub mod shopper;
pub mod template;
pub mod transport;
pub mod tui;
pub mod verdict;
pub mod watch;

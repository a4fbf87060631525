//! Proves on this machine that arrivals are on time and percentiles are right.

pub mod target;

//! Runs a scenario and owns every task of the run.
pub mod timer;

//! Everything through the crate's public door, as one binary so that it links once.

mod bad;
mod convergence;
mod drift;
mod environments;
mod generated;
mod plan;
mod queries;
mod shipped;
mod sketch;
mod states;
mod support;
mod update;
mod vectors;
mod windows;

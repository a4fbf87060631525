//! Samples in, histograms out.
//!
//! Each worker records into its own [`Recorder`], which nothing else touches; at every tick it hands the [`Window`] since the
//! last one to the collector and gets an empty one back. Memory depends on the number of steps and phases, never on the
//! number of samples. Must not know: how samples come about.

pub mod collector;
pub mod collector_setup;
pub mod health;
pub mod histogram;
pub mod journal;
pub mod phases;
pub mod recorder;
pub mod samples;
pub mod snapshot;
mod snapshot_builder;
pub mod stats;
pub mod step_sample;
pub mod ticks;
pub mod totals;
pub mod window;
pub mod worker_report;

pub use histogram::{LatencyHistogram, SIGNIFICANT_DIGITS, TIME_MAX};
pub use phases::{PhaseId, Phases};
pub use recorder::{ON_TIME, Recorder};
pub use stats::{Arrivals, JourneyStats, Replays, StepStats};
pub use step_sample::{Ending, JourneyEnding, Replay, StepSample, Timing};
pub use window::Window;

//! The journal of a run: what is written while it goes on.

use super::samples::Sample;
use super::snapshot::Snapshot;
use super::ticks::TickSum;

/// Where ticks and promises are written.
pub trait Journal: Send {
    /// One tick of the run.
    fn tick(&mut self, tick: &TickSum);
    /// Promises to clients, one line of JSON each.
    fn promises(&mut self, lines: &[String]);
    /// Samples kept so far.
    fn samples(&mut self, samples: &[Sample]);
    /// The state of the run at a tick, for views in other processes.
    fn snapshot(&mut self, snapshot: &Snapshot);
    /// What could not be written and why, if so; it was left alone after that.
    fn failure(&self) -> Option<String>;
}

//! What a worker reports at a tick.

use std::time::Duration;

use super::window::Window;

/// A worker's report at a tick.
#[derive(Debug)]
pub struct WorkerReport {
    /// Which worker.
    pub worker: usize,
    /// Number of the tick, from 0.
    pub tick: u32,
    /// When it handed over, since the run began.
    pub at: Duration,
    /// What it recorded since the one before.
    pub window: Window,
    /// Whether it is the worker's last.
    pub last: bool,
}

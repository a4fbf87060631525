//! The recording of a run: what the system under test tells of itself, in one SQLite file of the run folder.
//!
//! In reading order: [`signal`] (what is recorded), [`intervals`] (observations become points of 10 s), [`traces`] (which traces
//! are kept), [`recorder`] (the thread that writes, and how it is fed), [`schema`] (the file), [`shop_log`] (the
//! embedded shop's own log), [`reader`] (reading it again) and
//! [`waterfall`] (who called whom).
//! Everything is bounded, and what does not fit is counted by reason ([`drops`]). Must not know: protocols, queries, the load.

pub mod drops;
pub mod intervals;
pub mod reader;
pub mod recorder;
mod rows;
pub mod schema;
pub mod shop_log;
pub mod signal;
pub mod traces;
pub mod waterfall;

/// The recording's name in a run folder.
pub const FILE: &str = "telemetry.db";

/// Series beyond these are not recorded.
pub const SERIES_MAX: usize = 20_000;

/// Size at which the file stops growing, bytes.
pub const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// How much this thread yields to those that send the load: as much as the embedded shop does.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 5;

/// Lets the calling thread yield to the threads of the load. Elsewhere than on Linux it would be the whole process.
pub fn yield_to_load() {
    #[cfg(target_os = "linux")]
    // Where the system refuses, the run's own judgement tells whether it mattered.
    let _ = rustix::process::setpriority_process(None, NICENESS);
}

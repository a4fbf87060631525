//! The recording of a run: what the system under test tells of itself, in one SQLite file of the run folder.
//!
//! In reading order: [`signal`] (what is recorded), [`intervals`] (observations become points of 10 s), [`traces`] (which traces
//! are kept), [`recorder`] (the thread that writes, and how it is fed), [`schema`] (the file), [`reader`] (reading it again).
//! Everything is bounded, and what does not fit is counted by reason ([`drops`]). Must not know: protocols, queries, the load.

pub mod drops;
pub mod intervals;
pub mod reader;
pub mod recorder;
mod rows;
pub mod schema;
pub mod signal;
pub mod traces;

/// The recording's name in a run folder.
pub const FILE: &str = "telemetry.db";

/// Series beyond these are not recorded.
pub const SERIES_MAX: usize = 20_000;

/// Size at which the file stops growing, bytes.
pub const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;

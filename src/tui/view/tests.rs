//! Text snapshots.

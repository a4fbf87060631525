//! Walks through small programs.

//! Real servers for tests: each private to whoever starts it, on a free port of this machine, with its files in a
//! temporary folder, ended by its process id and removed when dropped. It must not know what is tested with them.
//!
//! A function here panics when a server cannot be had: a test that needs one has failed.

mod child;
pub mod httpbin;
pub mod postgres;
pub mod prometheus;
mod python;
pub mod redis;
pub mod sqs;

pub use child::free_port;

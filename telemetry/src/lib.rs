//! The vocabulary shared by the shop and its load generator.

pub mod browser;
pub mod catalogue;
pub mod context;
mod identity;
pub mod log;
pub mod metrics;
pub mod span;
pub mod trace;

pub use context::{Context, InCurrentContext};
pub use identity::Identity;

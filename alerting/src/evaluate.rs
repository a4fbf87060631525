//! Evaluation of metric queries and monitors over recorded series, without a server: what value a query has, and what state a
//! monitor would be in. Must not know where series are recorded or how results are shown.
//!
//! In reading order:
//!
//! - [`sketch`]: a distribution in bounded memory; [`series`]: recorded points, and the one trait that gives them
//! - [`grid`]: the buckets of time; [`Plan`]: an expression made ready, and what it comes to at each bucket
//! - [`WindowPlan`]: a metric monitor's query, and the number that it comes to in its window
//! - [`state`]: from a number to a state; [`composite`], [`check`], [`slo`]: the other kinds of monitors
//! - [`Assumption`]: what a value depends on beside the data

mod arithmetic;
mod assumption;
pub mod check;
pub mod composite;
mod data;
mod evaluation;
mod fill;
mod filter;
mod frame;
mod functions;
pub mod grid;
mod leaf;
mod plan;
pub mod series;
pub mod sketch;
pub mod slo;
mod space;
pub mod state;
mod window;

pub use assumption::Assumption;
pub use data::{Data, NeverHadData};
pub use evaluation::{Evaluated, Plan};
pub use frame::Group;
pub use window::{Values, WindowPlan, evaluated_every_s, window};

//! Monitors, SLOs and dashboards as data: what a definition file may say, what is wrong with it, what an API
//! would have to be told. Pure: no IO, clock, environment or network; callers pass file texts and remote objects in.
//!
//! In reading order:
//!
//! - [`definition`]: the shapes of definition files; [`query`]: the query language inside of them; [`catalogue`]: the
//!   metrics that queries may ask for
//! - [`set`]: all files read for one environment and checked against the [`rules`]
//! - [`object`]: one thing to provision, as the API takes it, and its identity
//! - [`normal`], [`update`], [`diff`], [`plan`]: from two sets of objects to the ordered operations that make them
//!   equal
//! - [`evaluate`]: what queries and monitors come to over recorded series
//! - [`prometheus`], [`grafana`], [`cloudwatch`]: the same definitions for those who use these instead

pub mod catalogue;
pub mod cloudwatch;
pub mod definition;
pub mod diff;
pub mod evaluate;
pub mod grafana;
pub mod normal;
pub mod object;
pub mod plan;
pub mod prometheus;
pub mod provided;
pub mod query;
pub mod rules;
pub mod set;
pub mod update;

pub use checked_yaml::write as yaml;

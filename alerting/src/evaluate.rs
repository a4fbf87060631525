//! Evaluation of metric queries and monitors over recorded series, without a server: what value a query has, and what state a
//! monitor would be in. Must not know where series are recorded or how results are shown.
//!
//! In reading order:
//!
//! - [`sketch`]: a distribution in bounded memory; [`series`]: recorded points, and the one trait that gives them

pub mod series;
pub mod sketch;

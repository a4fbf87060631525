//! Rows from files and who gets them. Must not know the files.

use crate::template::Value;

/// Rows from a file.
#[derive(Debug, Clone)]
pub struct Feeder {
    /// Its name in templates.
    pub name: String,
    /// Column names.
    pub columns: Vec<String>,
    /// The rows, each as long as `columns`.
    pub rows: Vec<Vec<Value>>,
    /// In which order shoppers get rows.
    pub order: FeederOrder,
    /// What happens after the last row.
    pub exhausted: Exhausted,
}

/// In which order shoppers get rows. The n-th shopper's row depends on n and the seed alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeederOrder {
    /// Row n for shopper n.
    Sequential,
    /// Any row, evenly.
    Random,
    /// A seeded permutation: each row once before any comes again.
    Unique,
}

/// What happens after the last row of a feeder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exhausted {
    /// Begin again.
    Wrap,
    /// Later journeys are dropped with the reason `feeder_exhausted`.
    Drop,
    /// No shopper arrives any more: the load is over.
    Stop,
}

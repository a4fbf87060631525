//! Indices of steps, names and counters in a scenario. Must not know what they stand for.

/// Index of a [`super::Step`] in [`crate::scenario::Scenario::steps`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepId(pub u16);

/// Index of a step's name in [`crate::scenario::Scenario::figures`]. Steps with one name are measured together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepNameId(pub u16);

/// Index of a business counter in [`crate::scenario::Scenario::counters`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CounterId(pub u16);

//! The shape of a waiver, which any definition may have.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Permission to break a rule in one definition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Waiver {
    /// The rule's name, as shown with the problem.
    pub rule: String,
    /// Why it may be broken here; for whoever reads the file next.
    pub reason: String,
}

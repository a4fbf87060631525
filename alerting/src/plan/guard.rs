//! What keeps a wrong folder or a wrong environment from deleting an org. Knows counts only.

use super::operation::{Action, Operation, Refusal};

/// This many deletes need no permission, however small the set is.
pub const FREE_DELETES: usize = 3;
/// The share of existing objects that a plan may delete unless told otherwise.
pub const DELETE_PERCENT_MAX: u8 = 25;

/// Limits on deleting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guard {
    /// Per cent of the existing objects that may go.
    pub delete_percent_max: u8,
    /// Everything may go; for `destroy`.
    pub allow_delete_all: bool,
}

impl Default for Guard {
    fn default() -> Self {
        Self {
            delete_percent_max: DELETE_PERCENT_MAX,
            allow_delete_all: false,
        }
    }
}

impl Guard {
    pub(super) fn check(
        self,
        operations: &[Operation],
        defined: usize,
        existing: usize,
        namespace: &str,
    ) -> Result<(), Vec<Refusal>> {
        if self.allow_delete_all {
            return Ok(());
        }
        if defined == 0 && existing > 0 {
            return Err(vec![Refusal::Empty {
                namespace: namespace.to_owned(),
                existing,
            }]);
        }
        let deletes = operations
            .iter()
            .filter(|operation| operation.action == Action::Delete)
            .count();
        let percent = self.delete_percent_max;
        if deletes > FREE_DELETES && deletes * 100 > existing * usize::from(percent) {
            return Err(vec![Refusal::TooManyDeletes {
                deletes,
                existing,
                percent,
            }]);
        }
        Ok(())
    }
}

//! What is known where a request is made: secrets, and values of earlier answers.

use url::Origin;

use super::text::{Spelling, Swap, hole, woven};
use super::vault::Vault;

/// What is known where a request is made.
pub(super) struct Making<'a> {
    /// What paths are relative to.
    pub(super) target: &'a Origin,
    /// Secrets.
    pub(super) vault: &'a Vault,
    /// Values from earlier answers that this request sends.
    pub(super) known: &'a [Swap],
    /// Those of the variables in `known` that hold a number.
    pub(super) numbers: &'a [String],
    /// Whether the program's own name is sent: shoppers have none of their own.
    pub(super) keeps_agent: bool,
}

impl Making<'_> {
    /// A value under a name: as a whole from elsewhere, or with parts of it from there.
    pub(super) fn value(&self, name: &str, value: &str) -> String {
        let whole = self.whole(name, value);
        whole.unwrap_or_else(|| self.woven(value, Spelling::Plain))
    }

    /// What stands for the whole of a value.
    pub(super) fn whole(&self, name: &str, value: &str) -> Option<String> {
        let known = self.known.iter().find(|swap| swap.value == value);
        let known = known.map(|swap| hole(&swap.hole));
        known.or_else(|| self.vault.whole(name, value))
    }

    /// A text with values in it.
    pub(super) fn woven(&self, text: &str, spelling: Spelling) -> String {
        woven(text, self.known.iter().chain(self.vault.swaps()), spelling)
    }

    /// Whether what stands for a value is a number wherever it goes.
    pub(super) fn is_number(&self, whole: &str) -> bool {
        self.numbers.iter().any(|name| hole(name) == whole)
    }
}

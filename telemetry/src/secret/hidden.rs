//! Hiding secrets in what telemetry writes, where there is no redactor that knows a run's own.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;

use super::{Names, Search};

/// What is written in a secret's place.
pub(crate) const HIDDEN: &str = "‹secret›";

thread_local! {
    /// Whether the fields of this name are secret; names are constants of the program, so there are few.
    static SECRET_FIELDS: RefCell<HashMap<&'static str, bool>> = RefCell::default();
}

/// Whether what stands under this name is a secret.
pub(crate) fn is_secret(name: &'static str) -> bool {
    SECRET_FIELDS.with_borrow_mut(|known| {
        let look = || Names::default().is_secret(name);
        *known.entry(name).or_insert_with(look)
    })
}

/// The text with whatever looks like a secret hidden.
pub(crate) fn without_secrets(text: &str) -> Cow<'_, str> {
    let search = Search {
        names: &Names::default(),
        known: &[],
        source: false,
    };
    let found = search.find(text);
    if found.is_empty() {
        return text.into();
    }
    let mut shown = text.to_owned();
    for secret in found.into_iter().rev() {
        shown.replace_range(secret.range, HIDDEN);
    }
    shown.into()
}

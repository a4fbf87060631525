//! Hiding secrets in what telemetry writes, where there is no redactor that knows a run's own.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use super::{Names, Search};

/// What is written in a secret's place.
pub(crate) const HIDDEN: &str = "‹secret›";

/// Texts that are remembered to hold no secret.
const CLEAN_TEXTS_MAX: usize = 4096;
/// Longest of them, bytes.
const CLEAN_BYTES_MAX: usize = 512;

thread_local! {
    /// Statements, routes and names of services come again and again, and a search costs more than all else that is done to them.
    static CLEAN: RefCell<HashSet<String>> = RefCell::default();
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
    if CLEAN.with_borrow(|clean| clean.contains(text)) {
        return text.into();
    }
    let search = Search {
        names: &Names::default(),
        known: &[],
        source: false,
    };
    let found = search.find(text);
    if found.is_empty() {
        remember_clean(text);
        return text.into();
    }
    let mut shown = text.to_owned();
    for secret in found.into_iter().rev() {
        shown.replace_range(secret.range, HIDDEN);
    }
    shown.into()
}

fn remember_clean(text: &str) {
    if text.len() > CLEAN_BYTES_MAX {
        return;
    }
    CLEAN.with_borrow_mut(|clean| {
        // What is said again and again is soon there again.
        if clean.len() >= CLEAN_TEXTS_MAX {
            clean.clear();
        }
        clean.insert(text.to_owned());
    });
}

//! Whether anybody wants colours.

use std::sync::atomic::{AtomicBool, Ordering};

/// Whether `--no-color` was given.
static REFUSED: AtomicBool = AtomicBool::new(false);

/// Switches colours off, everywhere.
pub fn refuse() {
    REFUSED.store(true, Ordering::Relaxed);
}

/// Whether nobody wants them: by `--no-color`, or by `NO_COLOR` (no-color.org).
pub fn is_refused() -> bool {
    REFUSED.load(Ordering::Relaxed)
        || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}

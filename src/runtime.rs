//! The tokio runtime of one thread.

use tokio::runtime::{Builder, LocalOptions, LocalRuntime};

/// A runtime for this thread, whose tasks stay on it.
///
/// # Errors
/// When the system gives no event queue.
pub(crate) fn local_runtime() -> std::io::Result<LocalRuntime> {
    Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default())
}

//! Work that blocks, kept off the threads that serve.

use std::sync::Arc;

use anyhow::Context as _;
use futures_util::future::BoxFuture;

/// Finishes what waits and lets go of files and connections.
pub(crate) type Closer = Arc<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>;

/// Does something that blocks on a thread made for it.
pub(crate) async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> anyhow::Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .context("work on another thread was interrupted")
}

/// A [`Closer`] out of something that blocks.
pub(crate) fn closer(close: impl Fn() + Send + Sync + 'static) -> Closer {
    let close = Arc::new(close);
    Arc::new(move || {
        let close = close.clone();
        Box::pin(async move {
            // Fails only when the runtime is going away, which closes everything as well.
            drop(off_thread(move || close()).await);
        })
    })
}

//! Cold start: what a function pays before its first request.

use std::time::Duration;

/// Takes as long as the start of a cold function does.
pub(crate) async fn start_cold(cold_start: Duration) {
    if !cold_start.is_zero() {
        tracing::info!(ms = cold_start.as_millis(), "cold start");
        tokio::time::sleep(cold_start).await;
    }
}

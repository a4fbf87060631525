//! Cold start: what a function pays before its first request.

use std::time::Instant;

use crate::error::ApiError;
use crate::fault::{Faults, Point};
use crate::service::Service;

/// Passes the place at which a service makes what it needs, and says how long that was held up.
pub(crate) async fn start_cold(faults: &Faults, service: Service) -> Result<(), ApiError> {
    let begun = Instant::now();
    faults.at(Point::Startup, service.name()).await?;
    let ms = begun.elapsed().as_millis();
    if ms > 0 {
        tracing::info!(ms, "cold start");
    }
    Ok(())
}

//! The search service.

use utoipa_axum::router::OpenApiRouter;

use crate::context::AppState;

/// Its routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
}

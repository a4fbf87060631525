//! What every service answers besides its own routes: health, readiness, metrics, its document, and errors for
//! everything else.

use std::sync::Arc;

use axum::extract::{Extension, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use telemetry::metrics::CONTENT_TYPE;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::readiness::{LatestVerdict, Readiness};
use crate::context::AppState;
use crate::error::{ApiError, ErrorBody};
use crate::service::Service;

/// `/health`, `/ready` and `/metrics`.
pub(super) fn common_routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(health))
        .routes(routes!(ready))
        .routes(routes!(metrics))
}

/// That a service is alive.
#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    /// Always true: whoever is not alive does not answer.
    ok: bool,
    /// Its short name.
    service: &'static str,
    /// Its version.
    version: &'static str,
}

/// Liveness: whether the process answers at all. Whether it can do its work is at `/ready`.
#[utoipa::path(get, path = "/health", responses((status = 200, body = Health)))]
async fn health(State(state): State<AppState>) -> Json<Health> {
    Json(Health {
        ok: true,
        service: state.service.name(),
        version: env!("CARGO_PKG_VERSION"),
    })
}

/// Readiness: whether the service can do its work now, and what it lacks.
#[utoipa::path(get, path = "/ready", responses(
    (status = 200, body = Readiness),
    (status = 503, body = Readiness, description = "Something is away without which it cannot answer"),
))]
async fn ready(
    State(state): State<AppState>,
    Extension(latest): Extension<Arc<LatestVerdict>>,
) -> Response {
    let readiness = latest.of(state.service, &state.context).await;
    let status = match readiness.ready {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, Json(readiness)).into_response()
}

/// The service's metrics in Prometheus text format; not at the gateway's port where strangers reach it.
#[utoipa::path(get, path = "/metrics", responses(
    (status = 200, body = String, content_type = "text/plain"),
    (status = 404, body = ErrorBody, description = "They are at another port, see `--metrics-listen`"),
))]
async fn metrics(State(state): State<AppState>) -> Result<Response, ApiError> {
    if state.service == Service::Gateway && state.context.config.is_beyond_loopback() {
        return Err(not_found().await);
    }
    render_metrics(&state)
}

/// The gateway's metrics at a port of their own.
pub(super) fn metrics_app(state: AppState) -> Router {
    let answer = |State(state): State<AppState>| async move { render_metrics(&state) };
    Router::new()
        .route("/metrics", get(answer))
        .with_state(state)
}

fn render_metrics(state: &AppState) -> Result<Response, ApiError> {
    let text = state
        .observer()
        .registry
        .render()
        .map_err(|error| ApiError::internal(&error))?;
    Ok(([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response())
}

/// A path that no route has.
pub(super) async fn not_found() -> ApiError {
    ApiError::not_found("there is nothing at this path")
}

/// A path that exists, with a method that it does not have.
pub(super) async fn method_not_allowed() -> ApiError {
    ApiError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "this path does not have that method; see the `Allow` header",
    )
}

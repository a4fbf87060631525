//! What every service answers besides its own routes: health, metrics, its document, and errors for
//! everything else.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use bytes::Bytes;
use serde::Serialize;
use telemetry::metrics::CONTENT_TYPE;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::context::AppState;
use crate::error::ApiError;
use crate::openapi;
use crate::service::Service;

/// `/health` and `/metrics`.
pub(crate) fn common_routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(health))
        .routes(routes!(metrics))
}

/// `/openapi.json`, rendered once.
pub(super) fn document_route(service: Service) -> Router<AppState> {
    let document = Bytes::from(serde_json::to_vec(&openapi::document(service)).unwrap_or_default());
    let answer = move || {
        let document = document.clone();
        async move { ([(header::CONTENT_TYPE, "application/json")], document) }
    };
    Router::new().route("/openapi.json", get(answer))
}

/// How a service is.
#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    /// Whether it can answer.
    ok: bool,
    /// Its short name.
    service: &'static str,
    /// Its version.
    version: &'static str,
}

/// Whether the service can answer.
#[utoipa::path(get, path = "/health", responses((status = 200, body = Health)))]
async fn health(State(state): State<AppState>) -> Json<Health> {
    Json(Health {
        ok: true,
        service: state.service.name(),
        version: env!("CARGO_PKG_VERSION"),
    })
}

/// The service's metrics in Prometheus text format.
#[utoipa::path(get, path = "/metrics", responses((status = 200, body = String, content_type = "text/plain")))]
async fn metrics(State(state): State<AppState>) -> Result<Response, ApiError> {
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

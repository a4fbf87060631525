//! Products and orders.

use utoipa_axum::router::OpenApiRouter;

use crate::context::AppState;

mod idempotency;
mod new_order;
mod orders_api;
mod products_api;
mod view;

/// The routes of the orders service.
pub fn routes() -> OpenApiRouter<AppState> {
    products_api::routes().merge(orders_api::routes())
}

pub use new_order::{CatalogueOrder, CreateOrder, Draft, OrderItem, PlainItem, PlainOrder};

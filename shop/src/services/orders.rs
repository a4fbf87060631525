//! Products and orders, and the books that auditors read.

use utoipa_axum::router::OpenApiRouter;

use crate::context::AppState;

mod books_api;
mod idempotency;
mod new_order;
mod orders_api;
mod products_api;
mod view;

/// The routes of the orders service.
pub fn routes() -> OpenApiRouter<AppState> {
    products_api::routes()
        .merge(orders_api::routes())
        .merge(books_api::routes())
}

pub use new_order::{CatalogueOrder, CreateOrder, Draft, OrderItem, PlainItem, PlainOrder};
